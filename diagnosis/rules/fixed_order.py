"""Static rule: an epoch that goes through its examples by an index that is in order, or sorted."""

import ast
from collections.abc import Iterator

from diagnosis.rules.hits import RuleHit
from diagnosis.rules.repeated import in_training_loop, repeated, repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.shuffle import KIND, PERMUTES
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import Binding, How, bindings
from diagnosis.syntax import called_name

IN_ORDER = {"arange", "range"}
SORTED = {"argsort", "lexsort"}
SPLITS = {"split", "chunk", "array_split", "batched"}
HANDS_ON = {"list", "array", "asarray", "tensor", "as_tensor", "from_numpy", "to", "astype", "long"}


def fixed_order(source: ParsedFile) -> Iterator[RuleHit]:
    """`order = np.arange(n)` or `order = times.argsort()`, of which an epoch takes `order[i : i + size]`."""
    repo = repo_of(source)
    for function in source.functions:
        strides = [loop for loop in source.within(function, ast.For) if _strides(loop)]
        if not strides or any(called_name(call) in PERMUTES for call in source.calls_in(function)):
            continue
        if function not in repeated(repo) and not any(
            in_training_loop(source, s.body[0], repo) for s in strides
        ):
            continue
        for name in dict.fromkeys(part.id for loop in strides for part in _cut(source, loop)):
            made = bindings(source, name, function.body[0])
            words = _order(made[0]) if len(made) == 1 and source.function_of(made[0].node) is function else ""
            if words and isinstance(made[0].node, ast.stmt):
                yield source.hit(
                    KIND.code,
                    made[0].node,
                    f"each epoch takes the examples {words}: permute them at its start",
                )


def _strides(loop: ast.For) -> bool:
    """Whether a loop goes over `range(0, n, size)`."""
    return _split(loop) is not None or any(
        isinstance(part, ast.Call) and called_name(part) == "range" and len(part.args) == 3
        for part in ast.walk(loop.iter)
    )


def _split(loop: ast.For) -> ast.Name | None:
    """The array of `for rows in order.split(size)`, or of `np.array_split(order, n)`."""
    given = loop.iter
    while isinstance(given, ast.Call) and called_name(given) in ("enumerate", "tqdm") and given.args:
        given = given.args[0]
    if not isinstance(given, ast.Call) or called_name(given) not in SPLITS:
        return None
    own = given.func.value if isinstance(given.func, ast.Attribute) else None
    whole = (
        own
        if called_name(given) in ("split", "chunk") and given.args and len(given.args) == 1
        else (given.args or [None])[0]
    )
    return whole if isinstance(whole, ast.Name) else None


def _cut(source: ParsedFile, loop: ast.For) -> Iterator[ast.Name]:
    """The arrays of which the loop takes one piece after the other."""
    whole = _split(loop)
    if whole is not None:
        yield whole
    moving = {part.id for part in ast.walk(loop.target) if isinstance(part, ast.Name)}
    for part in (p for s in loop.body for p in source.within(s, ast.Subscript)):
        lower = part.slice.lower if isinstance(part.slice, ast.Slice) else None
        if isinstance(part.value, ast.Name) and isinstance(lower, ast.Name) and lower.id in moving:
            yield part.value


def _order(made: Binding) -> str:
    """How an index is ordered, in words; "" where that cannot be told."""
    value = made.value
    while isinstance(value, ast.Call) and called_name(value) in HANDS_ON:
        own = value.func.value if isinstance(value.func, ast.Attribute) else None
        value = own if own is not None and not isinstance(own, ast.Name) else (value.args or [value.func])[0]
    if made.how is not How.ASSIGNED or made.position is not None or not isinstance(value, ast.Call):
        return ""
    if called_name(value) in IN_ORDER and len(value.args) == 1:
        return "in the same order"
    return "sorted" if called_name(value) in SORTED else ""


RULE = Rule(kind=KIND, run=fixed_order)
