"""Recipe: more negatives for each positive, under the same binary loss."""

from dataclasses import dataclass

from evolution.recipes.code import functional, torch_name
from evolution.recipes.loss_rewriting import candidates, counted_positions, random_items, replace_loss
from evolution.recipes.pair_loss import find_pair_loss
from evolution.recipes.recipe import RecipeContext, RecipePatch

NEGATIVES = 16


@dataclass(frozen=True, kw_only=True)
class MoreNegatives:
    """Replaces a pairwise loss by BCE with NEGATIVES negatives for each positive, averaged so that both sides weigh
    alike.
    """

    code: str = "more-negatives"
    title: str = f"Draw {NEGATIVES} negatives for each positive"
    rationale: str = (
        "A single uniform negative is almost always easy, so its gradient soon vanishes; several make the hard ones "
        "frequent enough to learn from."
    )
    techniques: tuple[str, ...] = ("topk-gains",)
    triggers: frozenset[str] = frozenset(
        {"overconfidence", "ranking-margin", "not-converged", "embedding-collapse"}
    )
    promise: float = 0.6

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if the repo has no pairwise loss."""
        loss = find_pair_loss(context)
        at, items = counted_positions(loss), candidates(loss)
        torch, F = torch_name(loss.source), functional(loss.source)
        sampled, negative = (
            loss.name("sampled", "sampled_items"),
            loss.name("negative_logits", "sampled_logits"),
        )
        positive = loss.name("positive_logits", "wanted_logits")
        lines = [
            f"# {NEGATIVES} negatives for each positive: one is too often an easy one; their mean keeps the balance",
            *at.lines,
            *items.lines,
            f"{sampled} = {random_items(loss, items.rows, f'({at.wanted}.numel(), {NEGATIVES})', at.states)}",
            f"{positive} = ({at.states} * {items.of(at.wanted)}).sum(-1)  # (positions,)",
            f'{negative} = {torch}.einsum("pd,pnd->pn", {at.states}, {items.of(sampled)})',
        ]
        value = f"{F}.softplus(-{positive}).mean() + {F}.softplus({negative}).mean()"
        summary = (
            "Binary cross-entropy of the item that came next against several that did not, mean over events."
        )
        return replace_loss(
            loss, lines, value, summary=summary, note=f"{NEGATIVES} fresh negatives for each position."
        )
