"""Recipe: gBCE (gSASRec, arXiv 2308.07192). It draws many negatives and raises the positive's sigmoid to a power beta,
which undoes the overconfidence that negative sampling causes.
"""

from dataclasses import dataclass

from evolution.recipes.code import functional
from evolution.recipes.loss_rewriting import (
    candidates,
    counted_positions,
    random_items,
    replace_loss,
    shared_negatives,
)
from evolution.recipes.pair_loss import find_pair_loss
from evolution.recipes.recipe import WEAKER, RecipeContext, RecipePatch

CALIBRATION = 0.75  # the paper's t: 0 is plain BCE, 1 fully calibrated


@dataclass(frozen=True, kw_only=True)
class GeneralisedBCE:
    """Replaces a pairwise loss by gBCE over negatives that all positions share.

    With sampling rate alpha = negatives / (items - 1), beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha), and the loss
    is -beta * log(sigmoid(positive)) - sum(log(1 - sigmoid(negative))).
    """

    code: str = "gbce"
    title: str = "gBCE loss and many negatives (gSASRec)"
    rationale: str = (
        "Sampled negatives make BCE overestimate probabilities, which blurs the order at the top. gBCE raises the "
        "positive's sigmoid to a power beta that undoes it, and many negatives sharpen the ranking."
    )
    techniques: tuple[str, ...] = ("gbce",)
    triggers: frozenset[str] = frozenset({"overconfidence", "ranking-margin", *WEAKER})
    promise: float = 0.5

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if the repo has no pairwise loss, or too few items for shared negatives."""
        n = shared_negatives(context.facts.n_items)
        loss = find_pair_loss(context)
        at, items = counted_positions(loss), candidates(loss)
        F = functional(loss.source)
        alpha, beta = loss.name("alpha", "sampling_rate"), loss.name("beta", "positive_power")
        sampled, negative = (
            loss.name("sampled", "sampled_items"),
            loss.name("negative_logits", "sampled_logits"),
        )
        positive = loss.name("positive_logits", "wanted_logits")
        others = f"({items.rows} - {2 if loss.padded else 1})"
        lines = [
            "# gBCE (gSASRec, 2308.07192): beta undoes the overconfidence that sampling negatives brings",
            *at.lines,
            *items.lines,
            f"{sampled} = {random_items(loss, items.rows, f'({n},)', at.states)}  # shared by all positions",
            f"{alpha} = {n} / {others}",
            f"{beta} = {alpha} * ({CALIBRATION} * (1 - 1 / {alpha}) + 1 / {alpha})",
            f"{positive} = ({at.states} * {items.of(at.wanted)}).sum(-1)  # (positions,)",
            f"{negative} = {at.states} @ {items.of(sampled)}.T  # (positions, {n})",
            f'{negative} = {negative}.masked_fill({sampled} == {at.wanted}[:, None], float("-inf"))',
        ]
        terms = f"({beta} * {F}.softplus(-{positive}) + {F}.softplus({negative}).sum(-1))"
        value = f"{terms}.mean() / {n + 1}"
        note = f"{n} negatives per step, shared by all positions; t = {CALIBRATION}."
        summary = "Generalised binary cross-entropy of the item that came next against sampled ones, mean over events."
        return replace_loss(loss, lines, value, summary=summary, note=note)
