"""Models whose scores are the products of two tables: those that they hold, keep from the last step, or compute in a method."""

import ast

from diagnosis.syntax import dotted
from evolution.adopting.constants import Constants, argument, assigned_in
from evolution.adopting.foreign_code import CodeUnit, is_abstract
from evolution.adopting.model_class import FoundModel
from evolution.adopting.naming import role_of, words_of
from evolution.adopting.score_way import ScoreWay
from evolution.adopting.training import TrainingProgram
from evolution.adopting.vectors import required, tables_returned

# Words of calls by which vectors are mixed over a graph.
MIXES = {"sparse", "spmm", "propagate", "aggregate", "conv", "gcn", "message"}


def products(constants: Constants, program: TrainingProgram, model: FoundModel) -> ScoreWay | None:
    """Of what a method computes, else of the tables themselves; None where neither can be told."""
    return (
        _of_methods(constants, program, model) or _of_kept(constants, model) or _of_tables(constants, model)
    )


def _of_methods(constants: Constants, program: TrainingProgram, model: FoundModel) -> ScoreWay | None:
    """A model that computes all vectors of users and items in one method: its scores are their products."""
    for file, node in constants.repo.lineage(model.kind):
        for unit in (unit for unit in file.units if unit.owner is node and not is_abstract(unit)):
            if unit.name.rpartition(".")[2] == "__init__":
                continue
            tables = tables_returned(unit, _handed(program, model, unit))
            if tables is not None:
                users, items = tables
                why = f"{unit.place} returns the vectors of all users and of all items; scores are their products"
                code = f"kit.scores.matrix(users={users}, items={items})"
                return ScoreWay(kind="matrix", code=code, why=why, table=items, why_table=unit.place)
    return None


def _handed(program: TrainingProgram, model: FoundModel, unit: CodeUnit) -> dict[str, str]:
    """What a program hands to a method of its model and holds while an epoch ends: parameter -> code; no ids.

    It does so where it trains, or in another method of the object that trains, such as its evaluation, by what that object holds.
    """
    held, name = model.variable.rpartition(".")[2], unit.name.rpartition(".")[2]
    end = program.end.unit
    if end is None or not held:
        return {}
    others = [
        one for one in end.file.units if end.owner is not None and one.owner is end.owner and one is not end
    ]
    found: dict[str, str] = {}
    for call, is_own in [
        *((one, True) for one in end.calls),
        *((c, False) for one in others for c in one.calls),
    ]:
        *_, called = ("", *dotted(call.func).split("."))
        if called != (held if name == "forward" else name):
            continue
        for one in required(unit):
            given = argument(call, unit, one)
            path = dotted(given) if given is not None else ""
            lasts = path and (is_own or path.startswith("self."))
            if lasts and role_of(one) not in ("user", "item", "history", "negative"):
                found.setdefault(one, f'run["{path}"]')
    return found


def _of_kept(constants: Constants, model: FoundModel) -> ScoreWay | None:
    """A model that multiplies rows of users with all rows of items somewhere, as a branch for evaluation: `self.E_u[users] @ self.E_i.T`."""
    for file, node in constants.repo.lineage(model.kind):
        for unit in (unit for unit in file.units if unit.owner is node and not is_abstract(unit)):
            for part in unit.nodes:
                factors = _factors(part, unit, model)
                if factors is None or not isinstance(file.parents.get(part), ast.Assign | ast.Return):
                    continue  # a product that something is added to is no score yet
                users, items = factors
                place = f"{file.path}:{getattr(part, 'lineno', 1)}"
                return ScoreWay(
                    kind="matrix",
                    code=f'kit.scores.matrix(users="{users}", items="{items}")',
                    why=f"{place} multiplies the vectors of users with those of all items",
                    table=f'"{items}"',
                    why_table=place,
                    kept=tuple(path for path in factors if _is_made_by_steps(constants, model, path)),
                )
    return None


def _is_made_by_steps(constants: Constants, model: FoundModel, path: str) -> bool:
    """Whether a method other than the constructor gives an attribute its value."""
    return any(
        isinstance(node, ast.Assign) and any(dotted(target) == f"self.{path}" for target in node.targets)
        for file, kind in constants.repo.lineage(model.kind)
        for unit in file.units
        if unit.owner is kind and unit.name.rpartition(".")[2] != "__init__"
        for node in unit.nodes
    )


def _factors(node: ast.AST, unit: CodeUnit, model: FoundModel) -> tuple[str, str] | None:
    """The paths of the tables in `self.users[ids] @ self.items.T` and `torch.matmul(self.users(ids), self.items.weight.t())`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        left, right = node.left, node.right
    elif (
        isinstance(node, ast.Call)
        and dotted(node.func) in ("torch.matmul", "torch.mm")
        and len(node.args) == 2
    ):
        left, right = node.args
    else:
        return None
    known = {table.weight: table.about for table in model.tables}
    users, items = _rows(left, unit), _turned(right)
    names = [path.removesuffix(".weight") for path in (users, items)]
    about = [known.get(path) or role_of(name) for path, name in zip((users, items), names)]
    return (users, items) if about == ["user", "item"] else None


def _rows(node: ast.expr, unit: CodeUnit) -> str:
    """The path of the table of which a parameter's rows are taken, there or as the name was last set; "" for anything else."""
    if isinstance(node, ast.Name):
        rows = [path for value in assigned_in(unit, node.id) if (path := _rows_taken(value))]
        return rows[-1] if rows else ""
    return _rows_taken(node)


def _rows_taken(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        first, *others = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        whole = all(isinstance(one, ast.Slice) and not (one.lower or one.upper) for one in others)
        return _own(node.value) if isinstance(first, ast.Name) and whole else ""
    if isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.args[0], ast.Name):
        path = _own(node.func)
        return f"{path}.weight" if path else ""
    return ""


def _turned(node: ast.expr) -> str:
    """The path of the table that is transposed as a whole; "" for anything else."""
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        return _own(node.value)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("t", "transpose")
    ):
        return _own(node.func.value)
    return ""


def _own(node: ast.expr) -> str:
    """ "items.weight" of `self.items.weight`."""
    path = dotted(node)
    return path.removeprefix("self.") if path.startswith("self.") else ""


def _of_tables(constants: Constants, model: FoundModel) -> ScoreWay | None:
    """A model that is two tables and nothing else, trained on pairs: its scores are their products."""
    users = [table for table in model.tables if table.about == "user"]
    items = [table for table in model.tables if table.about == "item"]
    others = [
        call
        for file, node in constants.repo.lineage(model.kind)
        for call in ast.walk(node)
        if _is_layer(call) or _mixes(call)
    ]
    if len(users) != 1 or len(items) != 1 or others:
        return None
    code = f'kit.scores.matrix(users="{users[0].weight}", items="{items[0].weight}")'
    why = f"{model.place} has a table of users and one of items, and no layer behind them: scores are their products"
    return ScoreWay(kind="matrix", code=code, why=why, table=f'"{items[0].weight}"', why_table=items[0].place)


def _mixes(node: ast.AST) -> bool:
    """Whether vectors are mixed before they are multiplied, as `torch.sparse.mm(graph, items)` does."""
    return isinstance(node, ast.Call) and bool(MIXES & set(words_of(dotted(node.func))))


def _is_layer(node: ast.AST) -> bool:
    """A layer of torch's that is made, apart from tables."""
    name = dotted(node.func) if isinstance(node, ast.Call) else ""
    base, _, last = name.rpartition(".")
    return (
        base.rpartition(".")[2] in ("nn", "torch")
        and last[:1].isupper()
        and last not in ("Embedding", "LongTensor", "Tensor")
    )
