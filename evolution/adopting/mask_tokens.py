"""The token that stands for an item that is asked for, as models of masked sequences have one."""

import ast

from diagnosis.syntax import dotted
from evolution.adopting.model_class import beyond
from evolution.adopting.naming import words_of
from evolution.adopting.training import TrainingProgram


def mask_token(program: TrainingProgram) -> str:
    """Where the program names a mask token that is one more than its items, and puts it into its batches; "" if it does not."""
    for unit in program.units:
        for node in unit.nodes:
            if isinstance(node, ast.Assign) and beyond(node.value) >= 1:
                name = dotted(node.targets[0]).rpartition(".")[2]
                words = words_of(name)
                if "mask" in words and {"token", "id", "idx"} & set(words) and _is_read(program, name):
                    return f"{unit.file.path}:{node.lineno}"
    return ""


def _is_read(program: TrainingProgram, name: str) -> bool:
    """Whether code beyond arguments of a constructor reads a name: with the same words, as `mask_token` of `CLOZE_MASK_TOKEN`."""
    words = {"mask", *(one for one in words_of(name) if one in ("token", "id", "idx"))}
    for unit in program.units:
        for call in unit.calls:
            if getattr(call.func, "attr", "") in (
                "append",
                "extend",
                "masked_fill",
                "where",
                "full",
                "insert",
            ) and any(
                words <= set(words_of(dotted(one)))
                for arg in call.args
                for one in ast.walk(arg)
                if dotted(one)
            ):
                return True
        for node in unit.nodes:
            if isinstance(node, (ast.List, ast.Assign)) and not isinstance(unit.node, ast.Module):
                value = node.value if isinstance(node, ast.Assign) else node
                inside = [
                    dotted(one) for one in ast.walk(value) if isinstance(one, (ast.Name, ast.Attribute))
                ]
                stored = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript)
                if (stored or isinstance(node, ast.List)) and any(
                    words <= set(words_of(one)) for one in inside
                ):
                    return True
    return False
