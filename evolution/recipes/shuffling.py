"""Recipe: shuffling, so that batches hold other examples in every epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from diagnosis.findings import Role
from evolution.domain.edits import Edit
from evolution.recipes.code import (
    RecipeFile,
    argument,
    call_name,
    fresh_name,
    last_name,
    loaded_names,
    parse_all,
    rewrite,
    statements,
    torch_name,
)
from evolution.recipes.recipe import DoesNotFit, RecipeContext, RecipePatch

ORDERED_BY_OTHERS = ("sampler", "batch_sampler")


@dataclass(frozen=True, kw_only=True)
class Shuffling:
    """Makes the DataLoader shuffle, or permutes the examples before a loop over slices."""

    code: str = "shuffling"
    title: str = "Shuffle training examples in every epoch"
    rationale: str = (
        "In the log's order every batch holds the same neighbours, epoch after epoch; its gradient is biased towards "
        "them and the last ones seen win."
    )
    techniques: tuple[str, ...] = ("shuffling",)
    triggers: frozenset[str] = frozenset({"no-shuffle", "batches-in-one-order"})
    promise: float = 0.9

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if no training loop with a fixed order is found."""
        sources = parse_all(context)
        for shuffled, note in (
            (_loader, "The DataLoader shuffles now."),
            (_slices, "A new order is drawn before every pass."),
            (_arange, "A new order is drawn before every pass."),
        ):
            for source in _sites_first(sources, context):
                edits = shuffled(source)
                if edits:
                    return RecipePatch(edits=tuple(edits), note=note)
        raise DoesNotFit("no training DataLoader without shuffle and no loop over slices in order was found")


def _sites_first(sources: Sequence[RecipeFile], context: RecipeContext) -> list[RecipeFile]:
    paths = [site.path for site in context.sites_of(Role.LOADER)]
    return sorted(sources, key=lambda source: source.path not in paths)


def _loader(source: RecipeFile) -> list[Edit]:
    """Edits that give `shuffle=True` to the DataLoaders that feed training."""
    changes: dict[cst.CSTNode, list[cst.CSTNode]] = {}
    for call in source.all_of(cst.Call):
        if call_name(call) != "DataLoader" or any(
            argument(call, name) is not None for name in ORDERED_BY_OTHERS
        ):
            continue
        if (
            argument(call, "sampler", 3) is not None
            or _is_evaluation(call, source)
            or _is_stream(call, source)
            or not source.ran(call)
        ):
            continue
        flag = argument(call, "shuffle", 2)
        if flag is None:
            changes[call] = [call.with_changes(args=[*call.args, _keyword("shuffle", "True")])]
        elif source.code(flag) == "False":
            args = [
                arg.with_changes(value=cst.Name("True")) if arg.value is flag else arg for arg in call.args
            ]
            changes[call] = [call.with_changes(args=args)]
    return rewrite(source, changes) if changes else []


def _keyword(name: str, value: str) -> cst.Arg:
    tight = cst.SimpleWhitespace("")
    equal = cst.AssignEqual(whitespace_before=tight, whitespace_after=tight)
    return cst.Arg(keyword=cst.Name(name), value=cst.parse_expression(value), equal=equal)


def _is_evaluation(call: cst.Call, source: RecipeFile) -> bool:
    """Whether a DataLoader feeds evaluation, whose order must stay; judged by the words around it."""
    line = source.statement(call)
    function = source.enclosing(call, cst.FunctionDef)
    words = (source.code(line) if line else "") + (function.name.value if function else "")
    return any(word in words.lower() for word in ("val", "test", "eval", "infer", "predict"))


def _is_stream(call: cst.Call, source: RecipeFile) -> bool:
    """Whether the dataset is an IterableDataset: it has no order to change, and DataLoader refuses to shuffle it."""
    made = {call_name(inner) for inner in source.all_of(cst.Call, call)}
    streams = [
        node
        for node in source.all_of(cst.ClassDef)
        if any("Iterable" in source.code(b.value) for b in node.bases)
    ]
    return any(node.name.value in made for node in streams)


def _slices(source: RecipeFile) -> list[Edit]:
    """Edits that send `for s in range(0, n, size): x[s : s + size]` through a permutation drawn before the loop."""
    for loop in source.all_of(cst.For):
        count = _range_end(loop, source)
        if not count or not _trains(loop, source) or not source.trains(loop):
            continue
        start = source.code(loop.target)
        slices = [node for node in source.all_of(cst.Subscript, loop.body) if _is_slice_from(node, start)]
        if not slices:
            continue
        order = fresh_name(loaded_names(source.module), "order", "shuffled_order")
        drawn = statements(
            [
                "# another order in every epoch: fixed neighbours bias the batches' gradients",
                f"{order} = {torch_name(source)}.randperm({count})",
            ]
        )
        changes: dict[cst.CSTNode, list[cst.CSTNode]] = {
            node: [node.with_changes(slice=[_through(order, node)])] for node in slices
        }
        head = drawn[1:] if len(drawn) > 1 else drawn
        body = loop.visit(_Swap(changes))
        lead = loop.leading_lines
        head[0] = head[0].with_changes(leading_lines=[*lead, *head[0].leading_lines])
        new = cst.ensure_type(body, cst.For).with_changes(leading_lines=[])
        return rewrite(source, {loop: [*head, new]})
    return []


def _arange(source: RecipeFile) -> list[Edit]:
    """Edits that turn `for rows in torch.arange(n).split(size)` into randperm."""
    for loop in source.all_of(cst.For):
        orders = [call for call in source.all_of(cst.Call, loop.iter) if call_name(call) == "arange"]
        if len(orders) == 1 and len(orders[0].args) == 1 and _trains(loop, source) and source.trains(loop):
            shuffled = orders[0].with_changes(func=cst.parse_expression(f"{torch_name(source)}.randperm"))
            return rewrite(source, {orders[0]: [shuffled]})
    return []


class _Swap(cst.CSTTransformer):
    def __init__(self, changes: dict[cst.CSTNode, list[cst.CSTNode]]) -> None:
        super().__init__()
        self.changes = changes

    def on_leave(self, original_node, updated_node):  # type: ignore[override]
        updated = super().on_leave(original_node, updated_node)
        return self.changes[original_node][0] if original_node in self.changes else updated


def _range_end(loop: cst.For, source: RecipeFile) -> str:
    """`n` in `for s in range(0, n, size)`, also inside tqdm(...); "" for other loops."""
    ranges = [
        call
        for call in source.all_of(cst.Call, loop.iter)
        if call_name(call) == "range" and len(call.args) == 3
    ]
    if len(ranges) != 1 or source.code(ranges[0].args[0].value) != "0":
        return ""
    return source.code(ranges[0].args[1].value)


def _trains(loop: cst.For, source: RecipeFile) -> bool:
    return any(call_name(call) == "backward" for call in source.all_of(cst.Call, loop))


def _is_slice_from(node: cst.Subscript, start: str) -> bool:
    index = node.slice[0].slice if len(node.slice) == 1 else None
    return isinstance(index, cst.Slice) and index.lower is not None and last_name(index.lower) == start


def _through(order: str, node: cst.Subscript) -> cst.SubscriptElement:
    index = cst.Subscript(value=cst.Name(order), slice=node.slice)
    return cst.SubscriptElement(slice=cst.Index(value=index))
