"""Recipe: mixed negatives. Half of the shared negatives are drawn by popularity, so that being popular alone raises no
score.
"""

from dataclasses import dataclass

from evolution.recipes.code import functional, torch_name
from evolution.recipes.loss_rewriting import (
    candidates,
    counted_positions,
    random_items,
    replace_loss,
    shared_negatives,
)
from evolution.recipes.pair_loss import find_pair_loss
from evolution.recipes.recipe import RecipeContext, RecipePatch


@dataclass(frozen=True, kw_only=True)
class MixedNegatives:
    """Replaces a pairwise loss by a softmax over shared negatives, half of them next items of the same batch.

    Mixed negative sampling: Yang et al. 2020 (WWW).
    """

    code: str = "mixed-negatives"
    title: str = "Train with a softmax over shared negatives, half of them drawn by popularity"
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
        """Raises DoesNotFit if the repo has no pairwise loss, or too few items for shared negatives."""
        n = shared_negatives(context.facts.n_items)
        loss = find_pair_loss(context)
        at, items = counted_positions(loss), candidates(loss)
        torch, F, half = torch_name(loss.source), functional(loss.source), n // 2
        popular, sampled = loss.name("popular", "popular_items"), loss.name("sampled", "sampled_items")
        positive, negative = (
            loss.name("positive_logits", "wanted_logits"),
            loss.name("negative_logits", "sampled_logits"),
        )
        draw = f"{torch}.randint(len({at.wanted}), ({half},), device={at.wanted}.device)"
        lines = [
            "# half of the shared negatives are next items of this batch, so they are as popular as positives are:",
            "# an item no longer gains by being popular alone",
            *at.lines,
            *items.lines,
            f"{popular} = {at.wanted}[{draw}]",
            f"{sampled} = {torch}.cat([{popular}, {random_items(loss, items.rows, f'({half},)', at.states)}])",
            f"{positive} = ({at.states} * {items.of(at.wanted)}).sum(-1, keepdim=True)  # (positions, 1)",
            f"{negative} = {at.states} @ {items.of(sampled)}.T  # (positions, {n})",
            f'{negative} = {negative}.masked_fill({sampled} == {at.wanted}[:, None], float("-inf"))',
        ]
        value = (
            f"{F}.cross_entropy({torch}.cat([{positive}, {negative}], 1), {torch}.zeros_like({at.wanted}))"
        )
        summary = "Sampled softmax of the item that came next, half of the negatives by popularity, mean over events."
        return replace_loss(
            loss,
            lines,
            value,
            summary=summary,
            note=f"{half} negatives by popularity and {half} uniform ones per step.",
        )
