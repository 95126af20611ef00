"""The token that stands for an item that is asked for, as models of masked sequences have one."""

import ast

from diagnosis.syntax import dotted
from evolution.adopting.constants import Constants, target_pairs
from evolution.adopting.foreign_code import CodeUnit
from evolution.adopting.model_class import beyond
from evolution.adopting.naming import words_of
from evolution.adopting.training import TrainingProgram


def mask_token(constants: Constants, program: TrainingProgram) -> tuple[str, str]:
    """(code of the token, where it is named) of a program that puts one into its batches; ("", "") if it does not.

    A token that is one more than the items is "n + 1"; a constant, such as a configuration's mask_token_id, is that number.
    """
    for unit in program.units:
        for node in unit.nodes:
            if isinstance(node, ast.Assign):
                for target, value in target_pairs(node):
                    name = dotted(target).rpartition(".")[2]
                    words = words_of(name)
                    if "mask" not in words or not {"token", "id", "idx"} & set(words):
                        continue
                    code = "n + 1" if beyond(value) >= 1 else _constant(constants, unit, value)
                    if code and _is_read(program, name):
                        return code, f"{unit.file.path}:{node.lineno}"
    return "", ""


def _constant(constants: Constants, unit: CodeUnit, value: ast.expr) -> str:
    """A small number that a token is, the same wherever it is set; "" for anything else."""
    told = {one for one in constants.values(unit, value) if type(one) is int}
    return str(told.pop()) if len(told) == 1 else ""


def _has_constructor(unit: CodeUnit) -> bool:
    return any(one.owner is unit.owner and one.name.endswith("__init__") for one in unit.file.units)


def _is_read(program: TrainingProgram, name: str) -> bool:
    """Whether code beyond arguments of a constructor reads a name: with the same words, as `mask_token` of `CLOZE_MASK_TOKEN`."""
    words = {"mask", *(one for one in words_of(name) if one in ("token", "id", "idx"))}
    # Collators that are dataclasses have no constructor of their own by which the program is seen to enter them.
    files = dict.fromkeys(unit.file for unit in program.units)
    entered = {unit.owner for unit in program.units}
    for unit in [one for file in files for one in file.units]:
        if unit.owner is not None and unit.owner not in entered and _has_constructor(unit):
            continue  # of a class that this program makes nothing of, such as the data of a pretraining
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
