"""Runs evolved probes, each in an analyst process of its own, which is killed when it breaks a limit.

So a probe cannot spoil other measurements: built-in probes run in another process, and a probe's values are judged
here, outside of any process that ran candidate code.
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
from evolution.trials.analysis import AnalysisError, analyst, sensible
from evolution.trials.data import TrialData
from evolution.trials.failing import FAULTS_OF_DATA, TrialFailed
from evolution.trials.request import GIB, WorkerLimits

PROGRAM = "evolution.analyst.probe_process"
USER_PROGRAM = "evolution.analyst.user_probe_process"
HANG_AFTER_S = 90.0  # of one call of a probe of the user's that no signal ends
PATIENCE_S = 120.0  # time to start, read the evidence and make the subjects on a busy machine
_KILLED_FOR_TIME = ("SIGPROF", "SIGALRM", "SIGVTALRM", "SIGXCPU")
_RANKED_BY = ("diagnosis", "seeds/references", "seeds/metrics", "evolution/coevolution/probe_runner.py")


@dataclass(frozen=True, kw_only=True)
class ProbeBudget:
    """The limits of one call on one view of at most 4 million scores: processor time, and memory beyond the evidence."""

    time_s: float = 2.0
    memory_bytes: int = GIB // 2


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialSubjects:
    """The subjects of one trial.

    names: of the subjects.
    users: int64 (S,), ids.
    known: code of a built-in probe -> subject -> value; {} if these were not asked for.
    """

    names: tuple[str, ...]
    users: Int64
    known: Mapping[str, Mapping[str, float]]


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class ProbeRunner:
    """Runs probes on the trials of a repo.

    data: what the trials were trained on.
    """

    data: TrialData
    budget: ProbeBudget = ProbeBudget()
    cancelled: Callable[[], bool] = _never

    def subjects(self, trial_folder: Path, *, measured: bool) -> TrialSubjects:
        """The subjects of a trial. Raises AnalysisError, Cancelled.

        measured: whether the built-in probes measure every subject.
        """
        answer = self._asked(trial_folder, 0, "subjects", 600.0, measured=measured)
        with sensible("what the analyst says of the trial"):
            return TrialSubjects(
                names=tuple(answer["names"]),
                users=np.array(answer["users"], dtype=np.int64),
                known=answer["known"],
            )

    def run(
        self, spec: ProbeSpec, subjects: Sequence[str], trial_folder: Path, *, seed: int = 0, state: int = 0
    ) -> dict[str, Float64]:
        """The probe's values, subject -> float64 (S,). Raises ProbeFailed, Cancelled.

        A process that others ended says nothing about the probe, so it is started once more.
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
        try:
            rejection = serial.load(Rejection, answer["rejection"]) if "rejection" in answer else None
            values = answer.get("values", {})
            found = {name: np.array(own, dtype=np.float64) for name, own in values.items()}
        except FAULTS_OF_DATA as fault:  # the probe has written on the wire itself
            raise ProbeFailed(Reason.SHAPE, f"its answer makes no sense: {fault!s:.200}") from fault
        if rejection is not None:
            raise ProbeFailed(rejection.reason, rejection.sentence)
        if any(own.ndim != 1 for own in found.values()):
            raise ProbeFailed(Reason.SHAPE, "its answer makes no sense: expected one number per user")
        return found

    def run_user_probe(
        self,
        trial_folder: Path,
        *,
        path: str,
        text: str,
        names: Sequence[str],
        needs: Sequence[str],
        seed: int,
    ) -> dict[str, Any]:
        """What the process of a probe of the user's answers, unchecked. names: subjects. Raises TrialFailed, Cancelled."""
        patience = PATIENCE_S + HANG_AFTER_S * len(names)
        asked = {"path": path, "text": text, "names": list(names), "needs": list(needs), "seed": seed}
        return self._asked(trial_folder, 0, "measure", patience, program=USER_PROGRAM, **asked)

    def _asked(
        self,
        trial_folder: Path,
        hash_seed: int,
        wanted: str,
        timeout_s: float,
        *,
        program: str = PROGRAM,
        **arguments: Any,
    ) -> dict[str, Any]:
        limits = WorkerLimits(
            timeout_s=timeout_s, memory_bytes=4 * GIB + self.budget.memory_bytes, processes=64
        )
        mounted = {"rankings": rankings_folder(self.data)}
        process, place = analyst(
            trial_folder,
            self.data,
            program=program,
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
    """The process was ended by a signal that a probe, which has neither `os` nor `signal`, cannot send itself."""


def _explained(failure: Failure, budget: ProbeBudget) -> ProbeFailed:
    """Why the process of a probe ended, as a rejection for the probe's author."""
    if failure.reason is FailureReason.TIMEOUT or any(name in failure.message for name in _KILLED_FOR_TIME):
        words = f"one call did not end within twice its budget of {budget.time_s:g} s, and was killed"
        return ProbeFailed(Reason.TIME, words)
    if failure.reason is FailureReason.OUT_OF_MEMORY:
        return ProbeFailed(Reason.MEMORY, failure.message)
    if failure.reason is FailureReason.KILLED:
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
