"""Torch calls as steps for `comparing`: what went in and what came out of each, with the repo's line."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from .comparing_steps import Keeper
from .tracing_ops import _name, _tensors

# Calls that look at a tensor and make nothing of it.
LOOKS = {"shape", "device", "dtype", "requires_grad", "is_cuda", "ndim", "size", "dim", "data_ptr", "is_leaf"}


class OpSteps(TorchFunctionMode):
    """While entered, every torch call of the repo is a step."""

    def __init__(self, keeper: Keeper) -> None:
        super().__init__()
        self._keeper = keeper
        self._copies: dict[tuple[int, int], Any] = {}
        self._alive: list[Any] = []  # so that an identity is never used again

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        keywords = kwargs or {}
        name = _name(func)
        if name in LOOKS:
            return func(*args, **keywords)
        inputs = [self._copy(tensor) for tensor in _tensors((args, keywords))]
        arrays = [self._keeper.kept(value) for value in args if _is_array(value)]
        out = func(*args, **keywords)
        place = self._keeper.places.here()
        if place is not None:
            made = list(_tensors(args[:1] if name == "__setitem__" else out))
            outputs = [self._copy(tensor) for tensor in made]
            if outputs:
                self._keeper.add(place, name, [*inputs, *arrays], outputs)
        return out

    def _copy(self, tensor: Any) -> Any:
        """None for parameters, which are the same in both answers, and for what is too large."""
        if isinstance(tensor, torch.nn.Parameter) or tensor.layout is not torch.strided:
            return None
        key = (id(tensor), tensor._version if not tensor.is_inference() else len(self._alive))
        if key not in self._copies:
            plain = tensor.detach()
            if plain.dtype in (torch.bfloat16, torch.float16):
                plain = plain.float()
            self._copies[key] = self._keeper.kept(plain.cpu().numpy())
            self._alive.append(tensor)
        return self._copies[key]


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array_interface__") and getattr(value, "ndim", 0) > 0
