"""Recipe: weight decay, where the optimizer has none."""

from dataclasses import dataclass

from evolution.recipes.code import argument, call_name, parse_all, rewrite
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch
from evolution.recipes.repairs.repair import with_argument
from evolution.recipes.settings import find_setting, optimizer_calls

DECAY = "1e-4"
DECAY_OF_ADAMW = "1e-2"  # which is not divided by the gradient's size


@dataclass(frozen=True, kw_only=True)
class WeightDecay:
    """Sets the optimizer's weight decay."""

    code: str = "weight-decay"
    title: str = "Let the weights decay"
    rationale: str = (
        "A small log has a few events for each row of a table, and vectors that nothing holds learn them by heart; "
        "simple rankers that are ahead of the model, such as EASE, owe it to their penalty."
    )
    techniques: tuple[str, ...] = ("implicit-als",)  # tuned penalties alone put it level with recent models
    triggers: frozenset[str] = frozenset({*WEAKER, "slice-gap"})
    promise: float = 0.8

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if the weights decay already, or if it is not known where one optimizer is made."""
        sources, traced = parse_all(context), context.trace.get("optimizers", ())
        if len(traced) != 1 or traced[0]["defaults"].get("weight_decay", 1):
            raise DoesNotFit("the repo has no single optimizer without weight decay")
        decay = DECAY_OF_ADAMW if traced[0]["type"] == "AdamW" else DECAY
        note = f"At {decay} a step."
        if setting := find_setting(context, sources, "weight_decay"):
            edits = rewrite(setting.source, {setting.literal: [setting.set_to(decay)]})
            return RecipePatch(edits=tuple(edits), note=note)
        calls = [(s, c) for s, c in optimizer_calls(sources) if call_name(c) == traced[0]["type"]]
        if (
            len(calls) != 1
            or argument(calls[0][1], "weight_decay")
            or any(arg.star for arg in calls[0][1].args)
        ):
            raise DoesNotFit("the weight decay of the optimizer is not set by one number that is known")
        source, call = calls[0]
        edits = rewrite(source, {call: [with_argument(call, "weight_decay", decay)]})
        return RecipePatch(edits=tuple(edits), note=note)
