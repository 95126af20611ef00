"""What a model's method returns: a score for each item, or states that are still to be multiplied with a table."""

import ast
from dataclasses import replace

from diagnosis.syntax import dotted
from evolution.adopting.constants import Constants, assigned_in
from evolution.adopting.foreign_code import CodeUnit
from evolution.adopting.model_class import FoundModel, Kind, tables_of
from evolution.adopting.naming import role_of, words_of
from evolution.adopting.training import TrainingProgram


def returned(constants: Constants, model: FoundModel, unit: CodeUnit) -> str:
    """ "scores" where a method ends in a layer or product with a column for each item, "" otherwise."""
    wide = {name for name, about in _layers(constants, model.kind).items() if about == "item"}
    tables = {f"self.{table.weight}" for table in model.tables if table.about == "item"}
    inner = held_modules(constants, model.kind)
    for node in unit.nodes:
        if isinstance(node, ast.Return) and node.value is not None:
            waiting, seen = [node.value], set[int]()
            while waiting:
                value = waiting.pop()
                if id(value) in seen or len(seen) > 60:
                    continue
                seen.add(id(value))
                for part_of in ast.walk(value):
                    name = dotted(part_of) if isinstance(part_of, (ast.Attribute, ast.Name)) else ""
                    if name in wide or name in tables or _is_whole_table(part_of, tables):
                        return "scores"
                if _is_product(value):
                    waiting += [one for one in ast.walk(value) if isinstance(one, ast.Name)]
                if isinstance(value, ast.Name):
                    waiting += assigned_in(unit, value.id)
                elif isinstance(value, (ast.Tuple, ast.List)):
                    waiting += value.elts[:1]
                elif isinstance(value, ast.Call) and (held := inner.get(dotted(value.func))) is not None:
                    part = replace(model, kind=held, tables=tuple(tables_of(constants.repo, held)))
                    if any(
                        returned(constants, part, one) for one in constants.repo.method_of(held, "forward")
                    ):
                        return "scores"
                elif isinstance(value, ast.Call):
                    for other in (
                        constants.repo.reached(unit, value)[:2]
                        if dotted(value.func).startswith("self.")
                        else []
                    ):
                        if returned(constants, model, other) and other is not unit:
                            return "scores"
    return ""


def _is_whole_table(node: ast.AST, tables: set[str]) -> bool:
    """`self.items(torch.arange(n))`: every row of a table."""
    looked_up = isinstance(node, ast.Call) and f"{dotted(node.func)}.weight" in tables and node.args
    return bool(looked_up) and any(
        isinstance(one, ast.Call) and dotted(one.func).rpartition(".")[2] == "arange"
        for one in ast.walk(node.args[0] if isinstance(node, ast.Call) else node)
    )


def _is_product(node: ast.expr) -> bool:
    """A product of matrices."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", "") or dotted(node.func)
        return name in ("matmul", "mm", "bmm", "einsum", "linear", "addmm")
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)


def gives_all_pairs(unit: CodeUnit) -> bool:
    """Whether a function multiplies its vectors with transposed ones and returns that: rows of users, columns of items."""
    returned_names = {
        dotted(n.value) for n in unit.nodes if isinstance(n, ast.Return) and n.value is not None
    }
    told = [n.value for n in unit.nodes if isinstance(n, ast.Return) and n.value is not None]
    told += [
        node.value
        for node in unit.nodes
        if isinstance(node, ast.Assign) and dotted(node.targets[0]) in returned_names - {""}
    ]
    return any(_is_product(one) and _is_transposed(_right(one)) for one in told)


def _right(product: ast.expr) -> ast.expr | None:
    if isinstance(product, ast.BinOp):
        return product.right
    given = product.args if isinstance(product, ast.Call) else []
    return given[-1] if given else None


def _is_transposed(node: ast.expr | None) -> bool:
    """`x.T`, `x.t()`, `x.transpose(0, 1)`, `torch.transpose(x, 0, 1)`; no swap of places within a row of the batch."""
    if isinstance(node, ast.Attribute):
        return node.attr in ("T", "mT")
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", "") or dotted(node.func)
    axes = [n.value for one in node.args for n in ast.walk(one) if isinstance(n, ast.Constant)]
    return name == "t" or (name in ("transpose", "permute", "swapaxes") and axes[:2] in ([0, 1], [1, 0]))


def losses_of(program: TrainingProgram, model: FoundModel) -> set[str]:
    """The names of the model's methods whose result is differentiated as it is: `loss = model(users, liked, others); loss.backward()`."""
    held = model.variable.rpartition(".")[2]
    found: set[str] = set()
    for unit in program.units if held else ():
        for call in unit.calls:
            if not (isinstance(call.func, ast.Attribute) and call.func.attr == "backward"):
                continue
            lost = [call.func.value, *call.args]
            lost += [
                value for one in lost if isinstance(one, ast.Name) for value in assigned_in(unit, one.id)
            ]
            for value in (one for one in lost if isinstance(one, ast.Call)):
                base, _, name = dotted(value.func).rpartition(".")
                if name == held and base in ("", "self"):
                    found.add("forward")
                elif base.rpartition(".")[2] == held:
                    found.add(name)
    return found


def field_of_scores(unit: CodeUnit) -> str:
    """ ".logits" where a method returns an object that has its scores under such a name."""
    for node in unit.nodes:
        if (
            isinstance(node, ast.Return)
            and isinstance(node.value, ast.Call)
            and not dotted(node.value.func).startswith("self.")
        ):
            for word in node.value.keywords:
                if word.arg in ("logits", "scores", "prediction_logits", "predictions"):
                    return f".{word.arg}"
    return ""


def held_modules(constants: Constants, kind: Kind) -> dict[str, Kind]:
    """ "self.head" -> the class of the repo that a model holds there."""
    found: dict[str, Kind] = {}
    for file, node in constants.repo.lineage(kind):
        for unit in file.units:
            for inner in unit.nodes if unit.owner is node else ():
                if isinstance(inner, ast.Assign) and isinstance(inner.value, ast.Call):
                    for made in constants.repo.classes_called(file, inner.value.func)[:1]:
                        found[dotted(inner.targets[0])] = made
    return found


def _layers(constants: Constants, kind: Kind) -> dict[str, str]:
    """ "self.out" -> "item" where it is a linear layer with a column for each item."""
    found: dict[str, str] = {}
    for file, node in constants.repo.lineage(kind):
        for unit in file.units:
            for inner in unit.nodes if unit.owner is node else ():
                if (
                    isinstance(inner, ast.Assign)
                    and isinstance(inner.value, ast.Call)
                    and dotted(inner.value.func).rpartition(".")[2] == "Linear"
                ):
                    arguments = [
                        *inner.value.args,
                        *(word.value for word in inner.value.keywords if word.arg == "out_features"),
                    ]
                    wide = arguments[1] if len(arguments) > 1 else arguments[-1]
                    words = [
                        w
                        for one in ast.walk(wide)
                        for w in words_of(getattr(one, "attr", "") or getattr(one, "id", ""))
                    ]
                    if role_of("_".join(words)) == "item" or {"output", "vocab", "items"} & set(words):
                        found[dotted(inner.targets[0])] = "item"
    return found
