"""What a trial is asked to do, and what its caller wants to be told and asked meanwhile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from evolution.domain.trial import EpochRecord, TrialKey
from evolution.repo.config import Config
from evolution.trials.data import TrialData

GIB = 1 << 30


class SandboxMode(StrEnum):
    AUTO = (
        "auto"  # bubblewrap where it works, else limits alone: a job starts there only if the user has agreed
    )
    NONE = "none"  # limits alone: they stop accidents, not attackers


@dataclass(frozen=True, kw_only=True)
class WorkerLimits:
    """timeout_s: of the whole trial. memory_bytes: resident, of all its processes together."""

    timeout_s: float
    memory_bytes: int
    disk_bytes: int = 16 * GIB
    processes: int = 512


def limits_of(config: Config) -> WorkerLimits:
    return WorkerLimits(
        timeout_s=config.training.timeout_s, memory_bytes=int(config.training.memory_gb * GIB)
    )


@dataclass(frozen=True, kw_only=True)
class TrialRequest:
    """One program to train and measure.

    repo: where the user's repo stands; the program runs under that path. checkout: a folder with the
    program's files; it is copied, never written. folder: the trial's own, for artifacts and logs. python:
    the user's interpreter. gpu: the index of the leased GPU, "" for none. Seed and device are the key's.
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
    sandbox: SandboxMode = SandboxMode.AUTO

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
