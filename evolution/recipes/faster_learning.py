"""Recipe: a higher learning rate, where the training ends before the model has learned what it can."""

from dataclasses import dataclass

from evolution.recipes.code import call_name, parse_all, rewrite
from evolution.recipes.recipe import DoesNotFit, RecipeContext, RecipePatch
from evolution.recipes.repairs.repair import with_argument
from evolution.recipes.settings import find_setting, find_unset, written

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
        sources = parse_all(context)
        setting, unset = find_setting(context, sources, "lr"), find_unset(context, sources, "lr")
        if setting is not None:
            rate = _raised(setting.value, setting.optimizer)
            edits = rewrite(setting.source, {setting.literal: [setting.set_to(written(rate))]})
            return RecipePatch(edits=tuple(edits), note=f"From {setting.value:g} to {rate:.3g}.")
        if unset is None:
            raise DoesNotFit("no single number sets the learning rate of one optimizer")
        source, call, value = unset
        rate = _raised(value, call_name(call))
        edits = rewrite(source, {call: [with_argument(call, "lr", written(rate))]})
        return RecipePatch(edits=tuple(edits), note=f"From torch's own {value:g} to {rate:.3g}.")


def _raised(value: float, optimizer: str) -> float:
    """The higher rate. Raises DoesNotFit if that is more than an optimizer of this type bears."""
    rate = TIMES * value
    if not 0 < rate <= HIGHEST.get(optimizer, HIGHEST_OF_OTHERS):
        raise DoesNotFit(f"the learning rate is {value:g} already")
    return rate
