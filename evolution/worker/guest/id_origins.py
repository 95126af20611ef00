"""Remembers of every tensor of whole numbers which lines made it, nearest first.

The trace joins all calls of one function at one line; where a line reshapes logits and classes, it cannot tell from
which the classes came. Here each tensor has its own chain.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

MOST = 16  # places in a chain
OF_ONE = 6  # places that come from a second argument


class IdOrigins:
    """Enter to see what numpy hands over as well (`from_numpy`, which torch shows to nobody).

    of_array: where an array of numpy's was made, as ArrayBirths tells. on_line: the same of all arrays that the line at
    work names.
    """

    def __init__(
        self,
        here: Callable[[], tuple[str, int, str] | None],
        of_array: Callable[[Any], list[list[Any]]] = lambda array: [],
        on_line: Callable[[], list[list[Any]]] = list,
    ) -> None:
        self._here, self._of_array, self._on_line = here, of_array, on_line
        self._chains: dict[int, tuple[Any, tuple[tuple[str, int, str], ...]]] = {}
        self._from_numpy: Any = None

    def __enter__(self) -> IdOrigins:
        original = self._from_numpy = torch.from_numpy

        def from_numpy(array: Any) -> Any:
            made = original(array)
            self.note("from_numpy", (array,), {}, made)
            return made

        torch.from_numpy = from_numpy
        return self

    def __exit__(self, *_: Any) -> None:
        torch.from_numpy = self._from_numpy

    def note(self, function: str, args: Any, kwargs: dict[str, Any], out: Any) -> None:
        """Remember a call's results, if they are whole numbers."""
        results = [one for one in (out if isinstance(out, (tuple, list)) else (out,)) if _is_ids(one)]
        if not results:
            return
        place = self._here()
        if place is None:
            return
        before = [self.of(one) or _places(self._on_line()) for one in _ids_in((args, kwargs))]
        before += [_places(self._of_array(one)) for one in _arrays_in(args)]
        row = function == "__getitem__" and isinstance(args[1], (int, np.integer))
        chain = _joined((place[0], place[1], "select" if row else function), before)
        for one in results:
            self._chains[id(one)] = (weakref.ref(one), chain)

    def of(self, tensor: Any) -> tuple[tuple[str, int, str], ...]:
        """(path, line, function) of the calls that made a tensor, nearest first; () if it is not known."""
        known = self._chains.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else _places(self._of_array(tensor))


def _places(chain: list[list[Any]]) -> tuple[tuple[str, int, str], ...]:
    return tuple((str(path), int(line), str(does)) for path, line, does in chain)


def _joined(
    own: tuple[str, int, str], before: list[tuple[tuple[str, int, str], ...]]
) -> tuple[tuple[str, int, str], ...]:
    parts = [own]
    for chain in sorted(before, key=len, reverse=True)[:1]:
        parts += chain[: MOST - OF_ONE]
    for chain in sorted(before, key=len, reverse=True)[1:3]:
        parts += chain[:OF_ONE]
    return tuple(dict.fromkeys(parts))[:MOST]


def _is_ids(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and not (
        value.is_floating_point() or value.is_complex() or value.dtype == torch.bool
    )


def _arrays_in(value: Any, depth: int = 2) -> list[Any]:
    if isinstance(value, np.ndarray):
        return [value] if value.dtype.kind in "iu" else []
    if type(value) is list and value and isinstance(value[0], int):
        return [value]
    if depth and isinstance(value, (list, tuple)):
        return [one for part in value[:OF_ONE] for one in _arrays_in(part, depth - 1)]
    return []


def _ids_in(value: Any, depth: int = 3) -> list[Any]:
    if _is_ids(value):
        return [value]
    if depth and isinstance(value, dict):
        value = list(value.values())
    if depth and isinstance(value, (list, tuple)):
        return [one for part in value for one in _ids_in(part, depth - 1)]
    return []
