"""Records the steps of one answer for `comparing`: torch calls with their tensors, or lines with the arrays they made."""

from __future__ import annotations

import dis
import sys
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np

from .comparing import Alignment, Step
from .tracing_frames import Limit, Places, StopTracing

LARGEST = 8 << 20  # bytes of an array that is kept
MOST_BYTES = 256 << 20  # of all arrays of one answer
MOST_STEPS = 4000


class Keeper:
    """Copies arrays as long as there is room. Raises StopTracing once too many steps are kept."""

    def __init__(self, places: Places, limit: Limit) -> None:
        self.steps: list[Step] = []
        self.places, self._limit, self._bytes = places, limit, 0

    def kept(self, array: Any) -> Any:
        if array.nbytes > LARGEST or self._bytes + array.nbytes > MOST_BYTES:
            return None
        self._bytes += array.nbytes
        return np.array(array)

    def add(self, place: tuple[str, int, str], function: str, inputs: list[Any], outputs: list[Any]) -> None:
        if len(self.steps) >= MOST_STEPS or self._limit.reached():
            raise StopTracing
        self.steps.append(Step(place, function, inputs, outputs))


def steps_of(score: Any, users: Any, histories: Any, places: Places, limit: Limit) -> list[Step]:
    """The steps of `score(users, histories)`, at least those until a limit was reached."""
    keeper = Keeper(places, limit)
    with ExitStack() as stack:
        if "torch" in sys.modules:
            from .comparing_ops import OpSteps

            stack.enter_context(OpSteps(keeper))
        stack.enter_context(LineSteps(keeper))
        with suppress(StopTracing):
            score(users, histories)
    return keeper.steps


def steps_compared(
    candidate: Any, batches: list[Any], rows: Any, seeds: list[int], root: str, seconds: float
) -> tuple[list[Step], list[Step], Alignment]:
    """What `comparing` compares, of two batches (users, histories). rows: int64 (2, n), those that belong together."""
    places, both = Places(root), []
    for (users, histories), seed in zip(batches, seeds):
        with candidate.at_rest(seed):
            both.append(steps_of(candidate.model.score, users, histories, places, Limit(seconds / 2)))
    shapes = [histories.shape for _, histories in batches]
    return both[0], both[1], Alignment(rows[0], rows[1], shapes[0], shapes[1])


class LineSteps:
    """While entered, each executed line of the repo is a step: the local arrays that it reads, those that it makes, and what
    it returns."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._reads: dict[Any, dict[int, set[str]]] = {}
        self._before: Any = None

    def __enter__(self) -> LineSteps:
        self._before = sys.gettrace()
        sys.settrace(self._on_call)
        return self

    def __exit__(self, *exception: Any) -> None:
        sys.settrace(self._before)

    def _on_call(self, frame: Any, event: str, argument: Any) -> Any:
        path = self._keeper.places.path(frame.f_code.co_filename)
        if path is None:
            return None
        return _Frame(self._keeper, path, self._reads_of(frame.f_code)).trace

    def _reads_of(self, code: Any) -> dict[int, set[str]]:
        """line -> names of local variables that it loads."""
        if code not in self._reads:
            reads: dict[int, set[str]] = {}
            line = code.co_firstlineno
            for instruction in dis.get_instructions(code):
                position = getattr(instruction, "positions", None)
                starts = getattr(instruction, "starts_line", None)
                if position is not None and position.lineno:
                    line = position.lineno
                elif isinstance(starts, int) and not isinstance(starts, bool):
                    line = starts
                if instruction.opname.startswith("LOAD"):
                    names = instruction.argval
                    reads.setdefault(line, set()).update(
                        name
                        for name in (names if isinstance(names, tuple) else (names,))
                        if isinstance(name, str)
                    )
            self._reads[code] = reads
        return self._reads[code]


class _Frame:
    """One call of a function of the repo. held: name -> (the array itself, its copy)."""

    def __init__(self, keeper: Keeper, path: str, reads: dict[int, set[str]]) -> None:
        self._keeper, self._path, self._reads = keeper, path, reads
        self._line = 0
        self._held: dict[str, tuple[Any, Any]] = {}

    def trace(self, frame: Any, event: str, argument: Any) -> Any:
        if event == "line":
            self._finish(frame, [])
            self._line = frame.f_lineno
        elif event == "return":
            returned = [array for array in [_as_array(argument)] if array is not None]
            self._finish(frame, [self._keeper.kept(array) for array in returned])
        return self.trace

    def _finish(self, frame: Any, returned: list[Any]) -> None:
        before = dict(self._held)
        made = self._look(frame.f_locals)
        if not self._line:
            return
        outputs = [*made.values(), *returned]
        if outputs:
            read = self._reads.get(self._line, set())
            inputs = [copy for name, (_, copy) in before.items() if name in read]
            self._keeper.add((self._path, self._line, frame.f_code.co_name), "", inputs, outputs)

    def _look(self, variables: dict[str, Any]) -> dict[str, Any]:
        """name -> copy, of the arrays that are new or other than before."""
        made: dict[str, Any] = {}
        for name, value in variables.items():
            array = _as_array(value)
            if array is None:
                continue
            known = self._held.get(name)
            if known is not None and known[0] is value and _equal(known[1], array):
                continue
            copy = self._keeper.kept(array)
            self._held[name] = (value, copy)
            made[name] = copy
        return made


def _as_array(value: Any) -> Any:
    """The value as a numeric numpy array of one dimension or more, None where it is no such thing."""
    if isinstance(value, np.ndarray):
        return value if value.ndim and value.dtype.kind in "biuf" else None
    return None


def _equal(copy: Any, array: Any) -> bool:
    return copy is None or (copy.shape == array.shape and bool((copy == array).all()))
