"""Static rule: the history beside a held-out event holds that event, counted from the end of the sequence."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.discount import statement_of
from diagnosis.rules.history_joined import joined_with_target
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.parts_of_data import parts_named
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="history-holds-target",
    found_by=FoundBy.RULE,
    title="The history holds its target",
    why="A model that is asked with it is shown the answer; an evaluation that leaves seen items out can never find it.",
    definition="A pair of `x[:-k]` and `x[-m]` with m above k, as history and target: the slice ends after the event that is to be found; "
    "or histories by user joined with the very part that is looked for, of which an evaluation reads the newest events.",
    roles=(Role.LOADER,),
    explains=("target-is-input", *WEAK),
)

TARGETS = {"target", "targets", "label", "labels", "truth", "gold", "answer", "positive", "pos", "next", "goal", "wanted", "y", "gt",
           "held", "heldout", "test", "valid", "val", "validation"}  # fmt: skip
EXAMPLES = {
    "example",
    "examples",
    "pair",
    "pairs",
    "sample",
    "samples",
    "instances",
    "rows",
    "cases",
    "queries",
}
WRAPS = {
    "int",
    "list",
    "tuple",
    "array",
    "asarray",
    "tensor",
    "as_tensor",
    "LongTensor",
    "copy",
    "item",
    "tolist",
    "long",
    "from_numpy",
}
UNTIL_END = 0


@dataclass(frozen=True, kw_only=True)
class _Cut:
    """A part of a sequence, in events from its end: of `x[:-2]` the first that is left out, 2; of `x` 0.

    event: of `x[-1]`, that one event.
    """

    base: str
    end: int
    event: bool


def history_holds_target(source: ParsedFile) -> Iterator[RuleHit]:
    """`valid = [(items[:-1], items[-2]) for items in users]`"""
    for statement, held in joined_with_target(repo_of(source), source):
        yield source.hit(
            KIND.code,
            statement,
            f"{held} is looked for and stands in the history that the model reads: leave it out",
        )
    pairs = [(node, parts) for node in _groups(source) if (parts := _parts(source, node))]
    for node, parts in pairs:
        history = [cut for _, cut in parts if not cut.event]
        events = [(name, cut) for name, cut in parts if cut.event]
        if len(history) != 1 or len(events) != 1:
            continue
        past, (name, target) = history[0], events[0]
        if target.end <= past.end or not _is_target(source, node, name, past, pairs):
            continue
        if _is_beside_its_target(source, node, past):
            continue
        yield source.hit(
            KIND.code,
            statement_of(source, node),
            f"event -{target.end} is looked for and stands in the history, which has to end at :-{target.end}",
        )


def _groups(source: ParsedFile) -> list[ast.expr]:
    """The tuples, dictionaries and calls around an event that is counted from the end, which may hold its history too."""
    found: dict[ast.expr, None] = {}
    for part in source.within(source.nodes[0], ast.Subscript):
        last = part.slice.elts[-1] if isinstance(part.slice, ast.Tuple) and part.slice.elts else part.slice
        if not isinstance(last, ast.UnaryOp) or not dotted(part.value):
            continue
        for outer in source.around(part):
            if isinstance(outer, ast.Dict | ast.Call) or (
                isinstance(outer, ast.Tuple) and isinstance(outer.ctx, ast.Load)
            ):
                found[outer] = None
            elif not isinstance(outer, ast.List | ast.keyword | ast.Attribute | ast.ListComp):
                break
    return list(found)


def _parts(source: ParsedFile, node: ast.expr) -> list[tuple[str, _Cut]]:
    """(the name that it gets, the part) of the elements that are parts of one sequence, at least two; else []."""
    if isinstance(node, ast.Tuple):
        named = list(zip(_names(source, node), node.elts))
    elif isinstance(node, ast.Dict):
        keys = [k.value if isinstance(k, ast.Constant) else "" for k in node.keys]
        named = [(str(key), value) for key, value in zip(keys, node.values)]
    elif isinstance(node, ast.Call):
        named = [*(("", a) for a in node.args), *((k.arg or "", k.value) for k in node.keywords)]
    else:
        return []
    found = [(name, cut) for name, value in named if (cut := _cut(value)) is not None]
    bases = {cut.base for _, cut in found if cut.event}
    found = [(name, cut) for name, cut in found if cut.base in bases]
    return found if len(found) > 1 and len({cut.base for _, cut in found}) == 1 else []


def _names(source: ParsedFile, node: ast.Tuple) -> list[str]:
    """The names to which the elements of a tuple are assigned; "" where it is kept whole."""
    outer = source.parents.get(node)
    target = outer.targets[0] if isinstance(outer, ast.Assign) and outer.value is node else None
    if isinstance(target, ast.Tuple) and len(target.elts) == len(node.elts):
        return [dotted(part.value if isinstance(part, ast.Subscript) else part) for part in target.elts]
    return [""] * len(node.elts)


def _cut(node: ast.expr) -> _Cut | None:
    while isinstance(node, ast.Call) and called_name(node) in WRAPS:
        if node.args:
            node = node.args[0]
        elif isinstance(node.func, ast.Attribute):
            node = node.func.value
        else:
            return None
    if isinstance(node, ast.List) and len(node.elts) == 1:
        node = node.elts[0]
    if isinstance(node, ast.ListComp):
        return _cut_of_each(node)
    if isinstance(node, ast.Name | ast.Attribute):
        return _Cut(base=dotted(node), end=UNTIL_END, event=False) if dotted(node) else None
    if not isinstance(node, ast.Subscript) or not dotted(node.value):
        return None
    base, index = dotted(node.value), node.slice
    if isinstance(index, ast.Tuple) and index.elts:  # `x[:, -1]`
        if not all(
            isinstance(part, ast.Slice) and part.lower is part.upper is None for part in index.elts[:-1]
        ):
            return None
        base, index = f"{base}[{':, ' * (len(index.elts) - 1)}]", index.elts[-1]
    if isinstance(index, ast.Slice):
        end = number(index.upper) if index.upper is not None else UNTIL_END
        begins = number(index.lower) if index.lower is not None else None
        if index.step is not None or end is None or end > 0 or (begins is not None and begins > 0):
            return None
        return _Cut(base=base, end=-end, event=False)
    place = number(index)
    return _Cut(base=base, end=-place, event=True) if place is not None and place < 0 else None


def _cut_of_each(node: ast.ListComp) -> _Cut | None:
    """`[x[:-2] for x in histories]`, the same part of each of several sequences."""
    loop = node.generators[0]
    cut = _cut(node.elt) if len(node.generators) == 1 and not loop.ifs and dotted(loop.iter) else None
    if cut is None or cut.base != dotted(loop.target):
        return None
    return _Cut(base=f"each of {dotted(loop.iter)}", end=cut.end, event=cut.event)


def _is_target(
    source: ParsedFile,
    node: ast.expr,
    name: str,
    past: _Cut,
    pairs: list[tuple[ast.expr, list[tuple[str, _Cut]]]],
) -> bool:
    """Whether the event is what is looked for: by its name, or as the pair is kept among examples or parts of the data.

    The last event of a history stands beside it in many models, as what the user wants now.
    """
    if name:
        return bool(_pieces(name) & TARGETS)
    if isinstance(node, ast.Call):
        return False
    if past.end == UNTIL_END and not _has_a_healthy_sister(source, node, pairs):
        return False
    for outer in source.around(node):
        if isinstance(outer, ast.Assign):
            words = [dotted(t.value if isinstance(t, ast.Subscript) else t) for t in outer.targets]
            return any(_is_of_data(word) for word in words)
        if isinstance(outer, ast.Call) and called_name(outer) in ("append", "add"):
            own = outer.func.value if isinstance(outer.func, ast.Attribute) else None
            return own is not None and _is_of_data(
                dotted(own.value if isinstance(own, ast.Subscript) else own)
            )
        if isinstance(outer, ast.stmt):
            break
    return past.end != UNTIL_END and _has_a_healthy_sister(source, node, pairs)


def _is_of_data(name: str) -> bool:
    last = name.rpartition(".")[2]
    return bool(parts_named([last])) or bool(_pieces(last) & EXAMPLES)


def _pieces(name: str) -> set[str]:
    return set(name.rpartition(".")[2].lower().split("_"))


def _has_a_healthy_sister(
    source: ParsedFile, node: ast.expr, pairs: list[tuple[ast.expr, list[tuple[str, _Cut]]]]
) -> bool:
    """Whether the same function pairs a history with the event right after it: `(x[:-1], x[-1])`."""
    function = source.function_of(node)
    for other, parts in pairs:
        if other is node or type(other) is not type(node) or source.function_of(other) is not function:
            continue
        ends = [cut.end for _, cut in parts if not cut.event]
        if len(parts) == 2 and ends and all(cut.end == ends[0] for _, cut in parts) and ends[0] > 0:
            return True
    return False


def _is_beside_its_target(source: ParsedFile, node: ast.expr, past: _Cut) -> bool:
    """Whether the statement also reads an event after the history, which is then the target: `(x[:-1], x[-2]), x[-1]`."""
    statement: ast.AST = node
    for outer in source.around(node):
        if isinstance(outer, ast.stmt):
            break
        statement = outer
    return any(
        (cut := _cut(part)) is not None and cut.event and cut.base == past.base and 0 < cut.end <= past.end
        for part in source.within(statement, ast.Subscript)
    )


RULE = Rule(kind=KIND, run=history_holds_target)
