"""Recipe: larger batches, where the other targets of a batch are the negatives, so that each target has more rivals."""

import re
from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import parse_all, rewrite
from evolution.recipes.in_batch_loss import has_in_batch_loss
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch
from evolution.recipes.settings import named_numbers

TIMES = 4
FEWEST, MOST = 8, 512  # sizes that are raised: smaller ones are no batches, larger ones have rivals enough
NAME = re.compile(r"(train_|_|^)(batch_?size|n_batch|batch|bs)$")
NOT_OF_TRAINING = ("eval", "test", "val", "infer", "predict", "score")


@dataclass(frozen=True, kw_only=True)
class LargerBatches:
    """Multiplies the number that sets how many examples a batch has."""

    code: str = "larger-batches"
    title: str = f"Put {TIMES} times as many examples in a batch, as they are each other's negatives"
    rationale: str = (
        "The negatives of a target are the other targets of its batch: a small batch has few, and most of them are easy. "
        "More rivals come at no further draw."
    )
    techniques: tuple[str, ...] = ("shared-negatives",)
    triggers: frozenset[str] = frozenset(
        {*WEAKER, "overconfidence", "ranking-margin", "popularity-reversed", "slice-gap", "not-converged"}
    )
    promise: float = 0.7

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if no loss holds the targets of a batch against each other, or no single number sets its size."""
        if not has_in_batch_loss(context):
            raise DoesNotFit("no loss that sets the targets of a batch against each other was found")
        found = [
            one
            for one in named_numbers(parse_all(context), _is_batch_size)
            if isinstance(one[1], cst.Integer) and FEWEST <= int(one[1].value) <= MOST
        ]
        if len(found) != 1:
            raise DoesNotFit("no single number sets how many examples a batch has")
        source, literal = found[0]
        size = TIMES * int(literal.value)
        edits = rewrite(source, {literal: [cst.Integer(str(size))]})
        return RecipePatch(edits=tuple(edits), note=f"From {literal.value} to {size}.")


def _is_batch_size(name: str) -> bool:
    low = name.lower()
    return bool(NAME.search(low)) and not any(word in low for word in NOT_OF_TRAINING)
