"""Scoring of rows that a kept step is about, in the same state, with every call that makes the scores."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from .step_kept import CallKeeper, KeptStep
from .step_rows import Asked
from .tracing_frames import Places
from .tracing_ops import _name, _tensors

Key = tuple[tuple[str, int, str], str, int]  # place and name of a call, and which of its inputs
KEEPING_ORDER = {
    "sigmoid",
    "softmax",
    "log_softmax",
    "tanh",
    "exp",
    "log",
    "logsigmoid",
    "softplus",
    "detach",
    "cpu",
    "float",
}
# Calls that put vectors elsewhere and leave them as long as they are.
PLACING = {
    "t",
    "T",
    "mT",
    "transpose",
    "permute",
    "__getitem__",
    "index_select",
    "unsqueeze",
    "squeeze",
    "contiguous",
    "view",
    "reshape",
    "detach",
}


class ServedStep(KeptStep):
    """around: number of a call -> its frames in the repo, innermost first."""

    def __init__(self) -> None:
        super().__init__()
        self.around: dict[int, list[Any]] = {}


class ServedKeeper(CallKeeper):
    """While entered, calls are kept with the frames around them.

    instead: what calls are given in place of their own input.
    """

    step: ServedStep

    def __init__(self, places: Places, instead: Mapping[Key, Any]) -> None:
        super().__init__(places)
        self.step, self._instead = ServedStep(), instead

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        place = self._places.here() if self._instead else None
        if place is None:
            return super().__torch_function__(func, types, args, kwargs)
        exchanged = {
            id(own): self._instead[key]
            for position, own in enumerate(_tensors((args, kwargs or {})))
            if (key := (place, _name(func), position)) in self._instead
            and self._instead[key].shape == own.shape
        }
        return super().__torch_function__(
            func, types, _exchanged(args, exchanged), _exchanged(kwargs, exchanged)
        )

    def _keep(
        self, name: str, place: tuple[str, int, str], args: Any, kwargs: dict[str, Any], out: Any
    ) -> None:
        before = len(self.step.calls)
        super()._keep(name, place, args, kwargs, out)
        if len(self.step.calls) > before:
            self.step.around[before] = self._places.around()


def _exchanged(value: Any, exchanged: Mapping[int, Any], depth: int = 4) -> Any:
    if isinstance(value, torch.Tensor):
        return exchanged.get(id(value), value)
    if depth and type(value) in (list, tuple):
        return type(value)(_exchanged(part, exchanged, depth - 1) for part in value)
    if depth and type(value) is dict:
        return {name: _exchanged(part, exchanged, depth - 1) for name, part in value.items()}
    return value


def scored_rows(
    candidate: Any, asked: Asked, places: Places, instead: Mapping[Key, Any] = MappingProxyType({})
) -> tuple[ServedStep | None, Any]:
    """The calls of scoring these rows, and the scores (R, n_items + 1); None where none of them makes as many numbers.

    instead: what calls are given in place of an input of their own, of the same shape.
    """
    keeper = ServedKeeper(places, instead)
    with candidate.at_rest(0):
        with keeper, places.below(sys._getframe()):
            answer = candidate.model.score(asked.users, asked.histories)
        plain = _plain(answer)
    width = plain.shape[-1]
    ends = [
        one
        for call in keeper.step.calls
        for one in call.outputs
        if one.dim() and one.shape[-1] in (width, width - 1)
    ]
    if plain.ndim != 2 or not ends:
        return None, plain
    keeper.step.loss = answer if isinstance(answer, torch.Tensor) and keeper.step.maker(answer) else ends[-1]
    return keeper.step, _before_squashing(keeper.step, plain)


def _plain(answer: Any) -> Any:
    if isinstance(answer, torch.Tensor):
        return answer.detach().float().cpu().numpy()
    return np.asarray(answer, np.float32)


def _before_squashing(scored: KeptStep, plain: Any) -> Any:
    """The scores as they were before a sigmoid or a softmax, which keep their order."""
    tensor, call = scored.loss, scored.maker(scored.loss)
    while call is not None and call.function in KEEPING_ORDER:
        tensor = call.inputs[0]
        call = scored.maker(tensor)
    return _plain(tensor) if tuple(tensor.shape) == plain.shape else plain


def unplaced(step: KeptStep, tensor: Any) -> Any:
    """What a tensor was before it was only turned, cut or laid out anew."""
    call = step.maker(tensor)
    while call is not None and call.function in PLACING and call.inputs:
        tensor = call.inputs[0]
        call = step.maker(tensor)
    return tensor
