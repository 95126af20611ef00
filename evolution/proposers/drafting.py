"""Finds the recipes that a trial's feedback calls for, and makes their patches."""

from collections.abc import Sequence

from evolution.domain.proposal import RECIPE, Idea
from evolution.literature.library import builtin_library
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.recipe import DoesNotFit, Recipe, RecipeContext, RecipePatch


def draft_all(
    context: RecipeContext, recipes: Sequence[Recipe] = RECIPES
) -> tuple[list[tuple[Idea, RecipePatch]], list[tuple[str, str]]]:
    """(ideas with patches of the triggered recipes, most promising first; (code, reason) of those that do not fit)."""
    made: list[tuple[Idea, RecipePatch]] = []
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
    """A recipe as an idea, with the citations of its techniques."""
    library = builtin_library()
    techniques = filter(None, map(library.technique, recipe.techniques))
    return Idea(
        code=recipe.code,
        title=recipe.title,
        rationale=recipe.rationale,
        addresses=addresses,
        rests_on=tuple(technique.citation for technique in techniques),
        proposer=RECIPE,
    )
