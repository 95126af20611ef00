"""Recipe: no weight decay on embeddings, because rows that a batch does not touch must not shrink."""

from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import argument, bare, fresh_name, loaded_names, rewrite, statements, torch_name
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch
from evolution.recipes.training_step import find_training_step


@dataclass(frozen=True, kw_only=True)
class EmbeddingDecay:
    """Gives the embedding tables a parameter group of their own, without weight decay."""

    code: str = "embedding-decay"
    title: str = "Take weight decay off the embedding tables"
    rationale: str = (
        "Decay shrinks every row at every step, but a row gets a gradient only when its item is in the batch: rare "
        "items fade, and under Adam the fading is as fast as learning."
    )
    techniques: tuple[str, ...] = ("decoupled-weight-decay",)
    triggers: frozenset[str] = frozenset(
        {
            "embedding-collapse",
            "untrained-rows",
            "popularity-bias",
            *WEAKER,
            "overused-popularity",
        }
    )
    promise: float = 0.65

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if there is no weight decay, or if the optimizer's parameters are not those of one module."""
        step = find_training_step(context)
        decay = argument(step.call, "weight_decay")
        if decay is None or step.source.code(decay) in ("0", "0.0", "0."):
            raise DoesNotFit("the optimizer has no weight decay")
        traced = [one["defaults"].get("weight_decay") for one in context.trace.get("optimizers", ())]
        if traced and not any(traced):
            raise DoesNotFit(f"the optimizer's `{step.source.code(decay)}` was 0 in this trial")
        if not step.parameters.endswith(".parameters()"):
            raise DoesNotFit(
                f"the optimizer's parameters are given as `{step.parameters}`, not as one module's"
            )
        module, taken = step.parameters.removesuffix(".parameters()"), loaded_names(step.source.module)
        tables, others = (
            fresh_name(taken, "tables", "embedding_tables"),
            fresh_name(taken, "others", "other_parameters"),
        )
        before = statements(
            [
                "# decay shrinks all rows at every step, a gradient reaches the batch's items only: rare items would fade",
                f"{tables} = [part.weight for part in {module}.modules() if isinstance(part, {torch_name(step.source)}.nn.Embedding)]",
                f"{others} = [part for part in {module}.parameters() if all(part is not table for table in {tables})]",
            ]
        )
        groups = f'[{{"params": {tables}, "weight_decay": 0.0}}, {{"params": {others}}}]'
        first = step.call.args[0].with_changes(value=cst.parse_expression(groups))
        made = step.made.deep_replace(
            bare(step.call), step.call.with_changes(args=[first, *step.call.args[1:]])
        )
        lead = step.made.leading_lines
        before[0] = before[0].with_changes(leading_lines=[*lead, *before[0].leading_lines])
        made = cst.ensure_type(made, cst.SimpleStatementLine).with_changes(leading_lines=[])
        return RecipePatch(
            edits=tuple(rewrite(step.source, {step.made: [*before, made]})),
            note="Every other parameter keeps its decay.",
        )
