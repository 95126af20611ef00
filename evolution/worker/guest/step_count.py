"""How many steps the program's optimizers take: a counter beside them, which changes nothing that they compute."""

from __future__ import annotations

import contextlib
import sys
from typing import Any


class StepCount:
    """Counts steps of torch optimizers from `start` on. Where torch is absent or too old to tell, it stays at 0."""

    def __init__(self) -> None:
        self._counted: dict[int, int] = {}  # id of an optimizer -> steps since `taken` was asked last
        self._hooked = False

    def start(self) -> None:
        """Begin to count, once; without effect before the program has imported torch."""
        module: Any = sys.modules.get("torch.optim.optimizer")
        if self._hooked or module is None:
            return
        with contextlib.suppress(
            Exception
        ):  # an old torch has no such hook, a program may have put another in its place
            module.register_optimizer_step_post_hook(self._count)
            self._hooked = True

    def taken(self) -> int:
        """Steps of the busiest optimizer since this was asked last: two that take turns train in the same steps."""
        most = max(self._counted.values(), default=0)
        self._counted.clear()
        return most

    def _count(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self._counted[id(optimizer)] = self._counted.get(id(optimizer), 0) + 1
