"""Jobs as values: their kinds, states and records, and the events that they write, one JSON line each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from evolution.base.processes import ProcessId


class JobKind(StrEnum):
    """What a job does."""

    TRAIN = "train"
    DIAGNOSE = "diagnose"
    SIMULATE = "simulate"
    SESSIONS = "sessions"  # simulated users go from page to page until they leave
    PROPOSE = "propose"
    IMPROVE = "improve"  # train, diagnose, simulate and propose, one after the other
    TUNE = "tune"  # settings of the numbers in the configuration
    TEST = "test"
    RECOMMEND = "recommend"  # lists of a measured trial, for the users of a file
    ADAPT = "adapt"  # an adapter that init drafted is completed by an LLM
    CHECK = "check"  # the cheap rungs alone: import, build, one batch
    VERIFY = "verify"  # one stored proposal, once more, with a further seed
    EXPLAIN = "explain"  # an LLM is asked about one finding
    EVOLVE = "evolve"  # a run of the loop
    COMPARE = "compare"  # runs of several strategies


class JobState(StrEnum):
    """Where a job is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"  # its process is gone and wrote no final state

    @property
    def ended(self) -> bool:
        """Whether the job's process has ended."""
        return self not in (JobState.STARTING, JobState.RUNNING)


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """One job, as its folder records it.

    process: the job's process, None before it is started.
    pid, pid_started: the same in records of earlier versions; pid_started in unix seconds by the wall clock.
    program: the git tree of the files that the job was started on, "" if it was not noted.
    params: the request (`evolution/domain/request.py`) as JSON, so that another version can read it.
    result: the JSON document of the command, once DONE.
    error: one clear message, once FAILED.
    exit_code: as the command line would return it.
    """

    id: str
    kind: JobKind
    state: JobState
    created_at: float
    pid: int = 0
    pid_started: float = 0.0
    finished_at: float = 0.0
    params: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    error: str = ""
    exit_code: int = 0
    process: ProcessId | None = None
    program: str = ""


class EventType(StrEnum):
    """What an event tells; the comments say what its data holds."""

    STARTED = "started"
    PROGRESS = "progress"  # data: fraction 0..1 or None, left_s or None, label: of the trial, where the message begins with it; step: what of how many, absent to keep it; span: which part of the job (from, to) this and later fractions are of, absent to keep it
    EPOCH = "epoch"  # data: trial, epoch, epochs, loss or None, metric (name), value, objective or None, left_s or None, label
    TRIAL = "trial"  # data: trial, status, label: a trial began or ended
    FEEDBACK = "feedback"  # data: trial: findings or critiques are in the store
    PROPOSAL = "proposal"  # data: proposal: it is in the store; verified; promising: further seeds decide
    NODE = "node"  # data: run, node (its order), share (of the budget), step: a run has one more node
    LOG = "log"
    FINISHED = "finished"  # data: state, exit_code


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of a job.

    t: unix seconds.
    message: one line for people.
    """

    t: float
    type: EventType
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)
