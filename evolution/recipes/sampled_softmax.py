"""Recipe: sampled softmax. Every position is set against the same few hundred random items, with a correction for
their share of the catalogue.
"""

from dataclasses import dataclass

from evolution.recipes.code import functional, torch_name
from evolution.recipes.loss_rewriting import (
    MOST_NEGATIVES,
    candidates,
    counted_positions,
    random_items,
    replace_loss,
    shared_negatives,
)
from evolution.recipes.pair_loss import PairLoss, find_any_pair_loss
from evolution.recipes.recipe import WEAKER, RecipeContext, RecipePatch


@dataclass(frozen=True, kw_only=True)
class SampledSoftmax:
    """Replaces a pairwise loss by a softmax over shared negatives, with the logQ correction (Yi et al. 2019, RecSys)."""

    code: str = "sampled-softmax"
    title: str = "Sampled softmax loss, many shared negatives"
    rationale: str = (
        "Hundreds of negatives at once hold hard ones that a single uniform draw misses; sharing them over the batch "
        "makes them nearly free, and the logQ correction keeps the loss an estimate of the full softmax."
    )
    techniques: tuple[str, ...] = ("sampled-softmax",)
    triggers: frozenset[str] = frozenset(
        {
            "ranking-margin",
            *WEAKER,
            "overconfidence",
            "embedding-collapse",
            "same-list",
            "not-converged",
            "missed-sequence",
        }
    )
    promise: float = 0.85

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if the repo has no pairwise loss, or too few items for shared negatives."""
        n = shared_negatives(context.facts.n_items)
        loss = find_any_pair_loss(context)
        if loss.encoder:
            return _shared(loss)
        at, items = counted_positions(loss), candidates(loss)
        torch, F = torch_name(loss.source), functional(loss.source)
        sampled, negative = (
            loss.name("sampled", "sampled_items"),
            loss.name("negative_logits", "sampled_logits"),
        )
        positive, log_q = loss.name("positive_logits", "wanted_logits"), loss.name("log_q", "log_share")
        lines = [
            f"# softmax against {n} random items that all positions share; log_q corrects for their share of all",
            *at.lines,
            *items.lines,
            f"{sampled} = {random_items(loss, items.rows, f'({n},)', at.states)}",
            f"{log_q} = {torch}.tensor({n} / {items.rows}).log()",
            f"{positive} = ({at.states} * {items.of(at.wanted)}).sum(-1, keepdim=True)  # (positions, 1)",
            f"{negative} = {at.states} @ {items.of(sampled)}.T - {log_q}  # (positions, {n})",
            f'{negative} = {negative}.masked_fill({sampled} == {at.wanted}[:, None], float("-inf"))',
        ]
        value = (
            f"{F}.cross_entropy({torch}.cat([{positive}, {negative}], 1), {torch}.zeros_like({at.wanted}))"
        )
        summary = "Sampled softmax of the item that came next against shared random items, mean over events."
        return replace_loss(
            loss,
            lines,
            value,
            summary=summary,
            note=f"{n} negatives per step, shared by all positions.",
        )


def _shared(loss: PairLoss) -> RecipePatch:
    """Where items are encoded and no table has them all: each position against the negatives that others drew."""
    at = counted_positions(loss)
    torch, F = torch_name(loss.source), functional(loss.source)
    others, positive = loss.name("others", "shared_negatives"), loss.name("positive_logits", "wanted_logits")
    negative = loss.name("negative_logits", "shared_logits")
    drawn = f"{loss.negatives}[{loss.mask}]" if loss.mask else f"{loss.negatives}.flatten()"
    lines = [
        f"# softmax against {MOST_NEGATIVES} of the batch's negatives, which all positions share: one alone is too easy",
        *at.lines,
        f"{others} = {drawn}[:{MOST_NEGATIVES}]",
        f"{positive} = ({at.states} * {loss.table}({at.wanted})).sum(-1, keepdim=True)  # (positions, 1)",
        f"{negative} = {at.states} @ {loss.table}({others}).T  # (positions, negatives)",
        f'{negative} = {negative}.masked_fill({others} == {at.wanted}[:, None], float("-inf"))',
    ]
    value = f"{F}.cross_entropy({torch}.cat([{positive}, {negative}], 1), {torch}.zeros_like({at.wanted}))"
    summary = "Softmax of the item that came next against the batch's negatives, mean over events."
    note = f"Up to {MOST_NEGATIVES} of the negatives that the batch has, shared by all positions."
    return replace_loss(loss, lines, value, summary=summary, note=note)
