"""Runs evolved probes: each in an analyst process of its own, which is killed when it breaks a limit.

A probe can spoil no measurement but its own: built-in probes run in another process, and the values of each are
judged here, outside of any process that ran candidate code.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diagnosis.coevolution.rejection import ProbeFailed, Reason, Rejection
from diagnosis.coevolution.sampled_users import sampled_places
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.coevolution.subjects import reference_rankings
from diagnosis.coevolution.view import Float64, Int64
from evolution.base import serial
from evolution.base.errors import Cancelled
from evolution.base.kept import kept_folder
from evolution.base.versions import version_of
from evolution.domain.trial import Failure, FailureReason
from evolution.trials.analysis import AnalysisError, analyst
from evolution.trials.data import TrialData
from evolution.trials.process import TrialFailed
from evolution.trials.request import GIB, Limits

PROGRAM = "evolution.analyst.probe_process"
PATIENCE_S = 120.0  # to start, read the evidence and make the subjects, on a busy machine
_KILLED_FOR_TIME = ("SIGPROF", "SIGALRM", "SIGVTALRM", "SIGXCPU")
_RANKED_BY = ("diagnosis", "seeds/references", "seeds/metrics", "evolution/coevolution/probe_runner.py")
_KILLED_BY_OTHERS = ("SIGTERM", "SIGHUP", "SIGINT")


@dataclass(frozen=True, kw_only=True)
class ProbeBudget:
    """Of one call, on one view of at most 4 million scores: processor time, and memory beyond the evidence."""

    time_s: float = 2.0
    memory_bytes: int = GIB // 2


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialSubjects:
    """What one trial offers to probes. names: subjects. users: int64 (S,). known: code of a built-in probe ->
    subject -> value, {} where it was not asked for."""

    names: tuple[str, ...]
    users: Int64
    known: Mapping[str, Mapping[str, float]]


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class ProbeRunner:
    """Runs probes on the trials of a repo. data: that the trials were trained on."""

    data: TrialData
    budget: ProbeBudget = ProbeBudget()
    cancelled: Callable[[], bool] = _never

    def subjects(self, trial_folder: Path, *, measured: bool) -> TrialSubjects:
        """Raises AnalysisError, Cancelled. measured: whether the built-in probes measure every subject."""
        answer = self._asked(trial_folder, 0, "subjects", 600.0, measured=measured)
        return TrialSubjects(
            names=tuple(answer["names"]),
            users=np.array(answer["users"], dtype=np.int64),
            known=answer["known"],
        )

    def run(
        self, spec: ProbeSpec, subjects: Sequence[str], trial_folder: Path, *, seed: int = 0, state: int = 0
    ) -> dict[str, Float64]:
        """The probe's values. Raises ProbeFailed, Cancelled.

        A process that somebody else has ended says nothing of the probe: it is started once more.
        """
        try:
            return self._run(spec, subjects, trial_folder, seed, state)
        except _EndedByOthers:
            return self._run(spec, subjects, trial_folder, seed, state)

    def _run(
        self, spec: ProbeSpec, subjects: Sequence[str], trial_folder: Path, seed: int, state: int
    ) -> dict[str, Float64]:
        patience = PATIENCE_S + 20 * self.budget.time_s
        try:
            answer = self._asked(
                trial_folder,
                state,
                "probe",
                patience,
                spec=serial.plain(spec),
                names=list(subjects),
                seed=seed,
                state=state,
                budget=asdict(self.budget),
            )
        except TrialFailed as failed:
            raise _explained(failed.failure, self.budget) from failed
        if "rejection" in answer:
            rejection = serial.load(Rejection, answer["rejection"])
            raise ProbeFailed(rejection.reason, rejection.sentence)
        return {name: np.array(values, dtype=np.float64) for name, values in answer["values"].items()}

    def _asked(
        self, trial_folder: Path, hash_seed: int, wanted: str, timeout_s: float, **arguments: Any
    ) -> dict[str, Any]:
        limits = Limits(timeout_s=timeout_s, memory_bytes=4 * GIB + self.budget.memory_bytes, processes=64)
        mounted = {"rankings": rankings_folder(self.data)}
        process, place = analyst(
            trial_folder,
            self.data,
            program=PROGRAM,
            limits=limits,
            cancelled=self.cancelled,
            more=mounted,
            hash_seed=hash_seed,
        )
        try:
            with process:
                return process.ask(wanted, folder=str(place), **arguments)
        except TrialFailed as failed:
            if failed.failure.reason is FailureReason.CANCELLED:
                raise Cancelled("cancelled") from failed
            if wanted == "subjects":
                raise AnalysisError(
                    f"the trial could not be opened for probes: {failed.failure.message}"
                ) from failed
            raise


class _EndedByOthers(ProbeFailed):
    """By a signal that a probe, which has neither `os` nor `signal`, cannot send itself."""


def _explained(failure: Failure, budget: ProbeBudget) -> ProbeFailed:
    """Why the process of a probe ended, in a probe author's words."""
    if failure.reason is FailureReason.TIMEOUT or any(name in failure.message for name in _KILLED_FOR_TIME):
        words = f"one call did not end within twice its budget of {budget.time_s:g} s, and was killed"
        return ProbeFailed(Reason.TIME, words)
    if failure.reason is FailureReason.OUT_OF_MEMORY:
        return ProbeFailed(Reason.MEMORY, failure.message)
    if any(name in failure.message for name in _KILLED_BY_OTHERS):
        return _EndedByOthers(Reason.RAISED, f"its process was ended twice: {failure.message}")
    return ProbeFailed(Reason.RAISED, f"its process ended: {failure.message[-500:]}")


def rankings_folder(data: TrialData) -> Path:
    """Dense scores of the reference rankers for the users that probes look at; made on first use."""
    return kept_folder(
        data.folder / f"rankings-{version_of(*_RANKED_BY)}", lambda draft: _write_rankings(data, draft)
    )


def _write_rankings(data: TrialData, draft: Path) -> None:
    rows = data.sample[sampled_places(len(data.sample), data.training.n_items)].astype(np.int64)
    for name, ranking in reference_rankings(data.training, data.validation, rows).items():
        np.save(draft / f"{name}.npy", np.asarray(ranking.scores, np.float32))
        np.save(draft / f"{name}.shuffled.npy", np.asarray(ranking.shuffled, np.float32))
