"""Recipe: weight averaging. What answers is a moving average of the weights, and not the last step's."""

from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import (
    call_name,
    fresh_name,
    last_name,
    loaded_names,
    parse_all,
    rewrite,
    statements,
)
from evolution.recipes.flow import own_lines
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch
from evolution.recipes.training_step import OPTIMIZERS, TrainingStep, find_training_step, names_known_at

# A run of this many steps is averaged over about its last 1,000, a shorter one over its last 100.
LONG_RUN, SHORTEST_RUN = 20_000, 1_000
AVERAGES = {"AveragedModel", "update_parameters", "ModelEmaV2", "ModelEmaV3", "ExponentialMovingAverage"}
PARAMETERS = ".parameters()"


@dataclass(frozen=True, kw_only=True)
class WeightAveraging:
    """Keeps a moving average of the parameters, and lets the model answer with it between epochs.

    By hand, as torch's AveragedModel copies the whole module, which sparse graphs among its buffers do not allow.
    """

    code: str = "weight-averaging"
    title: str = "Answer with a moving average of the weights"
    rationale: str = (
        "The weights of one step carry the noise of its last batches; their average over many steps lies "
        "deeper in the same valley and ranks unseen events better, at the cost of a copy."
    )
    techniques: tuple[str, ...] = ("weight-averaging",)
    triggers: frozenset[str] = frozenset(WEAKER)
    promise: float = 0.3

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if weights are averaged already, several optimizers train, the run is short or ends by itself, or the loop
        that trains does not hand over between epochs.
        """
        sources = parse_all(context)
        if any(last_name(call.func) in AVERAGES for source in sources for call in source.all_of(cst.Call)):
            raise DoesNotFit("weights are averaged already")
        step = find_training_step(context)
        model = step.parameters.removesuffix(PARAMETERS)
        if not step.parameters.endswith(PARAMETERS) or not names_known_at(step):
            raise DoesNotFit(f"`{step.parameters}` does not name a model where `{step.name}` steps")
        if (
            sum(
                call_name(call) in OPTIMIZERS
                for source in sources
                for call in source.all_of(cst.Call)
                if source.ran(call)
            )
            > 1
        ):
            raise DoesNotFit(
                "several optimizers train, and an average of one's part would answer beside the others'"
            )
        run = context.facts.steps
        if 0 < run < SHORTEST_RUN:
            raise DoesNotFit(f"a run of {run} steps would be averaged with the weights that it began with")
        between = _handing_over(step)
        taken = loaded_names(step.source.module) | loaded_names(step.step_source.module)
        taken |= {node.attr.value for node in step.source.all_of(cst.Attribute)}
        average = step.beside(fresh_name(taken, "average", "averaged"))
        trained, name, value = (
            fresh_name(taken, *names) for names in (("trained", "last"), ("name", "key"), ("value", "weight"))
        )
        moved = 0.001 if run >= LONG_RUN else 0.01
        named = f"{name}, {value} in {model}.named_parameters()"
        copied = f"{{{name}: {value}.detach().clone() for {named}}}"
        made = [
            "# what answers between epochs: the average carries less of the last batches' noise",
            f"{average} = {copied}",
        ]
        stepped = [f"for {named}:", f"    {average}[{name}].lerp_({value}.detach(), {moved})"]
        before = [f"{trained} = {copied}", f"{model}.load_state_dict({average}, strict=False)"]
        changes: dict[cst.CSTNode, list[cst.CSTNode]] = {
            step.made: [step.made, *statements(made)],
            step.step: [step.step, *statements(stepped)],
            between: [
                *statements(before),
                between,
                *statements([f"{model}.load_state_dict({trained}, strict=False)"]),
            ],
        }
        return RecipePatch(
            edits=tuple(rewrite(step.source, changes)),
            note=f"Over about the last {round(1 / moved):,} steps; training goes on with its own weights.",
        )


def _handing_over(step: TrainingStep) -> cst.SimpleStatementLine:
    """The statement by which the function that steps hands an epoch over: its only `yield`."""
    source = step.step_source
    if source is not step.source:
        raise DoesNotFit("the optimizer is made in another file than it steps in")
    around = source.block(step.step)
    yields = [line for line in own_lines(around) if source.all_of(cst.Yield, line)]
    if len(yields) != 1 or source.line(yields[0]) <= source.line(step.step):
        raise DoesNotFit(
            "the loop that trains does not `yield` between epochs, so no place says where an average would answer"
        )
    loops = [one for one in source.ancestors(yields[0]) if isinstance(one, cst.While | cst.For)]
    if not loops or not isinstance(loops[-1], cst.While) or source.code(loops[-1].test) not in ("True", "1"):
        raise DoesNotFit("training ends by itself, and would end with the weights of its last step")
    return yields[0]
