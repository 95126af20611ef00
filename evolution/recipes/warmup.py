"""Recipe: learning-rate warm-up, so that the first steps are small."""

from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import RecipeFile, loaded_names, parse_all, rewrite, statements
from evolution.recipes.recipe import DoesNotFit, RecipeContext, RecipePatch
from evolution.recipes.training_step import find_training_step, has_scheduler

STEPS = 200
SHARE = 10  # a warm-up takes at most this part of the run: one longer than a tenth only wastes epochs
FEWEST = 10
UNCOUNTED = 50  # where nobody counted the run's steps


@dataclass(frozen=True, kw_only=True)
class WarmUp:
    """Adds a linear warm-up of the learning rate that steps with the optimizer."""

    code: str = "warm-up"
    title: str = "Warm the learning rate up over the first steps"
    rationale: str = (
        "Adam's first steps rest on few gradients and are its largest; a transformer that starts with them can land "
        "in a region that it does not leave."
    )
    techniques: tuple[str, ...] = ("pre-norm-warmup", "rectified-adam")
    triggers: frozenset[str] = frozenset({"not-learning", "not-converged", "embedding-collapse", "same-list"})
    promise: float = 0.35

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if the repo has a learning-rate scheduler, no optimizer is found, or the run is short."""
        if has_scheduler(parse_all(context)):
            raise DoesNotFit("a scheduler changes the learning rate already")
        step, run = find_training_step(context), context.facts.steps
        steps = min(STEPS, run // SHARE) if run else UNCOUNTED
        if steps < FEWEST:
            raise DoesNotFit(f"a tenth of the {run} steps of a run is no warm-up")
        name = step.beside(_free(step.source, "warmup", "warmup_schedule"))
        made = statements(
            [
                "# Adam's first steps rest on few gradients: take them small",
                f"{name} = {step.optim()}.lr_scheduler.LinearLR({step.name}, start_factor=0.01, total_iters={steps})",
            ]
        )
        stepped = statements([f"{name}.step()"])
        changes: dict[cst.CSTNode, list[cst.CSTNode]] = {
            step.made: [step.made, *made],
            step.step: [step.step, *stepped],
        }
        return RecipePatch(
            edits=tuple(rewrite(step.source, changes)), note=f"From 1 % to the full rate in {steps} steps."
        )


def _free(source: RecipeFile, *choices: str) -> str:
    """The first choice that is neither a name nor an attribute in the file."""
    taken = loaded_names(source.module) | {node.attr.value for node in source.all_of(cst.Attribute)}
    return next((choice for choice in choices if choice not in taken), choices[-1] + "_")
