"""All recipes, and the drafts they make for one trial."""

from collections.abc import Sequence

from evolution.domain.proposal import RECIPE, Idea
from evolution.recipes.category_embedding import CategoryEmbedding
from evolution.recipes.embedding_decay import EmbeddingDecay
from evolution.recipes.functional_dropout import FunctionalDropout
from evolution.recipes.gbce import GeneralisedBCE
from evolution.recipes.gradient_clipping import GradientClipping
from evolution.recipes.initial_scale import InitialScale
from evolution.recipes.item_dropout import ItemDropout
from evolution.recipes.mixed_negatives import MixedNegatives
from evolution.recipes.more_negatives import MoreNegatives
from evolution.recipes.recipe import DoesNotFit, Draft, Recipe, RecipeContext
from evolution.recipes.sampled_softmax import SampledSoftmax
from evolution.recipes.shuffling import Shuffling
from evolution.recipes.softmax import FullSoftmax
from evolution.recipes.warmup import WarmUp

RECIPES: tuple[Recipe, ...] = (
    FullSoftmax(),
    FunctionalDropout(),
    GeneralisedBCE(),
    Shuffling(),
    SampledSoftmax(),
    MixedNegatives(),
    CategoryEmbedding(),
    EmbeddingDecay(),
    MoreNegatives(),
    InitialScale(),
    ItemDropout(),
    WarmUp(),
    GradientClipping(),
)


def draft_all(
    context: RecipeContext, recipes: Sequence[Recipe] = RECIPES
) -> tuple[list[tuple[Idea, Draft]], list[tuple[str, str]]]:
    """Drafts of the triggered recipes that fit, most promising first; and (code, reason) of those that do not."""
    made: list[tuple[Idea, Draft]] = []
    did_not_fit: list[tuple[str, str]] = []
    for recipe in sorted(recipes, key=lambda recipe: -recipe.promise):
        addressed = addressed_by(recipe, context)
        if not addressed:
            continue
        try:
            made.append((idea_of(recipe, addressed), recipe.make(context)))
        except DoesNotFit as error:
            did_not_fit.append((recipe.code, str(error)))
    return made, did_not_fit


def addressed_by(recipe: Recipe, context: RecipeContext) -> tuple[str, ...]:
    """Ids of the findings and of the users' complaints that call for a recipe."""
    findings = [finding.id for finding in context.findings if finding.code in recipe.triggers]
    complaints = [
        critique.id
        for critique in context.critiques
        if critique.code in recipe.triggers and not critique.positive
    ]
    return (*findings, *complaints)


def idea_of(recipe: Recipe, addresses: tuple[str, ...]) -> Idea:
    return Idea(
        code=recipe.code,
        title=recipe.title,
        rationale=recipe.rationale,
        addresses=addresses,
        rests_on=recipe.rests_on,
        proposer=RECIPE,
    )
