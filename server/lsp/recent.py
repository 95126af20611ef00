"""A dict that keeps the values used last, so that a client that asks about ever new files fills no memory."""

from collections import OrderedDict
from typing import TypeVar

T = TypeVar("T")


class Recent(OrderedDict[str, T]):
    """At most `most` values; the one that was used longest ago is dropped for a further one."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def get(self, key: str, default: T | None = None) -> T | None:  # type: ignore[override]
        """The value, which counts as used; the default if there is none."""
        if key not in self:
            return default
        self.move_to_end(key)
        return self[key]

    def __setitem__(self, key: str, value: T) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)
