"""Recipe: item dropout, which hides single events of a history at random while training."""

from dataclasses import dataclass

import libcst as cst

from evolution.base.amounts import percent
from evolution.recipes.code import (
    argument,
    bare,
    call_name,
    dotted,
    parse_all,
    rewrite,
    statements,
    torch_name,
)
from evolution.recipes.inner_product import embedding_call
from evolution.recipes.pair_loss import PairLoss, find_pair_loss
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch

RATE = 0.1


@dataclass(frozen=True, kw_only=True)
class ItemDropout:
    """Replaces random ids of the model's input by padding in the training step."""

    code: str = "item-dropout"
    title: str = f"Hide {percent(RATE)} of the events of each history"
    rationale: str = (
        "A model that always sees the whole history leans on few strong events; with some of them hidden at random it "
        "has to use the rest."
    )
    techniques: tuple[str, ...] = ("bert4rec", "cl4srec")
    triggers: frozenset[str] = frozenset(
        {*WEAKER, "overconfidence", "popularity-bias", "overused-category", "missed-variety"}
    )
    promise: float = 0.4

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if there is no padding row, or if histories do not reach the model as one named tensor."""
        loss = find_pair_loss(context)
        if not loss.padded:
            raise DoesNotFit("the item table has no padding row to hide an event with")
        line, call = _encoding(loss, context)
        ids = call.args[0].value
        code = loss.source.code(ids)
        if not dotted(ids) or loss.source.code(call.func).rpartition(".")[2] == "":
            raise DoesNotFit(f"the model's input `{code}` has no name")
        torch, kept = torch_name(loss.source), loss.name("kept", "kept_events")
        new = statements(
            [
                "# hide single events, so that the model does not lean on a few of them",
                f"{kept} = {torch}.rand({code}.shape, device={code}.device) >= {RATE}  # (B, T)",
            ]
        )
        new[0] = new[0].with_changes(leading_lines=[*line.leading_lines, *new[0].leading_lines])
        hidden = call.args[0].with_changes(value=cst.parse_expression(f"{code} * {kept}"))
        changed = line.deep_replace(call, call.with_changes(args=[hidden, *call.args[1:]]))
        changed = cst.ensure_type(changed, cst.SimpleStatementLine).with_changes(leading_lines=[])
        return RecipePatch(
            edits=tuple(rewrite(loss.source, {line: [*new, changed]})), note="Scoring sees whole histories."
        )


def _encoding(loss: PairLoss, context: RecipeContext) -> tuple[cst.SimpleStatementLine, cst.Call]:
    """The statement and call that turn histories into hidden states. Raises DoesNotFit if there is no such call."""
    binding = (
        loss.scope.before(loss.hidden, loss.source.line(loss.gone[0])) if loss.hidden.isidentifier() else None
    )
    value = bare(binding.value) if binding else None
    if binding is None or not isinstance(value, cst.Call) or not value.args or binding.index >= 0:
        raise DoesNotFit("hidden states are not made by one call where the loss is computed")
    if embedding_call(value, parse_all(context)) is not None or loss.flat:
        raise DoesNotFit("the model has no history to hide events of")
    if argument(value, "", 0) is None:
        raise DoesNotFit("the model is not called with the history first")
    name = call_name(value)
    takes_arrays = any(
        call_name(call) in ("LongTensor", "from_numpy", "as_tensor", "tensor")
        for source in parse_all(context)
        for function in source.functions()
        if function.name.value in (name, "forward")
        for call in source.all_of(cst.Call, function)
    )
    if takes_arrays:
        raise DoesNotFit("histories reach the model as arrays, not as tensors")
    return binding.statement, value
