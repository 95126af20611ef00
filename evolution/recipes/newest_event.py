"""Recipe: the newest event beside the mean of a history, where the order of events counts and a mean forgets it."""

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import (
    RecipeFile,
    argument,
    bare,
    call_name,
    children,
    fresh_name,
    last_name,
    parse_all,
    rewrite,
    statements,
    torch_name,
)
from evolution.recipes.flow import Scope
from evolution.recipes.inner_product import Lookup, embedding_call
from evolution.recipes.recipe import DoesNotFit, RecipeContext, RecipePatch

PRESENCE = (cst.NotEqual, cst.GreaterThan, cst.GreaterThanEqual)  # how ids show that they are no padding
CASTS = {"float", "to", "long", "int", "type_as"}
SLACK = 8  # rows that a table of items has more, or fewer, than there are items; in large ones 1 %


@dataclass(frozen=True, kw_only=True, eq=False)
class Pooled:
    """The statement `mean = vectors.sum(1) / present.sum(1, keepdim=True)`, of vectors that a history looked up.

    present: code of what is true where a history holds an event, (B, T).
    """

    source: RecipeFile
    scope: Scope
    line: cst.SimpleStatementLine
    mean: str
    vectors: str
    present: str


@dataclass(frozen=True, kw_only=True)
class NewestEvent:
    """Adds the vector of a history's newest event to the mean of its vectors."""

    code: str = "newest-event"
    title: str = "Newest event beside the mean of the history"
    rationale: str = (
        "A mean forgets what came last, and where a Markov chain is ahead, what came last says most of what comes "
        "next; its vector beside the mean keeps both."
    )
    techniques: tuple[str, ...] = ("fpmc", "sr-gnn")
    triggers: frozenset[str] = frozenset({"order-unused", "weaker-than-markov"})
    promise: float = 0.85

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if no mean of a history's vectors trains, if several do, or if nothing marks its padding."""
        found = list(_means(context))
        if len(found) != 1:
            several = "several means of the vectors of a history train"
            raise DoesNotFit(
                several if found else "no mean of the vectors of a history, without its padding, was found"
            )
        (pooled,) = found
        torch, vectors, taken = torch_name(pooled.source), pooled.vectors, pooled.scope.names()
        newest, rows = fresh_name(taken, "newest", "newest_place"), fresh_name(taken, "rows", "every_row")
        places = f"{torch}.arange({vectors}.shape[1], device={vectors}.device)"
        new = statements(
            [
                "# a mean forgets the order: what came last counts once more",
                f"{newest} = ({pooled.present} * {places}).argmax(1)  # (B,)",
                f"{rows} = {torch}.arange(len({vectors}), device={vectors}.device)",
                f"{pooled.mean} = {pooled.mean} + {vectors}[{rows}, {newest}]",
            ]
        )
        edits = rewrite(pooled.source, {pooled.line: [pooled.line, *new]})
        return RecipePatch(edits=tuple(edits), note="It adds no weights, and scoring reads the same.")


def _means(context: RecipeContext) -> Iterator[Pooled]:
    sources = parse_all(context)
    for source in sources:
        for function in source.functions():
            scope = Scope(source, function)
            for line in scope.lines:
                part = line.body[0] if len(line.body) == 1 else None
                if not isinstance(part, cst.Assign) or len(part.targets) != 1 or not source.trains(line):
                    continue
                target, summed = part.targets[0].target, _summed(part.value)
                if not isinstance(target, cst.Name) or summed is None:
                    continue
                vectors, masks = summed
                at = source.line(line)
                value, own = _unmasked(bare(scope.resolve(vectors, at)[0]))
                masks += [own] if own is not None else []
                lookup = embedding_call(value, sources)
                if lookup is None or not _is_of_items(lookup, context):
                    continue
                marks = [mask for mask in masks if _is_presence(scope, mask, at, lookup)]
                if marks:
                    yield Pooled(
                        source=source,
                        scope=scope,
                        line=line,
                        mean=target.value,
                        vectors=vectors.value,
                        present=source.code(marks[0]),
                    )


