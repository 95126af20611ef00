"""The repo's own evaluation in its training loop, which evolverec leaves out: it costs time and asks for events that are held out."""

import ast
import re
from dataclasses import dataclass

from diagnosis.syntax import dotted
from evolution.adopting.foreign_code import CodeUnit, ForeignRepo
from evolution.adopting.naming import words_of
from evolution.adopting.training import TrainingProgram

EVALUATES = {
    "eval",
    "evaluate",
    "evaluation",
    "validate",
    "valid",
    "validation",
    "test",
    "metrics",
    "metric",
    "testing",
    "val",
    "evaluator",
}
# What stands for each figure: above 0, so that the first epoch counts as the best and what is kept of it is there at the end.
FIGURE = "1.0"
FIGURES = "np.ones(100)"  # the same for several cutoffs
UNUSED = "None"
TRAINS = {"train", "fit", "loss", "step", "backward", "mode"}


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """name: "file.py:Class.method", for `skip=`. gives: code of what it gives instead, "None" for nothing. place: of the call.

    why: what it does that is left out.
    """

    name: str
    gives: str
    place: str
    why: str = "evaluates on the repo's own held-out part, or stops by that; evolverec does both itself"


def evaluations_of(repo: ForeignRepo, program: TrainingProgram) -> list[LeftOut]:
    """Functions that the training loop calls to evaluate, of which the results can be replaced."""
    end = program.end
    if end.unit is None or end.loop is None:
        return []
    loop = next(
        (n for n in end.unit.nodes if isinstance(n, (ast.For, ast.While)) and n.lineno == end.line), None
    )
    training = {unit for unit, _ in program.chain}
    found: dict[str, LeftOut] = {}
    for call in ast.walk(loop) if loop is not None else ():
        if not isinstance(call, ast.Call) or not names_evaluation(call):
            continue
        entered = [unit for unit in repo.reached(end.unit, call) if not unit.name.endswith("__init__")]
        if len(entered) != 1 or entered[0] in training or _has_training(entered[0]):
            continue
        used = _result(end.unit, call)
        if used is None:
            continue
        gives = used if used == UNUSED else _returned(entered[0]) or used
        place = f"{end.unit.file.path}:{call.lineno}"
        name = f"{entered[0].file.path}:{entered[0].name}"
        known = found.get(name)
        if known is None or known.gives == UNUSED:
            found[name] = LeftOut(name=name, gives=gives, place=place)
    return list(found.values())


def names_evaluation(call: ast.Call) -> bool:
    """Whether what is called sounds like an evaluation, and not like training."""
    name = getattr(call.func, "attr", "") or dotted(call.func)
    words = set(words_of(name))
    return bool(words & EVALUATES) and not words & TRAINS


def _has_training(unit: CodeUnit) -> bool:
    return any(getattr(call.func, "attr", "") == "backward" for call in unit.calls)


def _returned(unit: CodeUnit) -> str | None:
    """The same by what the function returns, a tuple or a mapping; None where it returns anything else."""
    given = [node.value for node in unit.nodes if isinstance(node, ast.Return) and node.value is not None]
    shapes = {_shape(value) for value in given}
    return shapes.pop() if len(shapes) == 1 else None


def _shape(value: ast.expr) -> str | None:
    """Code of a tuple, or a mapping with the same keys, of figures; None for any other expression."""
    if (
        isinstance(value, ast.Tuple)
        and value.elts
        and not any(isinstance(x, ast.Starred) for x in value.elts)
    ):
        return f"({', '.join([FIGURE] * len(value.elts))}{',' if len(value.elts) == 1 else ''})"
    if (
        isinstance(value, ast.Dict)
        and value.keys
        and all(isinstance(key, ast.Constant) for key in value.keys)
    ):
        named = [f"{key.value!r}: {FIGURE}" for key in value.keys if isinstance(key, ast.Constant)]
        return f"{{{', '.join(named)}}}"
    return None


def _result(unit: CodeUnit, call: ast.Call) -> str | None:
    """Code of what may stand for a call's result, by how it is used; None where that cannot be told."""
    parent = unit.file.parents.get(call)
    if isinstance(parent, ast.Expr):
        return UNUSED
    if not (isinstance(parent, ast.Assign) and len(parent.targets) == 1):
        return None
    target = parent.targets[0]
    if isinstance(target, (ast.Tuple, ast.List)):
        names = [getattr(part, "id", "") for part in target.elts]
        if not all(names) or any(_use(unit, name) != "number" for name in names):
            return None
        return f"({', '.join([FIGURE] * len(names))})"
    name = dotted(target)
    uses = _use(unit, name) if name else "unclear"
    width = _indexed(unit, name)
    if uses == "number":
        return FIGURE
    if uses == "mapping":
        return f"collections.defaultdict(lambda: {_held(unit, name)})"
    return f"[{', '.join([FIGURE] * (width + 1))}]" if uses == "list" and width >= 0 else None


def _use(unit: CodeUnit, name: str) -> str:
    """ "number", "list" (read by places), or "unclear": by key, by attribute, handed to a scheduler."""
    told = "number"
    for node in unit.nodes:
        if isinstance(node, ast.Subscript) and dotted(node.value) == name:
            if not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int)):
                told = "mapping"
            elif told != "mapping":
                told = "list"
        elif (
            isinstance(node, ast.Attribute)
            and dotted(node.value) == name
            and not re.fullmatch(r"item|__\w+", node.attr)
        ):
            return "unclear"
        elif isinstance(node, ast.Call) and any(dotted(arg) == name for arg in node.args):
            called = getattr(node.func, "attr", "") or dotted(node.func)
            if called not in (
                "print",
                "append",
                "format",
                "info",
                "write",
                "add_scalar",
                "mean",
                "max",
                "min",
                "float",
                "str",
                "round",
                "log",
                "debug",
                "item",
                "isnan",
            ):
                return "unclear"
        elif isinstance(node, ast.For) and dotted(node.iter) == name:
            return "unclear"
    return told


def _held(unit: CodeUnit, name: str) -> str:
    """Code of what a mapping holds: one figure, several where they are taken by places, as `told["recall"][0]`, one for each
    cutoff, or by names, as `told[20]["recall"]`."""
    inner = [
        node.slice
        for node in unit.nodes
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Subscript)
        and dotted(node.value.value) == name
    ]
    if any(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in inner):
        return f"collections.defaultdict(lambda: {FIGURE})"
    return FIGURES if inner else FIGURE


def _indexed(unit: CodeUnit, name: str) -> int:
    places = [
        n.slice.value
        for n in unit.nodes
        if isinstance(n, ast.Subscript) and dotted(n.value) == name and isinstance(n.slice, ast.Constant)
    ]
    return max((place for place in places if isinstance(place, int)), default=-1)
