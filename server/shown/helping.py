"""The recipes that a kind of finding calls for. It imports libcst, through the recipes, so no language server imports it."""

from diagnosis.findings import FindingKind
from evolution.recipes.catalogue import RECIPES


def recipes_for(kind: FindingKind) -> dict[str, str]:
    """Code -> title of the recipes that a finding of this kind calls for, the most promising first."""
    calling = sorted((r for r in RECIPES if kind.code in r.triggers), key=lambda recipe: -recipe.promise)
    return {recipe.code: recipe.title for recipe in calling}
