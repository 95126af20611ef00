"""Static rule: offsets of bags that do not begin each bag where the one before it ends."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import How, bindings, words_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="bag-boundaries-wrong",
    found_by=FoundBy.RULE,
    title="Bags begin in the wrong place",
    why="A bag then holds the events of the next row, so that users are read with the histories of others.",
    definition="Offsets of bags are a 0 and a running sum of lengths without its first value, or the running sum itself, whose first value is the "
    "end of the first bag.",
    roles=(Role.ENCODER, Role.LOADER),
    explains=("batch-companions", "target-of-another", *WEAK),
)
JOINS = {"cat", "concatenate", "hstack", "concat", "r_"}

PUTS_FIRST = {"pad", "roll", "insert", "zeros", "new_zeros"}
OF_BAGS = ("bag", "off", "len", "size", "count", "start", "bound", "ptr", "edges")


def bag_boundaries_wrong(source: ParsedFile) -> Iterator[RuleHit]:
    """`cat([zeros(1), lens.cumsum(0)[1:]])`; `bag(ids, lens.cumsum(0))`."""
    if "cumsum" not in source.called_names:
        return
    for call in source.calls:
        parts = call.args[0].elts if call.args and isinstance(call.args[0], ast.List | ast.Tuple) else []
        if (
            called_name(call) in JOINS
            and len(parts) == 2
            and _is_zero(parts[0])
            and _loses_first(source, parts[1])
            and _speaks_of_bags(source, call)
        ):
            yield source.hit(
                KIND.code,
                next((o for o in source.around(call) if isinstance(o, ast.stmt)), call),
                "the running sum loses its first value and has to lose its last: `cumsum(0)[:-1]` behind the 0",
            )
        elif "bag" in called_name(call).lower() and len(call.args) > 1:
            offsets = (
                call.args[2] if called_name(call) == "embedding_bag" and len(call.args) > 2 else call.args[1]
            )
            made = _made(source, offsets)
            if (
                isinstance(made, ast.Call)
                and called_name(made) == "cumsum"
                and not _begins_at_zero(source, made)
            ):
                yield source.hit(
                    KIND.code,
                    next((o for o in source.around(made) if isinstance(o, ast.stmt)), call),
                    "a running sum begins with the end of the first bag: put a 0 before it, and leave out its last value",
                )


def _is_zero(node: ast.expr) -> bool:
    """`torch.zeros(1)`, `[0]`"""
    if isinstance(node, ast.Call):
        return (
            called_name(node) in ("zeros", "new_zeros", "tensor", "array", "LongTensor")
            and bool(node.args)
            and (number(node.args[0]) == 1 or _is_zero(node.args[0]))
        )
    return isinstance(node, ast.List | ast.Tuple) and len(node.elts) == 1 and number(node.elts[0]) == 0


def _loses_first(source: ParsedFile, node: ast.expr) -> bool:
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Slice):
        return False
    made = _made(source, node.value)
    cut = node.slice
    whole = cut.lower is not None and number(cut.lower) == 1 and cut.upper is None
    return whole and isinstance(made, ast.Call) and called_name(made) == "cumsum"


def _begins_at_zero(source: ParsedFile, running: ast.Call) -> bool:
    """Whether what is summed may begin with a 0: lengths without the last, as in `cumsum(lengths[:-1])`, or a list that begins so."""
    waiting, seen = [running], set[ast.AST]()
    while waiting:
        for part in ast.walk(waiting.pop()):
            if isinstance(part, ast.Slice) or (
                isinstance(part, ast.Call) and called_name(part) in PUTS_FIRST
            ):
                return True
            if isinstance(part, ast.List | ast.Tuple) and part.elts and number(part.elts[0]) == 0:
                return True
            if isinstance(part, ast.Name):
                fresh = [b.value for b in bindings(source, part.id, running) if b.how is How.ASSIGNED]
                waiting += [value for value in fresh if value not in seen]
                seen.update(fresh)
    return False


def _speaks_of_bags(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the function or the statement speaks of bags, offsets or lengths: times that are summed up are none."""
    around = next((o for o in source.around(call) if isinstance(o, ast.stmt)), call)
    words = [*words_of(around), getattr(source.function_of(call), "name", "")]
    return any(part in word.lower() for word in words for part in OF_BAGS)


def _made(source: ParsedFile, node: ast.expr) -> ast.expr:
    """What a name is bound to once, without what only changes its type."""
    for _ in range(4):
        if isinstance(node, ast.Name):
            found = [
                b for b in bindings(source, node.id, node) if b.how is How.ASSIGNED and b.position is None
            ]
            if len(found) != 1:
                return node
            node = found[0].value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("to", "long", "astype")
        ):
            node = node.func.value
        elif (
            isinstance(node, ast.Call)
            and called_name(node) in ("as_tensor", "from_numpy", "tensor")
            and node.args
        ):
            node = node.args[0]
    return node


RULE = Rule(kind=KIND, run=bag_boundaries_wrong)
