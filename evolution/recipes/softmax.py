"""Recipe: full softmax. Every item of the catalogue is a negative at every position."""

from dataclasses import dataclass

from evolution.recipes.code import functional
from evolution.recipes.in_batch_loss import find_in_batch_loss
from evolution.recipes.loss_rewriting import counted_positions, replace_loss
from evolution.recipes.pair_loss import PairLoss, find_pair_loss
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch

MOST_ITEMS = (
    30_000  # 4,000 positions x 30,000 logits are half a gigabyte, and as much again for their gradient
)


@dataclass(frozen=True, kw_only=True)
class FullSoftmax:
    """Replaces a pairwise loss by cross-entropy over all items."""

    code: str = "full-softmax"
    title: str = "Full softmax loss"
    rationale: str = (
        "One easy negative per positive saturates early and leaves scores overconfident; cross-entropy over all "
        "items ranks the next item against the whole catalogue, as it will be asked to."
    )
    techniques: tuple[str, ...] = ("full-softmax",)
    triggers: frozenset[str] = frozenset(
        {
            "ranking-margin",
            *WEAKER,
            "overconfidence",
            "embedding-collapse",
            "popularity-bias",
            "same-list",
            "not-converged",
            "not-learning",
            "untrained-rows",
            "overused-popularity",
            "missed-sequence",
            "missed-variety",
            "missed-category",
        }
    )
    promise: float = 1.0

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if the repo has no pairwise or in-batch loss, or more than MOST_ITEMS items."""
        n_items = context.facts.n_items
        if n_items > MOST_ITEMS:
            raise DoesNotFit(
                f"full logits over {n_items:,} items would not fit in memory; sampled softmax is the recipe for this catalogue"
            )
        loss = _loss(context)
        if loss.sparse:
            raise DoesNotFit(
                f"`{loss.table}` has sparse gradients, which a softmax over all items would make dense"
            )
        reason = "one sampled negative" if loss.negatives else "a batch of rivals"
        at = counted_positions(loss)
        weight, wanted = loss.matrix, at.wanted
        lines = [
            f"# softmax over the whole catalogue: {reason} leaves scores overconfident",
            *at.lines,
        ]
        logits = loss.name("logits", "item_logits")
        if loss.padded:
            lines.append(
                f"{logits} = {at.states} @ {weight}[1:].T  # (positions, n_items); padding is no candidate"
            )
            wanted = f"{wanted} - 1"
        else:
            lines.append(f"{logits} = {at.states} @ {weight}.T  # (positions, items)")
        if loss.padded_elsewhere:
            lines.append(f'{logits}[:, {loss.table}.padding_idx] = float("-inf")  # padding is no candidate')
        value = f"{functional(loss.source)}.cross_entropy({logits}, {wanted})"
        summary = "Cross-entropy of the item that came next against the whole catalogue, mean over events."
        return replace_loss(
            loss, lines, value, summary=summary, note=f"Every one of the {n_items:,} items is a negative now."
        )


def _loss(context: RecipeContext) -> PairLoss:
    """What is replaced; raises DoesNotFit with what is said of pairs where there is no in-batch loss either."""
    try:
        return find_pair_loss(context)
    except DoesNotFit as pairs:
        try:
            return find_in_batch_loss(context)
        except DoesNotFit as in_batch:
            raise (in_batch if "scaled" in str(in_batch) else pairs) from None
