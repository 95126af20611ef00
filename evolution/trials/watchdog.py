"""Looks after a worker's memory, processes and files, whatever the job does meanwhile, and kills the worker at a limit.

It is all there is where the machine lets us make no control group. Where there is one, it still sees more processes than a
person wants, what is written to disk, and the peak of memory. A look never takes more than a small share of the time.
"""

import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from evolution.domain.trial import Failure, FailureReason
from evolution.trials.control_groups import ControlGroup
from evolution.trials.disk_use import TooDeepError, disk_use
from evolution.trials.family import Family
from evolution.trials.memory_use import FilesInMemory, proportional, resident
from evolution.trials.request import WorkerLimits

GIB = 1 << 30
_GLANCE_EVERY_S = 0.05  # at the memory of known processes
_LOOK_EVERY_S = 0.25  # for new processes, and at files in memory
_DISK_EVERY_S = 2.0
_MOST_OF_A_PROGRAM = 1_000_000  # files
_SHARE = 20  # a look that takes t seconds is not repeated for this many t
RAISE_MEMORY = "raise training.memory_gb in evolverec.toml, or use less"


class Watchdog:
    """failure: why it killed the worker; None as long as the worker lives within its limits.

    memory_bytes, peak_memory_bytes: of all its processes and files in memory, now and at most. free_bytes: of the machine,
    at the last look. writable: folders on disk that the worker can fill.
    """

    def __init__(
        self,
        family: Family,
        limits: WorkerLimits,
        *,
        group: ControlGroup | None,
        writable: Sequence[Path],
        confined: bool,
    ) -> None:
        self._family, self._limits, self._group, self._writable = family, limits, group, writable
        self._files = FilesInMemory(confined=confined, most_open=limits.open_files)
        self._own_files = _files_in(writable)  # the program's, before it runs
        self._in_files = 0
        self._seen: list[psutil.Process] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self.failure: Failure | None = None
        self.memory_bytes = self.peak_memory_bytes = 0
        self.free_bytes = _free_bytes()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        looks = {self._glance: _GLANCE_EVERY_S, self._look: _LOOK_EVERY_S, self._look_at_disk: _DISK_EVERY_S}
        due = dict.fromkeys(looks, 0.0)
        while not self._stopped.wait(max(0.0, min(due.values()) - time.monotonic())):
            look = min(due, key=due.__getitem__)
            began = time.monotonic()
            self.failure = look()
            if self.failure is not None:
                self._family.kill()
                return
            ended = time.monotonic()
            due[look] = ended + max(looks[look], _SHARE * (ended - began))

    def _glance(self) -> Failure | None:
        used = resident(self._seen) + self._in_files
        if used > self._limits.memory_bytes:
            return self._too_much_memory()
        self._remember(used)
        return None

    def _look(self) -> Failure | None:
        if self._group is not None and self._group.reached_its_limit():
            return killed_at_limit(
                self._limits.memory_bytes
            )  # one of several processes, while the others go on
        self._seen = self._family.look()
        self._in_files = self._files.bytes(self._seen)
        self.free_bytes = _free_bytes()
        threads = _threads(self._seen)
        limits = self._limits
        for what, count, most in (
            ("processes", len(self._seen), limits.processes),
            ("threads", threads, limits.threads),
            ("open files", self._files.open_files, limits.open_files),
        ):
            if count > most:
                return _crash(f"the candidate has more than {most:,} {what}, which is the limit")
        return None

    def _too_much_memory(self) -> Failure | None:
        """Before anybody is blamed, what processes share is counted once, and what they have just let go not at all."""
        self._seen = self._family.look()
        self._in_files = self._files.bytes(self._seen)
        own, mapped = proportional(self._seen)
        used = own + max(mapped, self._in_files)  # most of what is mapped is among the files
        self._remember(used)
        if used <= self._limits.memory_bytes:
            return None
        return out_of_memory(used, self._limits.memory_bytes, in_files=max(mapped, self._in_files))

    def _remember(self, used: int) -> None:
        self.memory_bytes = used
        self.peak_memory_bytes = max(self.peak_memory_bytes, used)

    def _look_at_disk(self) -> Failure | None:
        limits = self._limits
        try:
            use = disk_use(self._writable, self._own_files + limits.files)
        except TooDeepError:
            return _crash("the candidate nested folders so deeply that what it wrote cannot be measured")
        if use.files - self._own_files > limits.files:
            return _crash(f"the candidate made more than {limits.files:,} files, which is the limit")
        if use.bytes > limits.disk_bytes:
            written, most = use.bytes / GIB, limits.disk_bytes / GIB
            return _crash(f"the candidate wrote {written:.1f} GiB to disk, its limit is {most:.1f} GiB")
        return None


def _files_in(folders: Sequence[Path]) -> int:
    """Where that cannot be told, the first look at the disk says why."""
    try:
        return disk_use(folders, _MOST_OF_A_PROGRAM).files
    except TooDeepError:
        return 0


def out_of_memory(used: int, limit: int, *, in_files: int = 0) -> Failure:
    """used: bytes, as far as they are known. in_files: the part of them that is files in memory."""
    part = (
        f", {in_files / GIB:.2f} GiB of it in files in memory (/tmp, /dev/shm, memfd, shared)"
        if in_files > used / 10
        else ""
    )
    message = f"the candidate used {used / GIB:.2f} GiB of memory{part}; its limit is {limit / GIB:.2f} GiB; {RAISE_MEMORY}"
    return Failure(reason=FailureReason.OUT_OF_MEMORY, message=message)


def killed_at_limit(limit: int) -> Failure:
    """The kernel has killed a process because the control group had no memory left."""
    known = out_of_memory(limit, limit)
    return replace(known, message=f"the kernel stopped the candidate at its limit: {known.message}")


def _crash(message: str) -> Failure:
    return Failure(reason=FailureReason.CRASH, message=message)


def _threads(processes: Sequence[psutil.Process]) -> int:
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.num_threads()
    return total


def _free_bytes() -> int:
    """What the machine could still give."""
    return psutil.virtual_memory().available
