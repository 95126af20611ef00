"""Static rule: a list is cut to its best items before those that the user has are taken out, so that it is shorter than it should be."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import bindings, words_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="cut-before-filter",
    found_by=FoundBy.RULE,
    title="Cut before seen items are taken out",
    why="Of ten places those stay empty that seen items held, most for users who have much: their figures are those of shorter lists.",
    definition="The best k of a ranking are kept, and items that a user has are taken out of these, with nothing that fills the list again.",
)
RANKS = {"argsort", "topk", "argpartition", "nlargest", "sorted"}
SEEN = (
    "seen",
    "rated",
    "train",
    "hist",
    "history",
    "interacted",
    "known",
    "watched",
    "consumed",
    "owned",
    "past",
    "bought",
)
TESTS = {"isin", "in1d"}
COUNTS = {"len", "sum", "mean"}


def cut_before_filter(source: ParsedFile) -> Iterator[RuleHit]:
    """`top = np.argsort(-scores)[:k]` before `[i for i in top if i not in seen[u]]` or `top[~np.isin(top, seen[u])]`."""
    if not RANKS & source.called_names:
        return
    for part in source.within(source.nodes[0], ast.ListComp, ast.Subscript):
        kept = _filtered(part)
        if kept is None or source.function_of(part) is None or _is_cut_again(source, part):
            continue
        ranking = _cut_ranking(source, kept)
        if ranking is not None:
            yield source.hit(
                KIND.code,
                part,
                "takes seen items out of a list that is cut already: mask their scores, then cut",
            )


def _filtered(part: ast.expr) -> ast.expr | None:
    """What items that somebody has are taken out of."""
    if isinstance(part, ast.ListComp):
        if len(part.generators) != 1 or dotted(part.elt) != dotted(part.generators[0].target):
            return None
        tests = part.generators[0].ifs
        is_out = (
            len(tests) == 1
            and isinstance(tests[0], ast.Compare)
            and isinstance(tests[0].ops[0], ast.NotIn)
            and dotted(tests[0].left) == dotted(part.elt)
            and _is_seen(tests[0].comparators[0])
        )
        return part.generators[0].iter if is_out else None
    if not isinstance(part, ast.Subscript):
        return None
    mask = part.slice
    call = mask.operand if isinstance(mask, ast.UnaryOp) and isinstance(mask.op, ast.Invert) else None
    if not isinstance(call, ast.Call) or called_name(call) not in TESTS or len(call.args) < 2:
        return None
    return (
        part.value
        if ast.unparse(part.value) == ast.unparse(call.args[0]) and _is_seen(call.args[1])
        else None
    )


def _is_seen(node: ast.expr) -> bool:
    words = [piece for word in words_of(node) for piece in word.lower().split("_")]
    return any(word in SEEN for word in words)


def _cut_ranking(source: ParsedFile, node: ast.expr) -> ast.expr | None:
    """The cut that a list comes from, if it is one at a plain number and of a ranking; a row of such lists counts."""
    steps = [node]
    if isinstance(node, ast.Name):
        for binding in bindings(source, node.id, node):
            value = binding.value
            zipped = isinstance(value, ast.Call) and called_name(value) in ("zip", "enumerate")
            if zipped and isinstance(value, ast.Call) and binding.position is not None:
                place = binding.position - (called_name(value) == "enumerate")
                value = value.args[place] if 0 <= place < len(value.args) else value
            steps.append(value)
            if isinstance(value, ast.Name):
                steps += [again.value for again in bindings(source, value.id, value)]
    for step in steps:
        inner = step
        while (
            isinstance(inner, ast.Call)
            and isinstance(inner.func, ast.Attribute)
            and called_name(inner) in ("tolist", "numpy", "cpu")
        ):
            inner = inner.func.value
        if not isinstance(inner, ast.Subscript) or not _is_plain_cut(inner.slice):
            continue
        if any(called_name(c) in RANKS for c in ast.walk(inner.value) if isinstance(c, ast.Call)):
            return inner
    return None


def _is_plain_cut(index: ast.expr) -> bool:
    """`[:k]`, `[:, :10]`, `[:-11:-1]`; `[:k + len(seen)]` leaves room."""
    last = index.elts[-1] if isinstance(index, ast.Tuple) and index.elts else index
    if not isinstance(last, ast.Slice) or last.lower is not None or last.upper is None:
        return False
    upper = (
        last.upper.operand if isinstance(last.upper, ast.UnaryOp) and last.step is not None else last.upper
    )
    return isinstance(upper, ast.Constant) or bool(dotted(upper))


def _is_cut_again(source: ParsedFile, part: ast.expr) -> bool:
    """Whether what is left is cut to its length afterwards, as the first cut was one for speed, or only counted."""
    outer = source.parents.get(part)
    if isinstance(outer, ast.Subscript) or (isinstance(outer, ast.Call) and called_name(outer) in COUNTS):
        return True  # how many of a list are new is a figure of its own
    while outer is not None and not isinstance(outer, ast.stmt):
        outer = source.parents.get(outer)
    name = dotted(outer.targets[0]) if isinstance(outer, ast.Assign) else ""
    around = source.function_of(part)
    if not name or around is None:
        return False
    return any(
        dotted(other.value) == name and isinstance(other.slice, ast.Slice) and other.slice.upper is not None
        for other in source.within(around, ast.Subscript)
    )


RULE = Rule(kind=KIND, run=cut_before_filter)
