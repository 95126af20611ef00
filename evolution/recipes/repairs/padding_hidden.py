"""Repair of attention that padding gets: the mask of what lies ahead hides padding as well.

A mask of keys alone would leave the rows of padded places without any place to attend to, and their softmax would be NaN; so each
place keeps itself.
"""

import libcst as cst

from evolution.recipes.code import (
    RecipeFile,
    argument,
    bare,
    fresh_name,
    loaded_names,
    statements,
    torch_name,
)
from evolution.recipes.flow import Scope, parameters
from evolution.recipes.inner_product import embedding_call
from evolution.recipes.repairs.repair import Changes, Place, Repair, with_argument

EMPTY = (cst.Equal, cst.NotEqual, cst.GreaterThan)  # how histories are compared with padding


def _hidden(place: Place) -> Changes:
    call = place.only(cst.Call, lambda node: argument(node, "attn_mask") is not None and len(node.args) >= 4)
    function = place.function()
    if call is None or function is None or argument(call, "key_padding_mask") is not None:
        return {}
    mask = argument(call, "attn_mask")
    ids, padding = _histories(place, function)
    scope = Scope(place.source, function)
    made = scope.before(mask.value, place.source.line(call)) if isinstance(mask, cst.Name) else None
    if (
        not ids
        or made is None
        or mask is None
        or made.index >= 0
        or not _is_boolean(place.source, made.value)
    ):
        return {}
    torch, name = torch_name(place.source), made.name
    empty = fresh_name(loaded_names(function), "empty", "padded")
    eye = f"{torch}.eye(len({name}), dtype={torch}.bool, device={name}.device)"
    new = statements(
        [
            "# padding is hidden too; each place keeps itself, as the softmax of a row without any would be NaN",
            f"{empty} = {torch}.as_tensor({ids} == {padding}, device={name}.device)[:, None, :]  # (B, 1, T)",
            f"{name} = {name} | ({empty} & ~{eye})  # (B, T, T)",
        ]
    )
    heads = f"{name}.repeat_interleave({place.source.code(call.func)}.num_heads, 0)"
    return {
        made.statement: [made.statement, *new],
        call: [with_argument(call, "attn_mask", heads, mask)],
    }


def _is_boolean(source: RecipeFile, value: cst.BaseExpression) -> bool:
    code = source.code(value)
    return "torch.bool" in code or code.endswith(".bool()") or isinstance(bare(value), cst.Comparison)


def _histories(place: Place, function: cst.FunctionDef) -> tuple[str, str]:
    """(parameter that holds ids (B, T), code of the padding id): what is looked up, and compared with padding or 0 is padding."""
    source, given = place.source, set(parameters(function)) - {"self"}
    calls = (embedding_call(call, place.sources) for call in source.all_of(cst.Call, function))
    lookups = [found for found in calls if found is not None]
    looked_up = {name for found in lookups for name in loaded_names(found.ids) & given}
    for node in source.all_of(cst.Comparison, function):
        left, one = bare(node.left), node.comparisons[0]
        if isinstance(left, cst.Name) and left.value in looked_up and isinstance(one.operator, EMPTY):
            return left.value, source.code(one.comparator)
    padded = sorted({name for found in lookups if found.padded for name in loaded_names(found.ids) & given})
    return (padded[0], "0") if len(padded) == 1 else ("", "")


PADDING_HIDDEN = Repair(
    code="hide-padding",
    title="Hide padding from attention",
    rationale="Padding in front of a short history takes attention from its events.",
    triggers=frozenset({"padding-attended"}),
    needs="a call of MultiheadAttention with a boolean mask that the same function makes, and its ids,",
    note="Only histories shorter than the window change.",
    mend=_hidden,
)