def _summed(value: cst.BaseExpression) -> tuple[cst.Name, list[cst.BaseExpression]] | None:
    """(vectors, what may mark their events) of `vectors.sum(1) / n`, with or without a mask; None for anything else."""
    value = bare(value)
    if not isinstance(value, cst.BinaryOperation) or not isinstance(value.operator, cst.Divide):
        return None
    total = _over_places(value.left)
    if total is None:
        return None
    vectors, mask = _unmasked(total)
    if not isinstance(vectors, cst.Name):
        return None
    return vectors, [mask] if mask is not None else _counted(value.right)


def _over_places(node: cst.CSTNode) -> cst.BaseExpression | None:
    """`x` of `x.sum(1)` and of `torch.sum(x, dim=1)`; None for sums over other axes, and anything else."""
    if isinstance(node, cst.BaseExpression):
        node = bare(node)
    if not isinstance(node, cst.Call) or call_name(node) != "sum" or not isinstance(node.func, cst.Attribute):
        return None
    of_torch = last_name(node.func.value) in ("torch", "th")
    summed = argument(node, "input", 0) if of_torch else node.func.value
    axis = argument(node, "dim", 1 if of_torch else 0) or argument(node, "axis")
    return (
        bare(summed) if summed is not None and isinstance(axis, cst.Integer) and axis.value == "1" else None
    )


def _unmasked(node: cst.BaseExpression) -> tuple[cst.BaseExpression, cst.BaseExpression | None]:
    """(x, m) of `x * m.unsqueeze(-1)` and of `x * m[..., None]`; (x, None) where nothing is multiplied."""
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Multiply):
        for one, other in ((node.left, node.right), (node.right, node.left)):
            mask = _without_last_axis(bare(other))
            if mask is not None:
                return bare(one), mask
    return node, None


def _without_last_axis(node: cst.BaseExpression) -> cst.BaseExpression | None:
    """`m` of `m.unsqueeze(-1)`, `m.unsqueeze(2)`, `m[..., None]` and `m[:, :, None]`; else None."""
    written = cst.Module(body=[]).code_for_node(node).replace(" ", "")
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        return node.func.value if written.endswith((".unsqueeze(-1)", ".unsqueeze(2)")) else None
    adds = isinstance(node, cst.Subscript) and written.endswith(("[...,None]", "[:,:,None]"))
    return node.value if adds and isinstance(node, cst.Subscript) else None


def _counted(node: cst.CSTNode) -> list[cst.BaseExpression]:
    """Every `m` of `m.sum(1)` in an expression."""
    found = [one] if (one := _over_places(node)) is not None else []
    return [*found, *(mask for child in children(node) for mask in _counted(child))]


def _is_presence(scope: Scope, mask: cst.BaseExpression, line: int, lookup: Lookup) -> bool:
    """Whether it is true where the ids that are looked up are no padding."""
    value, _ = scope.resolve(_uncast(mask), line)
    value = _uncast(value)
    if not isinstance(value, cst.Comparison) or len(value.comparisons) != 1:
        return False
    ids = scope.source.code(value.left)
    compared = isinstance(value.comparisons[0].operator, PRESENCE)
    return compared and ids in {scope.source.code(one) for one in scope.source.all_of(cst.Name, lookup.ids)}


def _uncast(node: cst.BaseExpression) -> cst.BaseExpression:
    node = bare(node)
    while isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and call_name(node) in CASTS:
        node = bare(node.func.value)
    return node


def _is_of_items(lookup: Lookup, context: RecipeContext) -> bool:
    """Whether the table has about a row for each item; true where nobody saw its shape."""
    parameters, n_items = context.trace.get("parameters", ()), context.facts.n_items
    slack = max(SLACK, n_items // 100)
    name = f"{last_name(lookup.table)}.weight"
    rows = [one["shape"][0] for one in parameters if f".{one['name']}".endswith(f".{name}") and one["shape"]]
    return not rows or any(abs(n - n_items) <= slack for n in rows)
