"""Tells how many of several patches are measured, and the best verified gain among them, while they are tried side by side."""

import threading
from collections.abc import Callable, Sequence

from evolution.domain.job import EventType
from evolution.domain.proposal import Proposal, Verified
from evolution.laboratory.candidates import Candidate
from evolution.laboratory.context import EventLog


class Tally:
    """Counts the patches of one race as they are measured. Several threads may share it.

    earlier: proposals that were measured before and count among the best.
    """

    def __init__(self, events: EventLog, total: int, earlier: Sequence[Proposal] = ()) -> None:
        self._events, self._total = events, total
        self._found = list(earlier)
        self._done = 0
        self._lock = threading.Lock()

    def counted(self, measure: Callable[[Candidate], Proposal]) -> Callable[[Candidate], Proposal]:
        """`measure`, which tells before the first patch and after each how far the race is."""
        self._tell()

        def work(candidate: Candidate) -> Proposal:
            proposal = measure(candidate)
            with self._lock:
                self._done += 1
                self._found.append(proposal)
            self._tell()
            return proposal

        return work

    def _tell(self) -> None:
        with self._lock:
            step = f"patch {min(self._done + 1, self._total)} of {self._total}{self._best()}"
            share = self._done / self._total if self._total else None
            each = 1 / self._total if self._total else 0.0
        self._events.emit(
            EventType.PROGRESS, step, step=step, trial="", fraction=share, each=each, left_s=None
        )

    def _best(self) -> str:
        gains = [
            one.effect.after / one.effect.before - 1
            for one in self._found
            if one.effect is not None and one.effect.before and one.verified is Verified.GAIN
        ]
        return f", best {100 * max(gains):+.0f} %" if gains else ""
