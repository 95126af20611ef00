"""Recipe: a higher learning rate, where the training ends before the model has learned what it can."""

from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import parse_all, rewrite
from evolution.recipes.recipe import DoesNotFit, RecipeContext, RecipePatch
from evolution.recipes.settings import find_setting, written

TIMES = 3.0
HIGHEST = {"SGD": 1.0}  # by type of the optimizer
HIGHEST_OF_OTHERS = 0.01


@dataclass(frozen=True, kw_only=True)
class FasterLearning:
    """Multiplies the number that sets the learning rate."""

    code: str = "faster-learning"
    title: str = f"Raise the learning rate {TIMES:.0f} times"
    rationale: str = "The objective was still rising when the training ended: larger steps reach further in the same number of steps."
    techniques: tuple[str, ...] = ("large-batch-warmup",)
    triggers: frozenset[str] = frozenset({"not-converged", "not-learning"})
    promise: float = 0.7

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if it is not known which number sets the rate, or if the rate is high already."""
        setting = find_setting(context, parse_all(context), "lr")
        if setting is None:
            raise DoesNotFit("no single number sets the learning rate of one optimizer")
        rate, highest = TIMES * setting.value, HIGHEST.get(setting.optimizer, HIGHEST_OF_OTHERS)
        if not 0 < rate <= highest:
            raise DoesNotFit(f"the learning rate is {setting.value:g} already")
        new = cst.parse_expression(written(rate))
        edits = rewrite(setting.source, {setting.literal: [new]})
        return RecipePatch(edits=tuple(edits), note=f"From {setting.value:g} to {rate:.3g}.")
