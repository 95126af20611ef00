"""Static rule: a loop that is left where there are collisions, or where some are left, so that they are not drawn again."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.draws import RANDOM
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Loop, ParsedFile
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="redraw-skipped",
    found_by=FoundBy.RULE,
    title="Collisions are never drawn again",
    why="Negatives that are positives stay in the batch, and pull down what the user chose.",
    definition="`x[hit] = ...` that runs only where `hit` has no element: after `if hit.any(): break`, below "
    "`while not hit.any()`; or `x[hit] = draw()` that runs only where all are hit: after `if not hit.all(): break`, below "
    "`while hit.all()`.",
    roles=(Role.NEGATIVES,),
    explains=("negatives-hit-positives",),
)

LEAVES = (ast.Break, ast.Return, ast.Continue)


def redraw_skipped(source: ParsedFile) -> Iterator[RuleHit]:
    """`if clash.any(): break` above `drawn[clash] = draw(clash.sum())`, and the like."""
    for store in source.within(source.nodes[0], ast.Assign):
        index = _mask(store)
        test = _test_before(source, store, index) if index else None
        if test is not None:
            yield source.hit(
                KIND.code,
                test,
                f"what follows runs only where `{index}` is empty, so that nothing is drawn again: turn the test round",
            )
            continue
        test = _left_early(source, store, index) if index and _draws(source, store.value) else None
        if test is not None:
            yield source.hit(
                KIND.code,
                test,
                f"ends as soon as one of `{index}` is free, and leaves the other collisions: ask `.any()`",
            )


def _draws(source: ParsedFile, value: ast.expr) -> bool:
    return any(
        called_name(call) in RANDOM or any(word in called_name(call).lower() for word in ("draw", "sample"))
        for call in source.calls_in(value)
    )


def _left_early(source: ParsedFile, store: ast.Assign, mask: str) -> ast.If | ast.While | None:
    """The condition of a loop that goes on only while every element is marked; None if there is none."""
    block = source.parents.get(store)
    if isinstance(block, ast.While) and _is_of(block.test, mask, "all"):
        return block
    if isinstance(block, Loop) and store in block.body:
        for before in reversed(block.body[: block.body.index(store)]):
            if isinstance(before, ast.If) and isinstance(before.body[-1], LEAVES):
                return before if _has_free(before.test, mask) else None
    return None


def _has_free(test: ast.expr, mask: str) -> bool:
    """`not mask.all()`, `not np.all(mask)`"""
    return (
        isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and _is_of(test.operand, mask, "all")
    )


def _mask(store: ast.Assign) -> str:
    """The name of the mask of `x[mask] = ...`; "" for other assignments."""
    target = store.targets[0]
    return dotted(target.slice) if isinstance(target, ast.Subscript) else ""


def _test_before(source: ParsedFile, store: ast.Assign, mask: str) -> ast.If | ast.While | None:
    """The condition that lets a statement run only where nothing is marked; None if there is none."""
    block = source.parents.get(store)
    body: list[ast.stmt] = next(
        (part for name in ("body", "orelse") if store in (part := getattr(block, name, []))), []
    )
    if isinstance(block, ast.If | ast.While):
        inside = store in block.body
        alone = not any(_sets(s, mask) for s in body[: body.index(store)])
        if alone and (_is_empty(block.test, mask) if inside else _has_any(block.test, mask)):
            return block
    for before in reversed(body[: body.index(store)] if body else []):
        if isinstance(before, ast.If) and not before.orelse and isinstance(before.body[-1], LEAVES):
            return before if _has_any(before.test, mask) else None
        if _sets(before, mask):
            return None
    return None


def _has_any(test: ast.expr, mask: str) -> bool:
    """`mask.any()`, `np.any(mask)`, `mask.sum() > 0`"""
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Gt | ast.NotEq):
        zero = test.comparators[0]
        return isinstance(zero, ast.Constant) and zero.value == 0 and _is_of(test.left, mask, "sum")
    return _is_of(test, mask, "any")


def _is_empty(test: ast.expr, mask: str) -> bool:
    """`not mask.any()`, `mask.sum() == 0`"""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _has_any(test.operand, mask)
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq):
        zero = test.comparators[0]
        return isinstance(zero, ast.Constant) and zero.value == 0 and _is_of(test.left, mask, "sum")
    return False


def _is_of(node: ast.expr, mask: str, name: str) -> bool:
    """Whether an expression is `mask.name()` or `np.name(mask)`."""
    if isinstance(node, ast.Call) and called_name(node) in ("item", "bool", "int"):
        node = node.args[0] if node.args else getattr(node.func, "value", node)
    if not isinstance(node, ast.Call) or called_name(node) != name:
        return False
    own = node.func.value if isinstance(node.func, ast.Attribute) else None
    return mask in (dotted(node.args[0]) if node.args else "", dotted(own) if own is not None else "")


def _sets(statement: ast.stmt, name: str) -> bool:
    return any(
        isinstance(part, ast.Name | ast.Attribute)
        and isinstance(part.ctx, ast.Store)
        and dotted(part) == name
        for part in ast.walk(statement)
    )


RULE = Rule(kind=KIND, run=redraw_skipped)
