"""Reads the data-flow graph of a trace (format: evolution/worker/guest/tracing.py)."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# Calls that use only the shape and device of their input, not its values: `upstream` stops at them.
SHAPE_ONLY = {
    "ones_like",
    "zeros_like",
    "full_like",
    "rand_like",
    "randn_like",
    "randint_like",
    "new_zeros",
    "new_ones",
}


class Flow:
    """The data-flow graph of a traced step.

    ops, parameters: as recorded.
    backward: indices of the `backward` calls made while training.
    """

    def __init__(self, trace: Mapping[str, Any]) -> None:
        self.ops: list[Mapping[str, Any]] = list(trace.get("ops", ()))
        self.parameters: list[Mapping[str, Any]] = list(trace.get("parameters", ()))
        self.backward = [
            i for i, op in enumerate(self.ops) if op["function"] == "backward" and op["phase"] == "train"
        ]
        self._consumers: dict[str, list[int]] = {}
        for index, op in enumerate(self.ops):
            for source in {s for slot in op["inputs"] for s in slot}:
                self._consumers.setdefault(source, []).append(index)

    def upstream(self, start: Iterable[int], depth: int = 1000) -> Iterator[int]:
        """Indices of the calls whose results flow into `start`, nearest first, `start` included."""
        yield from self._walk(start, self._sources, depth)

    def downstream(self, start: Iterable[int], depth: int = 1000) -> Iterator[int]:
        """Indices of the calls that use results of `start`, nearest first, `start` included."""
        yield from self._walk(start, lambda op: self._consumers.get(f"o{op}", []), depth)

    def consumers(self, source: str) -> list[int]:
        """Indices of the calls that take a node ("o3": result of call 3, "p1": parameter 1) as an argument."""
        return self._consumers.get(source, [])

    def slot(self, op: int, position: int) -> list[str]:
        """The nodes that a call's tensor argument at a position comes from; [] if the call has no such argument."""
        inputs = self.ops[op]["inputs"]
        return list(inputs[position]) if position < len(inputs) else []

    def _sources(self, op: int) -> list[int]:
        if self.ops[op]["function"] in SHAPE_ONLY:
            return []
        return [int(s[1:]) for slot in self.ops[op]["inputs"] for s in slot if s.startswith("o")]

    @staticmethod
    def _walk(start: Iterable[int], neighbours: Any, depth: int) -> Iterator[int]:
        queue = deque((op, 0) for op in start)
        seen = {op for op, _ in queue}
        while queue:
            op, distance = queue.popleft()
            yield op
            if distance < depth:
                for other in neighbours(op):
                    if other not in seen:
                        seen.add(other)
                        queue.append((other, distance + 1))
