"""Where in a kept step positions are mixed that should not be: the mask that lets them through, else the call that mixes."""

from __future__ import annotations

from typing import Any

import torch

from .step_kept import Call, KeptStep

MIXING = {
    "multi_head_attention_forward", "scaled_dot_product_attention", "conv1d", "conv2d", "gru", "lstm", "rnn_tanh", "rnn_relu",
    "fft_rfft", "fft_fft", "softmax", "flip", "cumsum",
}  # fmt: skip
MASKS = {
    "masked_fill",
    "masked_fill_",
    "add",
    "__add__",
    "__iadd__",
    "add_",
    "where",
    "__setitem__",
    "mul",
    "__mul__",
    "sub",
    "__sub__",
}
BLOCKED = -1e3  # of a number that is added to a logit
LAYS_OUT = {
    "repeat", "repeat_interleave", "expand", "expand_as", "unsqueeze", "view", "reshape", "to", "type", "bool", "float", "tile",
    "contiguous", "flatten", "squeeze", "type_as",
}  # fmt: skip


def mixing_places(step: KeptStep, first: Call, clean: set[int], width: int) -> list[Call]:
    """The calls to blame for a result that sees the future, best first.

    first: the call that gave it. clean: ids of results that do not see it. width: the number of positions.
    """
    region = _region(step, first, clean)
    mixing = [call for call in region if call.function in MIXING] or [first]
    call = mixing[0]
    if call.function == "softmax":
        return _of_weights(step, call, width)
    if "attention" in call.function:
        return _of_attention(step, call, width)
    padding = [one for one in region if one.function == "pad" and one.number < call.number]
    return [*padding, call]


def _region(step: KeptStep, first: Call, clean: set[int]) -> list[Call]:
    """The calls between the last clean results and `first`, in order."""
    found, todo = set(), [first.number]
    while todo:
        number = todo.pop()
        if number < 0 or number in found:
            continue
        found.add(number)
        call = step.calls[number]
        todo += [source for one, source in zip(call.inputs, call.sources) if id(one) not in clean]
    return [step.calls[number] for number in sorted(found)]


def _of_weights(step: KeptStep, softmax: Call, width: int) -> list[Call]:
    """Handwritten attention: the mask that does not cover what follows, or the call that applies it too mildly."""
    for call in reversed(step.upstream(softmax.inputs[0])):
        if call.function not in MASKS:
            continue
        for mask in call.inputs:
            if mask.requires_grad or not _is_square(mask, width):
                continue
            return [call] if _covers(mask) else _with_maker(step, mask, call)
    return [softmax]


def _of_attention(step: KeptStep, call: Call, width: int) -> list[Call]:
    """A library's attention: its mask, if it has one."""
    for mask in call.inputs:
        if not mask.requires_grad and _is_square(mask, width):
            return _with_maker(step, mask, call)
    return [call]


def _with_maker(step: KeptStep, mask: Any, taker: Call) -> list[Call]:
    maker = content_of(step, mask)
    return [taker] if maker is None else [maker, taker]


def content_of(step: KeptStep, mask: Any) -> Call | None:
    """The call that decided what a mask says, rather than how it is laid out; None where it comes from elsewhere."""
    call = step.maker(mask)
    while call is not None and call.function in LAYS_OUT and call.sources and call.sources[0] >= 0:
        call = step.calls[call.sources[0]]
    return call


def _is_square(tensor: Any, width: int) -> bool:
    return tensor.dim() >= 2 and tensor.shape[-1] == width and tensor.shape[-2] in (1, width)


def _covers(mask: Any) -> bool:
    """Whether a mask says something of every later position that it does not say of every earlier one."""
    if mask.shape[-2] == 1:
        return False
    plain = mask.reshape(-1, *mask.shape[-2:])
    later = torch.ones_like(plain[0], dtype=torch.bool).triu(1)
    if plain.dtype == torch.bool:
        return bool(plain[:, later].all()) or not bool(plain[:, later].any())
    return bool((plain[:, later] < BLOCKED).all()) or not bool(plain[:, later].any())
