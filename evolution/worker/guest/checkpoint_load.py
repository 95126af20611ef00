"""Puts a checkpoint into a recommender that was just built, and looks whether it took what the file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .checkpoint_file import read_checkpoint
from .checkpoint_fit import fitted_state, is_array, leaves
from .failures import ContractBroken

if TYPE_CHECKING:
    from .recommender import CheckedRecommender

NAMED = 3
HALF = 4e-3  # a bfloat16 has 8 bits


def load_checkpoint(candidate: CheckedRecommender, path: str) -> str:
    """The prefix under which the file has the state, "" for none. Raises ContractBroken, or what load_state_dict() raises."""
    if not candidate.has_state():
        raise ContractBroken(
            "a checkpoint cannot be put into this recommender: it has no state_dict() and load_state_dict(), and holds no "
            "torch module; offer both, or keep the module as an attribute"
        )
    own, load = _state_of(candidate)
    state, prefix = fitted_state(read_checkpoint(path), own)
    load(state)
    _check_taken(state, own, _state_of(candidate)[0])
    return prefix


def _state_of(candidate: CheckedRecommender) -> tuple[Any, Any]:
    """A copy of the state, and the function that takes one. A module within another one is told once."""
    if callable(getattr(candidate.model, "state_dict", None)):
        return candidate.state(), candidate.load
    outer = _outermost(candidate.modules())
    state = {name: whole for name, whole in candidate.state().items() if name in outer}

    def load(given: Any) -> None:
        for name, module in outer.items():
            module.load_state_dict(given[name])

    return state, load


def _outermost(modules: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    seen: set[int] = set()
    for name, module in sorted(modules.items(), key=lambda named: -len(list(named[1].modules()))):
        held = {id(value) for value in [*module.parameters(), *module.buffers()]}
        if not held <= seen:
            kept[name] = module
        seen |= held
    return kept


def _check_taken(given: Any, before: Any, after: Any) -> None:
    """Raises ContractBroken where a value of the file was not taken over, so that it would not be what is measured."""
    first, then = (dict(leaves(state)) for state in (before, after))
    left = [
        name
        for name, value in leaves(given)
        if is_array(value)
        and name in then
        and not _alike(value, then[name])
        and _alike(then[name], first.get(name))
    ]
    if left:
        more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
        raise ContractBroken(
            f"load_state_dict() left {', '.join(left[:NAMED])}{more} as build() made them; expected the values of the checkpoint"
        )


def _alike(one: Any, other: Any) -> bool:
    """Whether two tensors or arrays are equal but for the digits that a shorter float has."""
    if not (is_array(one) and is_array(other)) or tuple(one.shape) != tuple(other.shape):
        return False
    first, second = (_floats(value) for value in (one, other))
    return bool(np.allclose(first, second, rtol=HALF, atol=1e-6, equal_nan=True))


def _floats(value: Any) -> np.ndarray:
    if hasattr(value, "detach"):
        value = value.detach().cpu().double().numpy()
    return np.asarray(value, dtype=np.float64)
