"""What a trial is asked to do, and what its caller wants to be told and asked meanwhile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from evolution.domain.trial import EpochRecord, TrialKey
from evolution.repo.config import Config
from evolution.trials.checkpoint import Checkpoint
from evolution.trials.data import TrialData

GIB = 1 << 30


class SandboxMode(StrEnum):
    AUTO = (
        "auto"  # bubblewrap where it works, else limits alone: a job starts there only if the user has agreed
    )
    NONE = "none"  # limits alone: they stop accidents, not attackers


class Enforcement(StrEnum):
    """What holds a worker to its limits."""

    AUTO = "auto"  # a control group where the machine lets us make one, and the watchdog
    WATCHDOG = "watchdog"  # the watchdog alone


@dataclass(frozen=True, kw_only=True)
class WorkerLimits:
    """timeout_s: of the whole trial. memory_bytes: of all its processes and of the files in memory that they write.

    disk_bytes, files: that it writes to disk, beyond those of the program. processes, threads, open_files: at one time,
    together.
    """

    timeout_s: float
    memory_bytes: int
    disk_bytes: int = 16 * GIB
    files: int = 200_000
    processes: int = 512
    threads: int = 4096
    open_files: int = 65_536
    enforcement: Enforcement = Enforcement.AUTO


def limits_of(config: Config, enforcement: Enforcement = Enforcement.AUTO) -> WorkerLimits:
    return WorkerLimits(
        timeout_s=config.training.timeout_s,
        memory_bytes=int(config.training.memory_gb * GIB),
        enforcement=enforcement,
    )


@dataclass(frozen=True, kw_only=True)
class TrialRequest:
    """One program to train and measure, or to measure with the weights of a checkpoint.

    repo: where the user's repo stands; the program runs under that path. checkout: a folder with the
    program's files; it is copied, never written. folder: the trial's own, for artifacts and logs. python:
    the user's interpreter. gpu: the index of the leased GPU, "" for none. Seed and device are the key's. checkpoint: weights
    that a stranger may have written, which the worker alone opens; None to train.
    """

    id: str
    key: TrialKey
    repo: Path
    checkout: Path
    folder: Path
    config: Config
    data: TrialData
    python: Path
    gpu: str = ""
    checkpoint: Checkpoint | None = None
    sandbox: SandboxMode = SandboxMode.AUTO
    enforcement: Enforcement = Enforcement.AUTO

    @property
    def limits(self) -> WorkerLimits:
        """What the configuration allows the trial."""
        return limits_of(self.config, self.enforcement)

    @property
    def device(self) -> str:
        """ "cpu", "cuda" or "mps"."""
        return self.key.device.partition("/")[0]

    @property
    def threads(self) -> int:
        return int(self.key.device.partition("/")[2] or 1)


def _silent_stage(stage: str) -> None: ...


def _silent_epoch(epoch: EpochRecord) -> None: ...


def _never_prune(epochs: Sequence[EpochRecord]) -> bool:
    return False


def _never_cancelled() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Supervision:
    """The caller's side of a running trial; every function is called in the trial's own thread.

    on_stage: a few words for people ("importing", "training"). on_epoch: after each epoch. prune: given the
    epochs so far, is this a loser? cancelled: asked several times a second.
    """

    on_stage: Callable[[str], None] = field(default=_silent_stage)
    on_epoch: Callable[[EpochRecord], None] = field(default=_silent_epoch)
    prune: Callable[[Sequence[EpochRecord]], bool] = field(default=_never_prune)
    cancelled: Callable[[], bool] = field(default=_never_cancelled)
