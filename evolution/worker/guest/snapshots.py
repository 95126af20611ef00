"""What hangs on a recommender at one moment, with copies of its arrays, so that a part can be put back as it was."""

from __future__ import annotations

from typing import Any

import numpy as np

from .carried_state import CONTAINERS, Part, _digest, _is_generator, _is_tensor, carried
from .tracing_frames import Places

MOST_BYTES = 128 << 20  # of copies
LEAST = 32  # elements of what may be a table


class Snapshot:
    """parts: by name. digests: by name. copies: float32 arrays of the tables among them, by name."""

    def __init__(self, model: Any, places: Places, *, copied: bool = False) -> None:
        self.parts: dict[str, Part] = {
            part.name: part for part in carried(model, places) if not _is_generator(part.value)
        }
        self.digests = {name: _digest(part.value) for name, part in self.parts.items()}
        self.copies: dict[str, Any] = {}
        room = MOST_BYTES
        for name, part in self.parts.items():
            if copied and is_table(part.value):
                array = as_array(part.value)
                room -= array.nbytes
                if room > 0:
                    self.copies[name] = array

    def held(self, name: str) -> Part | None:
        """The part, or the container around it, that an attribute or a dictionary holds under a key."""
        while name:
            part = self.parts.get(name)
            if part is not None and isinstance(part.holder, dict):
                return part
            name = name.rpartition("[")[0]
        return None

    def put_back(self, part: Part) -> None:
        """Make what is held under the part's key what it was when this was taken."""
        before = self.parts.get(part.name)
        if before is None:
            part.holder.pop(part.key, None)
        elif before.value is None:  # of a container that is there now, only that nothing was there is known
            part.holder[part.key] = None
        elif part.name in self.copies:
            write(part.now(), self.copies[part.name])
        elif not (is_table(part.value) and is_table(before.value)) and not isinstance(
            part.holder.get(part.key), CONTAINERS
        ):
            part.holder[part.key] = before.value


def is_table(value: Any) -> bool:
    """Whether it is an array of floats, large enough to be a part of a model."""
    if _is_tensor(value):
        return bool(value.is_floating_point() and not value.is_sparse and value.numel() >= LEAST)
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size >= LEAST


def as_array(value: Any) -> Any:
    """A copy as float32."""
    plain = value.detach().float().cpu().numpy() if _is_tensor(value) else value
    return np.array(plain, dtype=np.float32)


def write(value: Any, array: Any) -> None:
    """Give a tensor or array of the same shape these values, in place."""
    if _is_tensor(value):
        value.data.copy_(value.new_tensor(array).reshape(value.shape))
    elif isinstance(value, np.ndarray):
        value[...] = array
