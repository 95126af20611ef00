"""Reads draws that are repeated until they pass, in the three spellings that samplers of negatives have."""

from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import RecipeFile, argument, bare, call_name, dotted

DRAWS = ("randint", "integers")


@dataclass(frozen=True, kw_only=True)
class Rejecting:
    """A draw that is repeated until it passes.

    name: what takes the draw. draw: the call. test: when it is drawn again. loop: the `while`.
    before: the statement above the loop that draws first, which the loop of the form `while True` does not have.
    """

    name: str
    draw: cst.Call
    test: cst.BaseExpression
    loop: cst.While
    before: cst.SimpleStatementLine | None


def rejecting(source: RecipeFile, loop: cst.While) -> Rejecting | None:
    """`x = draw()` and `while bad(x): x = draw()`, or `while True: x = draw()` and `if good(x): break`."""
    lines = list(loop.body.body) if isinstance(loop.body, cst.IndentedBlock) else []
    name, draw = _drawn(source, lines[0]) if lines else ("", None)
    if draw is None or loop.orelse is not None:
        return None
    if len(lines) == 1:
        siblings = list(getattr(source.parents.get(loop), "body", ()))
        above = siblings[siblings.index(loop) - 1] if loop in siblings[1:] else None
        first, same = _drawn(source, above) if above is not None else ("", None)
        if first != name or same is None or source.code(same) != source.code(draw):
            return None
        before = above if isinstance(above, cst.SimpleStatementLine) else None
        return Rejecting(name=name, draw=draw, test=loop.test, loop=loop, before=before)
    if len(lines) != 2 or source.code(loop.test) not in ("True", "1") or not isinstance(lines[1], cst.If):
        return None
    leaves, test = lines[1], lines[1].test
    inside = list(leaves.body.body) if isinstance(leaves.body, cst.IndentedBlock) else []
    only_breaks = len(inside) == 1 and source.code(inside[0]) == "break" and leaves.orelse is None
    negated = _negated(test)
    if not only_breaks or negated is None:
        return None
    return Rejecting(name=name, draw=draw, test=negated, loop=loop, before=None)


def returning(source: RecipeFile, loop: cst.While) -> Rejecting | None:
    """`while True: x = draw()` and `if good(x): return x`."""
    lines = list(loop.body.body) if isinstance(loop.body, cst.IndentedBlock) else []
    if len(lines) != 2 or source.code(loop.test) not in ("True", "1") or not isinstance(lines[1], cst.If):
        return None
    name, draw = _drawn(source, lines[0])
    inside = list(lines[1].body.body) if isinstance(lines[1].body, cst.IndentedBlock) else []
    returns = len(inside) == 1 and source.code(inside[0]) == f"return {name}" and lines[1].orelse is None
    negated = _negated(lines[1].test)
    if draw is None or not returns or negated is None:
        return None
    return Rejecting(name=name, draw=draw, test=negated, loop=loop, before=None)


def _negated(test: cst.BaseExpression) -> cst.BaseExpression | None:
    """`x in seen` for `x not in seen`, and `x` for `not x`."""
    test = bare(test)
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        return test.expression
    if isinstance(test, cst.Comparison) and len(test.comparisons) == 1:
        one = test.comparisons[0]
        if isinstance(one.operator, cst.NotIn):
            return test.with_changes(comparisons=[one.with_changes(operator=cst.In())])
    return None


def _drawn(source: RecipeFile, line: cst.CSTNode) -> tuple[str, cst.Call | None]:
    """(name, call) of `name = np.random.randint(n)`, one number of a generator of numpy."""
    part = line.body[0] if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None
    if not isinstance(part, cst.Assign) or len(part.targets) != 1:
        return "", None
    name, call = part.targets[0].target, bare(part.value)
    if not isinstance(name, cst.Name) or not isinstance(call, cst.Call) or call_name(call) not in DRAWS:
        return "", None
    owner = dotted(call.func).rpartition(".")[0]
    of_numpy = owner in ("np.random", "numpy.random") or (call_name(call) == "integers" and bool(owner))
    sized = argument(call, "size", 2) is not None or any(arg.star for arg in call.args)
    return (name.value, call) if of_numpy and not sized and call.args else ("", None)
