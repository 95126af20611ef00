"""Recipe: mixed negatives. Half of the negatives are drawn by popularity, so that being popular alone raises no score.

The loss stays, and so does the number of negatives.
"""

from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import (
    RecipeFile,
    dotted,
    imported,
    loaded_names,
    rewrite,
    statements,
    substitute,
    torch_name,
)
from evolution.recipes.pair_loss import PairLoss, find_pair_loss
from evolution.recipes.recipe import DoesNotFit, RecipeContext, RecipePatch

TENSOR_METHODS = ("long", "to", "cuda", "cpu", "int", "contiguous", "clone", "detach")


@dataclass(frozen=True, kw_only=True)
class MixedNegatives:
    """Replaces half of the negatives of a pairwise loss by positives of the same batch, which are as popular as positives are.

    Mixed negative sampling: Yang et al. 2020 (WWW).
    """

    code: str = "mixed-negatives"
    title: str = "Draw half of the negatives by popularity"
    rationale: str = (
        "Under uniform negatives a popular item is rarely a negative and its score grows for being popular. Drawn "
        "from the batch's own next items, negatives follow popularity and take that bonus away."
    )
    techniques: tuple[str, ...] = ("mixed-negatives",)
    triggers: frozenset[str] = frozenset(
        {"popularity-bias", "overused-popularity", "same-list", "missed-variety"}
    )
    promise: float = 0.9

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if the repo has no pairwise loss, or one whose negatives have no name where it stands."""
        loss = find_pair_loss(context)
        positives, negatives = _names(loss)
        uses = _uses(loss, negatives)
        mixed = negatives if negatives.isidentifier() else loss.name("mixed", "mixed_negatives")
        popular, share = loss.name("popular", "popular_items"), loss.name("by_popularity", "popular_half")
        counted = _counted(loss, positives)
        if loss.negatives == negatives or _is_tensors_own(loss.negatives, negatives):
            torch = torch_name(loss.source)
            device = f"device={negatives}.device"
            pool = counted if counted.isidentifier() else popular
            draws = [
                *([] if pool == counted else [f"{popular} = {counted}"]),
                f"{popular} = {pool}[{torch}.randint(len({pool}), {negatives}.shape, {device})]",
                f"{share} = {torch}.rand({negatives}.shape, {device}) < 0.5",
                f"{mixed} = {torch}.where({share}, {popular}, {negatives})",
            ]
        else:
            numpy = imported(loss.source).get("numpy")
            if numpy is None:
                raise DoesNotFit(
                    f"{loss.source.path} does not import numpy, which its negatives are made with"
                )
            draws = [
                f"{popular} = {numpy}.random.choice({counted}, {negatives}.shape)",
                f"{share} = {numpy}.random.rand(*{negatives}.shape) < 0.5",
                f"{mixed} = {numpy}.where({share}, {popular}, {negatives})",
            ]
        new = statements(
            [
                "# half of the negatives are next items of this batch: an item no longer gains by being popular alone",
                *draws,
            ]
        )
        first = uses[0]
        new[0] = new[0].with_changes(leading_lines=[*first.leading_lines, *new[0].leading_lines])
        changed: dict[cst.CSTNode, list[cst.CSTNode]] = {}
        if mixed != negatives:  # a batch may be a frozen value, so its field stays as it came
            changed = {use: [_renamed(loss, use, negatives, mixed)] for use in uses}
        kept = cst.ensure_type(changed.get(first, [first])[0], cst.SimpleStatementLine)
        changed[first] = [*new, kept.with_changes(leading_lines=[])]
        return RecipePatch(
            edits=tuple(rewrite(loss.source, changed)),
            note="As many negatives as before; the other half is drawn as it was.",
        )


def _is_tensors_own(ids: str, name: str) -> bool:
    """Whether ids are what a method of tensors makes of a name, `neg.long()`: the name then holds a tensor, and no array."""
    return any(ids.startswith(f"{name}.{method}(") for method in TENSOR_METHODS)


def _names(loss: PairLoss) -> tuple[str, str]:
    """What holds the ids of positives and negatives: names, or `batch.negatives`. Raises DoesNotFit where both are not used alike."""
    wanted, drawn = cst.parse_expression(loss.positives), cst.parse_expression(loss.negatives or "None")
    if "." in dotted(wanted) and "." in dotted(drawn):
        return loss.positives, loss.negatives
    for name in sorted(loaded_names(drawn)):
        for other in sorted(loaded_names(wanted)):
            renamed = substitute(drawn, {name: cst.Name(other)})
            if name != other and loss.source.code(renamed) == loss.source.code(wanted):
                return other, name
    raise DoesNotFit(f"the negatives `{loss.negatives}` are no ids that a name holds")


def _uses(loss: PairLoss, name: str) -> list[cst.SimpleStatementLine]:
    """The statements that read the negatives once they are all drawn. Raises DoesNotFit if there are none up to the loss."""
    source, bound = loss.source, [b.line for b in loss.scope.bindings if b.name == name]
    after = [line for line in loss.scope.lines if source.line(line) > max(bound, default=0)]
    found = [line for line in after if _reads(source, line, name) and source.trains(line)]
    if not found or source.line(found[0]) > source.line(loss.gone[0]):
        raise DoesNotFit(f"`{name}` is not read where the loss is computed")
    return found


def _reads(source: RecipeFile, line: cst.SimpleStatementLine, name: str) -> bool:
    kind = cst.Attribute if "." in name else cst.Name
    return any(dotted(node) == name for node in source.all_of(kind, line))


def _renamed(loss: PairLoss, line: cst.SimpleStatementLine, name: str, new: str) -> cst.SimpleStatementLine:
    for node in loss.source.all_of(cst.Attribute, line):
        if dotted(node) == name:
            line = cst.ensure_type(line.deep_replace(node, cst.Name(new)), cst.SimpleStatementLine)
    return line


def _counted(loss: PairLoss, positives: str) -> str:
    """Code of the positives that are no padding, (P,)."""
    if loss.padded:
        return f"{positives}[{positives} != 0]"
    if loss.padded_elsewhere:
        return f"{positives}[{positives} != {loss.table}.padding_idx]"
    return positives if loss.flat else f"{positives}.flatten()"
