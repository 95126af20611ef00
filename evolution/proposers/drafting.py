"""Finds the recipes that a trial's feedback calls for, and makes their patches."""

from collections.abc import Sequence
from dataclasses import replace

from diagnosis.findings import Nature, Severity
from evolution.base.places import BASELINE_NAME
from evolution.domain.proposal import RECIPE, Idea
from evolution.literature.library import builtin_library
from evolution.recipes.catalogue import MENDING, RECIPES
from evolution.recipes.recipe import DoesNotFit, Recipe, RecipeContext, RecipePatch

SEVERITY = {Severity.ERROR: 3.0, Severity.WARNING: 2.0, Severity.INFORMATION: 0.5}
SHARED_BY_ALL = 2.0  # weight of a critique that every user shares


def draft_all(
    context: RecipeContext, recipes: Sequence[Recipe] = RECIPES
) -> tuple[list[tuple[Idea, RecipePatch]], list[tuple[str, str]]]:
    """(ideas with patches of the triggered recipes, most promising first; (code, reason) of those that do not fit)."""
    made: list[tuple[Idea, RecipePatch]] = []
    did_not_fit: list[tuple[str, str]] = []
    for recipe in sorted(recipes, key=lambda recipe: _order(recipe, context)):
        addressed = addressed_by(recipe, context)
        if not addressed:
            continue
        try:
            made.append((idea_of(recipe, addressed), recipe.make(context)))
        except DoesNotFit as error:
            did_not_fit.append((recipe.code, str(error)))
    return made, did_not_fit


def without(
    context: RecipeContext, accepted: frozenset[str], recipes: Sequence[Recipe] = RECIPES
) -> tuple[RecipeContext, list[tuple[str, str]]]:
    """The context without the findings and complaints with these ids; (code, reason) of the recipes that nothing else calls for."""
    kept = replace(
        context,
        findings=[one for one in context.findings if one.id not in accepted],
        critiques=[one for one in context.critiques if one.id not in accepted],
    )
    left = [one for one in recipes if addressed_by(one, context) and not addressed_by(one, kept)]
    reason = f"what calls for it is accepted in {BASELINE_NAME}; `--accepted` tries it all the same"
    return kept, [(recipe.code, reason) for recipe in left]


def _order(recipe: Recipe, context: RecipeContext) -> tuple[bool, float]:
    """Sort key: what mends a cause first; then by what a recipe promises and how much calls for it."""
    mends_cause = recipe.code in MENDING and any(
        finding.code in recipe.triggers and finding.kind.nature is Nature.CAUSE
        for finding in context.findings
    )
    calls = calls_for(recipe, context)
    return not mends_cause, -recipe.promise * calls / (1.0 + calls)


def calls_for(recipe: Recipe, context: RecipeContext) -> float:
    """The severity of the findings and complaints that trigger a recipe, added up."""
    calls = sum(SEVERITY[f.severity] for f in context.findings if f.code in recipe.triggers)
    return calls + sum(
        SHARED_BY_ALL * critique.share
        for critique in context.critiques
        if critique.code in recipe.triggers and not critique.positive
    )


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
