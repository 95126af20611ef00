"""Jobs as values: what kind, in which state, and the events they write, one JSON line each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class JobKind(StrEnum):
    TRAIN = "train"
    DIAGNOSE = "diagnose"
    SIMULATE = "simulate"
    PROPOSE = "propose"
    TEST = "test"
    CHECK = "check"  # the cheap rungs alone: import, build, one batch
    VERIFY = "verify"  # one stored proposal, once more, with a further seed
    EVOLVE = "evolve"  # a run of the loop
    COMPARE = "compare"  # runs of several strategies


class JobState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"  # its process is gone without a last word

    @property
    def ended(self) -> bool:
        return self not in (JobState.STARTING, JobState.RUNNING)


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """pid and pid_started (unix seconds, as the kernel says) identify the process across pid reuse.

    params: the request (`evolution/domain/request.py`) as JSON, so that a job of another version can be read. result: the JSON document of the command once DONE. error: one clear
    message once FAILED. exit_code as the command line would return it.
    """

    id: str
    kind: JobKind
    state: JobState
    pid: int
    pid_started: float
    created_at: float
    finished_at: float = 0.0
    params: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    error: str = ""
    exit_code: int = 0


class EventType(StrEnum):
    STARTED = "started"
    PROGRESS = "progress"  # data: fraction 0..1 or None, left_s or None
    EPOCH = "epoch"  # data: trial, epoch, epochs, loss or None, metric (name), value, left_s or None, label
    TRIAL = "trial"  # data: trial, status, label: a trial began or ended
    FEEDBACK = "feedback"  # data: trial: findings or critiques are in the store
    PROPOSAL = "proposal"  # data: proposal: it is in the store
    NODE = "node"  # data: run, node (its order), share (of the budget): a run knows one program or failed idea more
    LOG = "log"
    FINISHED = "finished"  # data: state, exit_code


@dataclass(frozen=True, kw_only=True)
class Event:
    """t: unix seconds. message: one line for people."""

    t: float
    type: EventType
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)
