"""Recipe: wider vectors of items, where a few numbers have to say of each item whom it suits."""

import re
from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import parse_all, rewrite
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch
from evolution.recipes.settings import named_numbers

WIDTH, NARROW = 64, 16  # what is at most NARROW is raised to WIDTH
SLACK = 8  # rows that a table of items has more, or fewer, than there are items; in large ones 1 %
NAME = re.compile(
    r"^(embed(ding)?|emb|latent|rec|hidden|item|user|factor|model)?s?_?(dims?|factors?)(_rec)?$"
    r"|^(embed(ding)?|emb|latent|factor)s?_size$|^(n|num|predictive)_?(factors|dims)$|^factors?_?num$"
)


@dataclass(frozen=True, kw_only=True)
class WiderVectors:
    """Raises the number that says how wide an item's vector is."""

    code: str = "wider-vectors"
    title: str = f"Make the vectors of items {WIDTH} wide"
    rationale: str = (
        "A few numbers can say of an item little more than how popular it is; EASE, where it is ahead, has a weight for "
        "each pair of items."
    )
    techniques: tuple[str, ...] = ("low-dimensionality",)
    triggers: frozenset[str] = frozenset({*WEAKER, "slice-gap", "popularity-bias", "exposure-concentration"})
    promise: float = 0.82

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if no single small number is the width of an item table."""
        found = [
            (source, literal)
            for source, literal in named_numbers(parse_all(context), _is_width)
            if isinstance(literal, cst.Integer) and 1 < int(literal.value) <= NARROW
        ]
        if len(found) != 1:
            raise DoesNotFit("no single number that makes the vectors of items narrow was found")
        source, literal = found[0]
        if not _is_of_items(int(literal.value), context):
            raise DoesNotFit(f"no table of items is {literal.value} wide")
        edits = rewrite(source, {literal: [cst.Integer(str(WIDTH))]})
        return RecipePatch(edits=tuple(edits), note=f"From {literal.value} to {WIDTH}.")


def _is_width(name: str) -> bool:
    return NAME.search(name.lower()) is not None


def _is_of_items(width: int, context: RecipeContext) -> bool:
    """Whether a parameter has about a row for each item and this width; true where nothing was traced."""
    n_items = context.facts.n_items
    slack = max(SLACK, n_items // 100)
    shapes = [tuple(one["shape"]) for one in context.trace.get("parameters", ())]
    tables = [shape for shape in shapes if len(shape) == 2 and abs(shape[0] - n_items) <= slack]
    return not context.trace or any(shape[1] == width for shape in tables)
