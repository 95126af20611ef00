"""Recipe: gradient clipping, so that no single batch moves the model far."""

from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import dotted, parse_all, rewrite, statements, torch_name
from evolution.recipes.recipe import DoesNotFit, RecipeContext, RecipePatch
from evolution.recipes.training_step import TrainingStep, find_training_step, names_known_at


@dataclass(frozen=True, kw_only=True)
class GradientClipping:
    """Clips the norm of all gradients before the optimizer steps."""

    code: str = "gradient-clipping"
    title: str = "Clip the gradient's norm at 1"
    rationale: str = "A batch with a few very wrong predictions can undo many good steps; a bound on the norm keeps training steady."
    techniques: tuple[str, ...] = ("gradient-clipping",)
    triggers: frozenset[str] = frozenset({"not-learning", "not-converged"})
    promise: float = 0.25

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if gradients are clipped already, or if the parameters cannot be named where the optimizer
        steps.
        """
        calls = [
            dotted(call.func)
            for source in parse_all(context)
            for call in source.all_of(cst.Call)
            if source.ran(call)
        ]
        if any("clip_grad" in call for call in calls):
            raise DoesNotFit("the gradient is clipped already")
        step = find_training_step(context)
        if not step.parameters.endswith(".parameters()") or not names_known_at(step):
            raise DoesNotFit(f"`{step.parameters}` cannot be written again where `{step.name}` steps")
        clip = f"{torch_name(step.step_source)}.nn.utils.clip_grad_norm_({step.parameters}, max_norm=1.0)"
        return RecipePatch(
            edits=tuple(rewrite(step.step_source, {step.step: _with_clip(step, clip)})),
            note="The norm is taken over all parameters that the optimizer trains.",
        )


def _with_clip(step: TrainingStep, clip: str) -> list[cst.CSTNode]:
    """The step's statement with the clip before it, on a line of its own if the step has one."""
    parts = [step.step_source.code(part).rstrip("; ") for part in step.step.body]
    at = next(index for index, part in enumerate(parts) if f"{step.name}.step(" in part)
    if len(parts) == 1:
        line = statements(["# one odd batch must not undo many good ones", clip])
        lead = step.step.leading_lines
        return [
            line[0].with_changes(leading_lines=[*lead, *line[0].leading_lines]),
            step.step.with_changes(leading_lines=[]),
        ]
    joined = statements(["; ".join([*parts[:at], clip, *parts[at:]])])[0]
    kept = {"leading_lines": step.step.leading_lines}
    if isinstance(joined, cst.SimpleStatementLine):
        joined = joined.with_changes(**kept, trailing_whitespace=step.step.trailing_whitespace)
    return [joined]
