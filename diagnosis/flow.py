"""Reads the data-flow graph of a trace (format: evolution/worker/guest/tracing.py)."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# The nodes of a tensor's surroundings rather than of its value; a flow is not followed into them.
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
    """ops and parameters as recorded; `backward` holds the indices of the backward calls."""

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
        """Indices of the calls that feed `start`, nearest first, `start` included."""
        yield from self._walk(start, self._sources, depth)

    def downstream(self, start: Iterable[int], depth: int = 1000) -> Iterator[int]:
        """Indices of the calls that use what `start` made, nearest first, `start` included."""
        yield from self._walk(start, lambda op: self._consumers.get(f"o{op}", []), depth)

    def consumers(self, source: str) -> list[int]:
        """The calls that take a node ("o3", "p1") as an argument."""
        return self._consumers.get(source, [])

    def slot(self, op: int, position: int) -> list[str]:
        """Where the tensor argument at a position came from."""
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
