"""Recipes: source transformations that need no LLM, triggered by findings and by users' complaints."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolution.domain.proposal import Idea
    from evolution.recipes.recipe import Draft, RecipeContext


def drafts(context: "RecipeContext") -> tuple[list[tuple["Idea", "Draft"]], list[tuple[str, str]]]:
    """What the triggered recipes make of the code, most promising first; and (code, why) of those that do not fit."""
    from evolution.recipes.catalogue import draft_all  # libcst takes a quarter of a second to import

    return draft_all(context)
