"""Trials as values: identity, state and figures. The store keeps them as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from diagnosis.findings import CodePlace


class TrialStatus(StrEnum):
    """Where a trial is in its life."""

    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"  # stopped early as a loser; can be continued
    FAILED = "failed"


class FailureReason(StrEnum):
    """Why a trial failed."""

    IMPORT = "import"
    CONTRACT = "contract"
    CRASH = "crash"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out of memory"
    NOT_FINITE = "not finite"
    CANCELLED = "cancelled"
    KILLED = "killed"  # from outside, or by the machine: says nothing about the program


@dataclass(frozen=True, kw_only=True)
class TrialKey:
    """The identity of a trial: with the same key it is never run twice. Its hash is the trial's id."""

    program: str  # git tree hash
    data: str  # fingerprint of data and split
    training: str  # fingerprint of the training settings (epochs, patience, max_history, limits that change results)
    seed: int
    device: str  # "cpu/1" (kind / threads), "cuda", "mps"
    harness: str  # version of the worker's and evaluator's own code
    checkpoint: str = (
        ""  # SHA-256 of the file that was measured in place of a training; "" for a trained model
    )


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A mean over users with its 95 % bootstrap interval; low and high are None if it has none."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a trial failed, in one clear sentence, and where in the repo.

    path: relative to the repo's root, "" if unknown.
    line: 1-based, 0 if unknown.
    outside: of KILLED, whether it is known that the candidate cannot have done it itself.
    """

    reason: FailureReason
    message: str
    path: str = ""
    line: int = 0
    traceback: str = ""
    outside: bool = False


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """One epoch of training.

    metrics: validation means, {} if the epoch was not ranked.
    answers: fingerprint of the lists and scores of validation, "" if the epoch was not ranked; equal only where every bit is.
    steps: of the busiest torch optimizer, as the worker
    counts them; 0 if unknown. They inform, and say when a training is long enough.
    """

    epoch: int  # from 1
    wall_s: float
    reported: Mapping[str, float]  # what fit() yielded
    metrics: Mapping[str, float]
    answers: str = ""
    steps: int = 0


def reported_loss(reported: Mapping[str, float]) -> float | None:
    """The first figure that fit() yielded under a name with "loss" in it; None where there is none."""
    return next((value for name, value in reported.items() if "loss" in name.lower()), None)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a trial cost, as the job measured it.

    fit_s: seconds until epochs of fit() were answered; fit_cpu_s: those in which the worker's processes were running.
    score_s, score_cpu_s: the same of questions about users, ranking in the worker included.
    other_s, other_cpu_s: the same of all else that runs code of the program: import, build(), a first look at it, its state,
        item_embeddings(); other_cpu_s includes what its processes do while nothing is asked of them.
    rankings: how many rankings of all validation users the questions about users amount to; 0 if unknown.
    harness_s: the rest, seconds in which the worker was asked nothing that runs code of the program.
    peak_memory_bytes: resident, of all the worker's processes.
    parameters: number of the model's parameters as the worker counts them, 0 if unknown; it informs, and judges nothing.
    """

    fit_s: float = 0.0
    fit_cpu_s: float = 0.0
    score_s: float = 0.0
    score_cpu_s: float = 0.0
    other_s: float = 0.0
    other_cpu_s: float = 0.0
    rankings: float = 0.0
    harness_s: float = 0.0
    peak_memory_bytes: int = 0
    parameters: int = 0

    @property
    def program_s(self) -> float:
        """Seconds in which the program had something to do, whatever it called it."""
        return self.fit_s + self.score_s + self.other_s


@dataclass(frozen=True, kw_only=True)
class ContractCheck:
    """The outcome of one check of one batch.

    passed: None if the check could not be made; message says why.
    severity: "error" fails the trial; "warning" becomes a finding, and training goes on.
    places: the lines that the check itself points at, best first; () leaves it to the roles of its kind.
    """

    code: str
    passed: bool | None
    severity: str
    message: str
    places: tuple[CodePlace, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One program trained and measured, or the reason why it failed."""

    id: str
    key: TrialKey
    status: TrialStatus
    created_at: float  # unix seconds
    wall_s: float
    epochs: tuple[EpochRecord, ...] = ()
    best_epoch: int = 0
    metrics: Mapping[str, Metric] = field(default_factory=dict)  # of the best epoch, on validation
    objective: Metric | None = None
    cost: Cost = field(default_factory=Cost)
    failure: Failure | None = None
    contract: tuple[ContractCheck, ...] = ()
    note: Mapping[str, Any] = field(
        default_factory=dict
    )  # sandbox kind, versions, ties, what was not traced; see remarks.py

    @property
    def ended_at(self) -> float:
        """When it was measured, in Unix seconds."""
        return self.created_at + self.wall_s


def is_killed(trial: Trial) -> bool:
    """Whether the trial ended by what says nothing about its program."""
    return trial.failure is not None and trial.failure.reason is FailureReason.KILLED
