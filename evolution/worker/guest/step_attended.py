"""How much attention of a kept step goes to padding?

Zeros in front of a short history are no events. Where a softmax gives them weight, what a position is told depends on how much
room was left, even in batches that are always equally wide.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn import functional as F

from .epoch_streams import lookups
from .step_attention import MASKS, content_of
from .step_kept import Call, KeptStep

LEAST_ROWS, LEAST_PADDED = 4, 20  # rows with padding, padded places
SHARE = 0.01  # of the attention
PASSES = {
    "dropout",
    "to",
    "float",
    "half",
    "contiguous",
    "type_as",
    "clone",
    "view",
    "reshape",
    "transpose",
    "unsqueeze",
}
LIBRARY = ("scaled_dot_product_attention", "multi_head_attention_forward")


def attended(step: KeptStep, n_items: int) -> dict[str, Any]:
    """{"rows", "share", "places"}: rows with padding, the largest share of attention that padding gets in one of the step's
    attentions, and where that is. {} where no attention over padded histories was kept."""
    empty = _padded(step, n_items)
    if empty is None:
        return {}
    found = [
        (call, share) for call in step.upstream(step.loss) if (share := _share(step, call, empty)) is not None
    ]
    if not found:
        return {}
    rows = int(empty.any(1).sum())
    call, share = next(((c, s) for c, s in found if s > SHARE), found[0])
    where = _places(step, call, empty) if share > SHARE else []
    return {"rows": rows, "share": min(max(share, 0.0), 1.0), "places": [one.told() for one in where]}


def _padded(step: KeptStep, n_items: int) -> Any:
    """Which places of the histories put in are padding: bool (B, T); None where there are none."""
    for call in step.calls:
        for found in lookups(call.function, call.args, call.kwargs, n_items):
            ids = found.ids
            if found.kind != "index" or found.rows < n_items // 2 or ids.dim() != 2 or ids.shape[1] < 3:
                continue
            empty = ids <= 0
            short = empty.any(1) & ~empty.all(1)
            at_an_end = (empty[:, 0] | empty[:, -1])[short].all()
            if int(short.sum()) >= LEAST_ROWS and int(empty[short].sum()) >= LEAST_PADDED and bool(at_an_end):
                return empty
    return None


def _share(step: KeptStep, call: Call, empty: Any) -> float | None:
    """The mean share of a call's attention that padding gets from real places; None where the call is no attention over them."""
    with torch.no_grad():
        weights = _weights(step, call, empty.shape[1])
        if weights is None or weights.numel() == 0 or weights.shape[0] % len(empty):
            return None
        return min((_of_rows(laid, empty) for laid in _layouts(weights, len(empty))), default=None)


def _of_rows(weights: Any, empty: Any) -> float:
    """weights: (B, heads, Q, T)."""
    on_padding = (weights * empty[:, None, None, :]).sum(-1).mean(1)  # (B, Q)
    asking = ~empty if weights.shape[2] == empty.shape[1] else torch.ones_like(on_padding, dtype=torch.bool)
    asking = asking & (empty.any(1) & ~empty.all(1))[:, None]
    return float(on_padding[asking].mean()) if bool(asking.any()) else 0.0


def _layouts(weights: Any, rows: int) -> Iterator[Any]:
    """(B, heads, Q, T) of (B * heads, Q, T), heads within rows and rows within heads."""
    heads = weights.shape[0] // rows
    yield weights.reshape(rows, heads, *weights.shape[1:])
    if heads > 1:
        yield weights.reshape(heads, rows, *weights.shape[1:]).transpose(0, 1)


def _weights(step: KeptStep, call: Call, width: int) -> Any:
    """The attention that a call gives: (B * heads, Q, T); None where it gives none, or none that is final."""
    if call.function == "softmax":
        return _of_softmax(step, call, width)
    if call.function == "multi_head_attention_forward":
        return _of_heads(call)
    if call.function == "scaled_dot_product_attention":
        return _of_fused(call)
    return None


def _of_softmax(step: KeptStep, call: Call, width: int) -> Any:
    out = call.outputs[0].detach()
    axis = call.kwargs.get("dim", call.args[1] if len(call.args) > 1 else None)
    if not isinstance(axis, int) or out.dim() < 2 or out.shape[axis] != width or _is_masked_later(step, call):
        return None
    axis %= out.dim()
    if axis != out.dim() - 1 and out.shape[-1] == width:
        return None  # the wrong axis is another defect
    out = out.movedim(axis, -1)
    out = out[:, None] if out.dim() == 2 else out
    return out.reshape(-1, *out.shape[-2:])


def _is_masked_later(step: KeptStep, call: Call) -> bool:
    """Whether the weights are multiplied by something without a gradient, as a mask is, before they weigh anything."""
    todo, seen = list(call.outputs), set()
    while todo:
        tensor = todo.pop()
        for user in step.users(tensor):
            if user.number in seen:
                continue
            seen.add(user.number)
            if user.function in PASSES:
                todo += user.outputs
            elif user.function in MASKS and not all(one.requires_grad for one in user.inputs):
                return True
    return False


def _of_heads(call: Call) -> Any:
    kwargs = {**call.kwargs, "need_weights": True, "average_attn_weights": False}
    (_, weights) = F.multi_head_attention_forward(*call.args, **kwargs)
    return None if weights is None or weights.dim() != 4 else weights.reshape(-1, *weights.shape[-2:])


def _of_fused(call: Call) -> Any:
    query, key = call.inputs[0], call.inputs[1]
    names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
    given = {**dict(zip(names, call.args)), **call.kwargs}
    if query.dim() < 3 or key.shape[:-2] != query.shape[:-2]:
        return None
    logits = query @ key.transpose(-1, -2) * (given.get("scale") or query.shape[-1] ** -0.5)
    mask = given.get("attn_mask")
    if given.get("is_causal"):
        later = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).triu(1)
        logits = logits.masked_fill(later, -torch.inf)
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else logits + mask
    return logits.softmax(-1).reshape(-1, *logits.shape[-2:])


def _places(step: KeptStep, call: Call, empty: Any) -> list[Call]:
    """The mask that should cover padding; where none is there that tells rows apart, the attention itself."""
    width = empty.shape[1]
    if call.function in LIBRARY:
        of_rows = [one for one in call.inputs if _is_mask(one, width) and one.shape[0] % len(empty) == 0]
        made = content_of(step, of_rows[0]) if of_rows else None
        return [made, call] if made is not None else [call]
    for one in reversed(step.upstream(call.inputs[0])):
        masks = [mask for mask in one.inputs if _is_mask(mask, width)] if one.function in MASKS else []
        if masks:
            made = content_of(step, masks[0])
            return [made, one] if made is not None else [one]
    return [call]


def _is_mask(tensor: Any, width: int) -> bool:
    return not tensor.requires_grad and tensor.dim() >= 2 and tensor.shape[-1] == width
