"""The lines that decide what a finding is about, found from the lines where its values were seen."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from diagnosis.deciding.by_line import BY_LINE, WITHOUT_LINES
from diagnosis.deciding.graphs import OF_GRAPHS
from diagnosis.deciding.program import Program, read_program
from diagnosis.deciding.properties import BY_CODE, OF_ANSWERS, Picks
from diagnosis.deciding.running import is_idle
from diagnosis.deciding.statements import begun_at
from diagnosis.deciding.walk import At, flow_into
from diagnosis.findings import CodePlace
from diagnosis.syntax import called_name

MOST = 2  # deciding lines of a finding
UNSURE = 4  # lines that may decide; of more, none is told
NEAR = 3  # statements between the nearest deciding line and others
# The argument that holds the ids, of calls where others do not.
IDS = {
    "gather": 1,
    "index_select": 1,
    "take_along_dim": 0,
    "cross_entropy": 1,
    "nll_loss": 1,
    "binary_cross_entropy": 1,
    "binary_cross_entropy_with_logits": 1,
    "scatter": 1,
    "scatter_": 1,
    "index_add_": 1,
    "scatter_add_": 1,
}

PICKS = BY_CODE | OF_GRAPHS
# A target that is off by some places is indexed somewhere. The lines that were seen to make the values may be those of what picks
# them, as an order of rows, and lead nowhere.
OFF_BY_SOME = ("target-misplaced",)
MODULES = {
    "Embedding": 0, "EmbeddingBag": 0, "CrossEntropyLoss": 1, "NLLLoss": 1, "BCELoss": 1, "BCEWithLogitsLoss": 1,
}  # fmt: skip


def decided(
    code: str,
    seen: Sequence[CodePlace],
    sources: Mapping[str, str],
    details: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[CodePlace, ...]:
    """`seen` with the lines before it that decide what this code is about; `seen` alone where none is known for sure.

    seen: lines where the values were, best first; the last is the one that looks them up. details: of the measurement.
    """
    if code in BY_LINE and f"{code}, {_way(details)}" not in PICKS and (seen or code in WITHOUT_LINES):
        program = read_program(sources)
        found = _places(program, BY_LINE[code](program, seen))
        return _once([*found[:MOST], *seen])
    pick = next((PICKS[name] for name in (f"{code}, {_way(details)}", code) if name in PICKS), None)
    if pick is None or not (seen or code in OF_ANSWERS):
        return tuple(seen)
    program = read_program(sources)
    if code in OF_ANSWERS:
        served = [list(flow_into(program, [start])) for start in _answers(program)]
        places = _agreed([_from(program, pick, walked, ()) for walked in served])
        return _once([*places, *seen]) if 0 < len(places) <= MOST else tuple(seen)
    made = [place for place in seen[:-1] if place.path in sources]
    looked_up = _looked_up(program, seen[-1])
    attempts = [(looked_up, made), (_on_line(program, made[:1]), [])]
    if made and code in OFF_BY_SOME:
        attempts.append((looked_up, []))
    for starts, passing in attempts:
        places = _agreed([_from(program, pick, _trained(program, start), passing) for start in starts])
        if 0 < len(places) <= UNSURE:
            return _once([*places[:MOST], *seen])
    return tuple(seen)


def _way(details: Mapping[str, Any]) -> str:
    """In which way it was found, of codes whose lines hang on that."""
    if details.get("by", 0) < 0:
        return "backwards"
    return next((name for name in ("across", "lasting", "labels") if details.get(name)), "")


def walked_to(program: Program, seen: Sequence[CodePlace]) -> list[At]:
    """Everything that flows into the look-up on the last of these lines through the lines before it, nearest first."""
    made = [place for place in seen[:-1] if place.path in program.trees]
    starts = _looked_up(program, seen[-1]) if seen else []
    return [at for start in starts for at in _passing(program, _trained(program, start), made)]


def _trained(program: Program, start: ast.expr) -> list[At]:
    """What flows into an expression in code that training runs."""
    ran = not is_idle(program, start)  # else it is run in a way that the syntax does not tell
    return list(flow_into(program, [start], partial(is_idle, program) if ran else None))


def _from(program: Program, pick: Picks, walked: list[At], passing: Sequence[CodePlace]) -> list[CodePlace]:
    """The deciding lines of what flows into one expression, nearest first."""
    through = _passing(program, walked, passing)
    return _places(program, _nearest(pick(program, through), through))


def _agreed(found: Sequence[list[CodePlace]]) -> list[CodePlace]:
    """Where several expressions of a line have deciding lines, those that all have: it is not known which one is meant."""
    some = [places for places in found if places]
    return [place for place in some[0] if all(place in other for other in some)] if some else []


def _answers(program: Program) -> list[ast.expr]:
    """What the entry's `score` returns."""
    scores = [(one, program.class_of(one)) for one in program.functions.get("score", [])]
    entries = [one for one, owner in scores if owner is not None and program.methods(owner, "fit")]
    returns = [node for one in entries for node in ast.walk(one) if isinstance(node, ast.Return)]
    return [node.value for node in returns if node.value is not None]


