"""Decisions about evolved probes. Each is stored before the next step, so that a run started again decides the same."""

import hashlib
import time
from collections.abc import Sequence

from diagnosis.coevolution.spec import ProbeSpec
from evolution.base.errors import NotStored
from evolution.domain.job import EventType
from evolution.domain.probe import ProbeRecord, ProbeState
from evolution.laboratory.laboratory import Laboratory
from evolution.trials.sandbox import NO_SANDBOX_WARNING, sandbox_problem


class Decisions:
    """The stored decisions of a laboratory.

    A decision is identified by its probe and its basis: the ids of the trials and probes that it rests on.
    """

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory = laboratory

    def put(
        self, spec: ProbeSpec, state: ProbeState, trial: str, reason: str, sentence: str, basis: Sequence[str]
    ) -> ProbeRecord:
        """Store a decision and return its record.

        trial: id of the trial that users complain of.
        reason, sentence: why, as a code ("" if admitted) and in words.
        """
        problem = sandbox_problem()
        record = ProbeRecord(
            id=decision_id(spec, basis),
            spec=spec,
            state=state,
            trial=trial,
            reason=reason,
            sentence=sentence,
            created_at=time.time(),
            warnings=(NO_SANDBOX_WARNING,) if problem else (),
        )
        with self._laboratory.context.store_lock:
            self._laboratory.context.store.put_probe(record)
        return record

    def known(self, spec: ProbeSpec, basis: Sequence[str]) -> ProbeRecord | None:
        """The stored decision about a probe on this basis, or None."""
        with self._laboratory.context.store_lock:
            return self._laboratory.context.store.probe(decision_id(spec, basis))

    def may_run(self, what: str) -> None:
        """Raises NotStored in a replay, which may measure nothing new.

        what: what would have to be run, in words.
        """
        if self._laboratory.replays:
            raise NotStored(f"the replay needs {what} that is not in the store")

    def say(self, words: str) -> None:
        """Write a line to the job's log."""
        self._laboratory.context.events.emit(EventType.LOG, words)


def decision_id(spec: ProbeSpec, basis: Sequence[str]) -> str:
    """12 hex digits of a probe and the basis of the decision."""
    return hashlib.sha256("\0".join((spec.id, *basis)).encode()).hexdigest()[:12]
