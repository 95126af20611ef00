"""Finds losses that set each row's target against the other targets of its batch, as TOP1, BPR-max and two towers do.

They are found by what they compute: hidden states times the transposed rows of an embedding table, whose diagonal is what
should score high.
"""

from collections.abc import Sequence

import libcst as cst

from diagnosis.findings import Role
from evolution.recipes.code import RecipeFile, argument, bare, blocks_at, call_name, loaded_names, parse_all
from evolution.recipes.flow import Scope
from evolution.recipes.inner_product import Lookup, embedding_call
from evolution.recipes.pair_loss import PairLoss, module_names
from evolution.recipes.recipe import DoesNotFit, RecipeContext

_FLAT, _TURNS = ("T", "t"), ("transpose", "permute", "swapaxes", "mT")
_PRODUCTS = ("matmul", "mm", "bmm")


def find_in_batch_loss(context: RecipeContext) -> PairLoss:
    """The in-batch loss of the repo, without negatives of its own. Raises DoesNotFit if there is none that can be read."""
    sources = parse_all(context)
    for source, function in blocks_at(sources, context.sites_of(Role.LOSS)):
        scope = Scope(source, function)
        for line in scope.lines:
            found = _loss_from(scope, sources, line) if source.trains(line) else None
            if found is not None:
                return found
    raise DoesNotFit("no loss that sets the targets of a batch against each other was found")


def _loss_from(scope: Scope, sources: Sequence[RecipeFile], line: cst.SimpleStatementLine) -> PairLoss | None:
    """The loss that is made of the scores which this line computes."""
    part = line.body[0]
    if not isinstance(part, cst.Assign) or not isinstance(part.targets[0].target, cst.Name):
        return None
    sides, scores = _sides(part.value), part.targets[0].target.value
    if sides is None or not _is_diagonal_wanted(scope, scores):
        return None
    hidden, rows, flat = sides
    lookup = embedding_call(scope.resolve(rows, scope.source.line(line))[0], sources)
    end = _end(scope, line, scores)
    if lookup is None or end is None:
        return None
    if _is_scaled(scope, scores):
        raise DoesNotFit(
            f"`{scores}` are scaled before the loss, and a softmax over all items would need the same scale"
        )
    return _as_pair_loss(scope, sources, end, scope.source.code(hidden), lookup, flat)


def _sides(value: cst.BaseExpression) -> tuple[cst.BaseExpression, cst.BaseExpression, bool] | None:
    """Hidden states, item rows, and whether both are known to be (B, d), of a product of the first with the second turned."""
    value = bare(value)
    if isinstance(value, cst.BinaryOperation) and isinstance(value.operator, cst.MatrixMultiply):
        left, right = value.left, bare(value.right)
    elif isinstance(value, cst.Call) and call_name(value) in _PRODUCTS and len(value.args) == 2:
        left, right = value.args[0].value, bare(value.args[1].value)
    else:
        return None
    turn = right.func if isinstance(right, cst.Call) else right
    if not isinstance(turn, cst.Attribute) or turn.attr.value not in (*_FLAT, *_TURNS):
        return None
    return left, turn.value, turn.attr.value in _FLAT


def _is_diagonal_wanted(scope: Scope, scores: str) -> bool:
    """Whether the diagonal of the scores is taken out, or is what a cross-entropy is told to be the class."""
    for call in scope.source.all_of(cst.Call, scope.body):
        of_scores = scores in loaded_names(call)
        if of_scores and call_name(call) in ("diagonal", "diag"):
            return True
        if of_scores and call_name(call) in ("cross_entropy", "nll_loss"):
            classes = argument(call, "target", 1)
            told = scope.resolve(classes, scope.source.line(call))[0] if classes is not None else None
            if told is not None and "arange" in {
                call_name(one) for one in scope.source.all_of(cst.Call, told)
            }:
                return True
    return False


def _is_scaled(scope: Scope, scores: str) -> bool:
    def is_scores(node: cst.BaseExpression) -> bool:
        return isinstance(node, cst.Name) and node.value == scores

    operations = scope.source.all_of(cst.BinaryOperation, scope.body)
    scaled = [
        one
        for one in operations
        if isinstance(one.operator, (cst.Multiply, cst.Divide))
        and is_scores(one.left) != is_scores(one.right)
    ]
    normalised = [one for one in scope.source.all_of(cst.Call, scope.body) if call_name(one) == "normalize"]
    return bool(scaled or normalised)


def _end(
    scope: Scope, first: cst.SimpleStatementLine, scores: str
) -> tuple[cst.SimpleStatementLine, str] | None:
    """The statement that the scores end in, and its target: what the function returns, or what is differentiated."""
    made_of = {scores}
    backward = {
        one.func.value.value
        for one in scope.source.all_of(cst.Call, scope.body)
        if call_name(one) == "backward"
        and isinstance(one.func, cst.Attribute)
        and isinstance(one.func.value, cst.Name)
    }
    for line in scope.lines[scope.lines.index(first) + 1 :]:
        part = line.body[0]
        if isinstance(part, cst.Return):
            single = part.value is not None and not isinstance(bare(part.value), cst.Tuple)
            return (line, "return ") if single and loaded_names(part.value or part) & made_of else None
        if isinstance(part, cst.Assign) and isinstance(part.targets[0].target, cst.Name):
            name = part.targets[0].target.value
            if loaded_names(part.value) & made_of:
                made_of.add(name)
                if name in backward:
                    return line, f"{name} = "
    return None


def _as_pair_loss(
    scope: Scope,
    sources: Sequence[RecipeFile],
    end: tuple[cst.SimpleStatementLine, str],
    hidden: str,
    lookup: Lookup,
    flat: bool,
) -> PairLoss:
    table, ids = scope.source.code(lookup.table), scope.source.code(lookup.ids)
    padding = f"{table}.padding_idx" if lookup.padded_elsewhere else "0"
    is_padded = (lookup.padded or lookup.padded_elsewhere) and not flat
    return PairLoss(
        source=scope.source,
        scope=scope,
        gone=(end[0],),
        target=end[1],
        hidden=hidden,
        table=table,
        positives=ids,
        negatives="",
        mask=f"{ids} != {padding}" if is_padded else "",
        flat=flat,
        padded=lookup.padded,
        padded_elsewhere=lookup.padded_elsewhere,
        sparse=lookup.sparse,
        plain_table=lookup.plain,
        computed=False,
        taken=scope.names() | {name for source in sources for name in module_names(source)},
    )