def _looked_up(program: Program, place: CodePlace) -> list[ast.expr]:
    """The expressions that hold ids on a line: the index of a look-up, else every argument."""
    nodes = begun_at(program, place)
    sure: list[ast.expr] = []
    for node in nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            sure += [
                one for one in parts if isinstance(one, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
            ]
        elif isinstance(node, ast.Call) and node.args:
            at = _place_of_ids(program, node)
            sure += node.args[at : at + 1] if at is not None else []
    if sure:
        return sure
    given = [one for node in nodes if isinstance(node, ast.Call) for one in node.args]
    return given + [
        one.left for one in nodes if isinstance(one, ast.BinOp) and isinstance(one.op, ast.MatMult)
    ]


def _place_of_ids(program: Program, call: ast.Call) -> int | None:
    """Which argument holds ids: of a function, or of a table or loss that was made before, `self.ce(logits, labels)`."""
    name = called_name(call)
    if name in IDS:
        return IDS[name]
    if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "attr", "") == "sparse":
        return 0  # the edges of `torch.sparse.mm(graph, nodes)`
    given = [*program.attributes.get(name, []), *program.locals.get((program.scope(call), name), [])]
    made = {called_name(one.held) for one in given if isinstance(one.held, ast.Call)}
    return next((MODULES[one] for one in sorted(made) if one in MODULES), None)


def _on_line(program: Program, places: Iterable[CodePlace]) -> list[ast.expr]:
    """The values of the statements on these lines."""
    found: list[ast.expr] = []
    for place in places:
        for node in begun_at(program, place):
            outermost = not isinstance(program.parents.get(node), ast.expr)
            loads = isinstance(getattr(node, "ctx", None), ast.Store)
            if isinstance(node, ast.expr) and outermost and not loads:
                found.append(node)
    return found


def _passing(program: Program, walked: list[At], made: Sequence[CodePlace]) -> list[At]:
    """What flows through one of the lines that were seen to make the values; everything if none is known.

    It is walked anew from these lines: what also comes another, shorter way was met on that one.
    """
    if not made:
        return walked
    through = [at for at in walked if any(_covers(program, at.node, place) for place in made)]
    ran = not any(is_idle(program, at.node) for at in through)
    return list(flow_into(program, through, partial(is_idle, program) if ran else None))


def _nearest(nodes: Sequence[ast.AST], walked: Sequence[At]) -> list[ast.AST]:
    """Without what lies much farther back than the nearest; nodes beside the walk stay."""
    hops: dict[ast.AST, int] = {}
    for at in walked:
        hops.setdefault(at.node, at.hops)
    least = min((hops[node] for node in nodes if node in hops), default=0)
    return [node for node in nodes if hops.get(node, least) <= least + NEAR]


def _covers(program: Program, node: ast.expr, place: CodePlace) -> bool:
    return program.paths[node] == place.path and node.lineno <= place.line <= (node.end_lineno or node.lineno)


def _places(program: Program, nodes: Iterable[ast.AST]) -> list[CodePlace]:
    found = []
    for node in nodes:
        line = getattr(node, "lineno", 0)
        if line:
            found.append(CodePlace(path=program.paths[node], line=line))
    return list(_once(found))


def _once(places: Iterable[CodePlace]) -> tuple[CodePlace, ...]:
    first: dict[tuple[str, int], CodePlace] = {}
    for place in places:
        first.setdefault((place.path, place.line), place)
    return tuple(first.values())
