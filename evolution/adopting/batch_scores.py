"""Models that are asked by a function beside them, which takes a batch out of the program's own data: `forward(model, i, data)`.

Session graphs are written so: the data object makes a graph of each session, and no method of the model takes histories.
"""

import ast
from dataclasses import dataclass

from diagnosis.syntax import dotted
from evolution.adopting.constants import Constants, parameters_of
from evolution.adopting.foreign_code import CodeUnit
from evolution.adopting.training import TrainingProgram


@dataclass(frozen=True, kw_only=True)
class BatchFunction:
    """A function `f(model, indices, data)` that answers with scores, and the class of its data.

    scores: the place of the scores in what it returns, -1 where they are all that it returns. made: further arguments of the
    class, as code. shift: 1 where the first column is of item 1.
    """

    unit: CodeUnit
    order: tuple[str, ...]  # "model", "rows", "data", as they are given
    scores: int
    kind: str
    made: str
    shift: int


def batch_function(constants: Constants, program: TrainingProgram) -> BatchFunction | None:
    """The one that the training calls, if its data is made of a pair of beginnings and the items that follow."""
    for unit in program.units:
        if unit.owner is not None or isinstance(unit.node, ast.Module) or len(parameters_of(unit)) != 3:
            continue
        order = _order(unit)
        scores = _place_of_scores(unit, order) if order else None
        kinds = _classes_of_data(constants, unit, order) if order else []
        if (
            order is None
            or scores is None
            or len(kinds) != 1
            or not _is_seen(constants, program, unit, kinds[0])
        ):
            continue
        made = _further_arguments(constants, program, kinds[0])
        if made is not None:
            shift = _shift(program, unit)
            return BatchFunction(unit=unit, order=order, scores=scores, kind=kinds[0], made=made, shift=shift)
    return None


def batch_code(found: BatchFunction) -> tuple[str, ...]:
    """Lines of a function `score` that asks so."""
    given = {"model": "model", "rows": "np.arange(len(rows))", "data": "asked"}
    place = f"[{found.scores}]" if found.scores >= 0 else ""
    called = f'run["{found.unit.name}"]({", ".join(given[one] for one in found.order)}){place}'
    lines = [
        f"def score(model, users, histories):  # as {found.unit.place} asks for a batch",
        "    rows = [row[row > 0].tolist() or [1] for row in histories]",
        f'    asked = run["{found.kind}"]((rows, [1] * len(rows)){found.made})',
    ]
    if found.shift:
        lines.append(f"    return torch.nn.functional.pad({called}, (1, 0))  # its first column is item 1")
    else:
        lines.append(f"    return {called}")
    return tuple(lines)


def _order(unit: CodeUnit) -> tuple[str, ...] | None:
    """Which parameter is the model, which the rows, which the data: of `data.get_slice(rows)` and `model(...)`."""
    names = set(parameters_of(unit))
    told: dict[str, str] = {}
    for call in unit.calls:
        base = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        if base in names and len(call.args) == 1 and dotted(call.args[0]) in names - {base}:
            told.setdefault(base, "data")
            told.setdefault(dotted(call.args[0]), "rows")
    for call in unit.calls:
        base = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else dotted(call.func)
        if base in names and base not in told:
            told[base] = "model"
    order = tuple(told.get(name, "") for name in parameters_of(unit))
    return order if sorted(order) == ["data", "model", "rows"] else None


def _place_of_scores(unit: CodeUnit, order: tuple[str, ...]) -> int | None:
    """The part of what is returned that the model itself gives."""
    model = parameters_of(unit)[order.index("model")]
    for node in unit.nodes:
        if not isinstance(node, ast.Return) or node.value is None:
            continue
        parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        for place, part in enumerate(parts):
            if any(_is_of(one, model) for one in _meant(unit, part)):
                return place if isinstance(node.value, ast.Tuple) else -1
    return None


def _meant(unit: CodeUnit, part: ast.expr) -> list[ast.expr]:
    if not isinstance(part, ast.Name):
        return [part]
    return [n.value for n in unit.nodes if isinstance(n, ast.Assign) and dotted(n.targets[0]) == part.id]


def _is_of(node: ast.expr, model: str) -> bool:
    """A call of the model or of one of its methods."""
    called = node.func if isinstance(node, ast.Call) else None
    return dotted(called.value if isinstance(called, ast.Attribute) else called) == model if called else False


def _classes_of_data(constants: Constants, unit: CodeUnit, order: tuple[str, ...]) -> list[str]:
    """Classes of the repo with the method that takes the batch out."""
    data = parameters_of(unit)[order.index("data")]
    asked = {
        c.func.attr for c in unit.calls if isinstance(c.func, ast.Attribute) and dotted(c.func.value) == data
    }
    beside = unit.file.path.rpartition("/")[0]
    found = {
        one.owner.name
        for name in asked
        for one in constants.repo.methods.get(name, [])
        if one.owner is not None and one.file.path.rpartition("/")[0] == beside
    }
    return sorted(found)


def _is_seen(constants: Constants, program: TrainingProgram, unit: CodeUnit, kind: str) -> bool:
    """Whether the file in which the program waits knows both names."""
    file = program.end.unit.file if program.end.unit else program.file
    functions = constants.repo.defined(file, unit.name)
    return unit in functions and bool(constants.repo.classes_called(file, ast.Name(id=kind)))


def _further_arguments(constants: Constants, program: TrainingProgram, kind: str) -> str | None:
    """What the data is made with beside the pair, as code; None where that is more than constants."""
    for unit in program.units:
        for call in unit.calls:
            if dotted(call.func) != kind or not call.args:
                continue
            rest = [*call.args[1:], *(word.value for word in call.keywords)]
            if not all(isinstance(one, ast.Constant) for one in rest):
                continue
            words = [ast.unparse(one) for one in call.args[1:]]
            words += [
                f"{word.arg}={False if word.arg == 'shuffle' else ast.unparse(word.value)}"
                for word in call.keywords
                if word.arg
            ]
            return "".join(f", {word}" for word in words)
    return None


def _shift(program: TrainingProgram, asked: CodeUnit) -> int:
    """1 where the training's targets are `targets - 1`."""
    for unit in program.units:
        if any(dotted(call.func) == asked.name for call in unit.calls):
            for call in unit.calls:
                for arg in call.args[1:]:
                    match arg:
                        case ast.BinOp(left=ast.Name(), op=ast.Sub(), right=ast.Constant(value=1)):
                            return 1
    return 0
