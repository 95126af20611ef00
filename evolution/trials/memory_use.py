"""How much memory processes use, also what no process shows as its own: files in memory, which are memory as well.

What counts: resident pages, a memfd that nothing has mapped, a file on a tmpfs of the sandbox, a deleted one that is still
open. Not seen without a control group: a file in memory on its way through a socket, buffers of the kernel.
"""

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import psutil

_PAGE = os.sysconf("SC_PAGE_SIZE")
_BLOCK = 512
_IN_MEMORY = ("/memfd:", "/dev/zero (deleted)", "/SYSV", "/dev/shm/")
SHARED = Path("/dev/shm")


def resident(processes: Iterable[psutil.Process]) -> int:
    """Bytes, by one quick look at each; pages that processes share count for each."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError, ValueError, IndexError):
            total += _resident_linux(process.pid) if sys.platform == "linux" else process.memory_info().rss
    return total


def proportional(processes: Iterable[psutil.Process]) -> tuple[int, int]:
    """Bytes of the processes' own, and of files in memory that they have mapped; what several share counts once.

    Pages of files on disk do not count: the kernel takes them back when it needs them.
    """
    own = shared = 0
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            detailed = _rollup(process.pid) if sys.platform == "linux" else None
            if detailed is None:
                memory = process.memory_full_info()
                own += getattr(memory, "pss", memory.uss)
            else:
                own += detailed.get("Pss_Anon", 0) + detailed.get("SwapPss", 0)
                shared += detailed.get("Pss_Shmem", 0)
    return own, shared


class FilesInMemory:
    """Those that a worker has made. confined: whether its sandbox has folders in memory of its own.

    most_open: files, of all processes; where more are open the look ends there.
    """

    def __init__(self, *, confined: bool, most_open: int) -> None:
        self._confined, self._most_open = confined, most_open
        self._since = time.time()
        self._before = frozenset(_names(SHARED))
        self._folders: tuple[Path, ...] = ()
        self.open_files = 0  # of all processes, at the last look

    def bytes(self, processes: Sequence[psutil.Process]) -> int:
        """What they take at the moment; 0 where the machine does not tell."""
        if sys.platform != "linux":
            return 0
        files: dict[tuple[int, int], int] = {}
        self.open_files = 0
        for process in processes:
            for path in (*self._open_in(process.pid), *_mapped_in(process.pid)):
                with contextlib.suppress(OSError):
                    self._add(files, path.stat())
        if not self._confined:
            for name in _names(SHARED):
                if name not in self._before:
                    with contextlib.suppress(OSError):
                        self._add(files, (SHARED / name).lstat())
        return sum(files.values()) + sum(_used(folder) for folder in self._in_sandbox(processes))

    def _open_in(self, pid: int) -> list[Path]:
        folder = Path(f"/proc/{pid}/fd")
        names = _names(folder)
        self.open_files += len(names)
        return [folder / name for name in names] if self.open_files <= self._most_open else []

    def _add(self, files: dict[tuple[int, int], int], state: os.stat_result) -> None:
        """What a sandbox has on folders of its own is counted with the folder."""
        own = state.st_dev == _nameless_device()
        on_host = (
            not self._confined and state.st_dev in _devices_in_memory() and state.st_ctime >= self._since
        )
        if stat.S_ISREG(state.st_mode) and (own or (on_host and state.st_uid == os.getuid())):
            files[(state.st_dev, state.st_ino)] = state.st_blocks * _BLOCK

    def _in_sandbox(self, processes: Sequence[psutil.Process]) -> tuple[Path, ...]:
        """Folders in memory that a process can write to, by way of one that sees them."""
        if not self._confined:
            return ()
        for process in reversed(processes):
            root = Path(f"/proc/{process.pid}/root")
            folders = tuple(root / name for name in ("tmp", "dev/shm"))
            with contextlib.suppress(OSError):
                if all(folder.stat().st_dev not in _host_devices() for folder in folders):
                    return folders
        return ()


def _resident_linux(pid: int) -> int:
    with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123 - twenty times a second
        return int(file.read().split()[1]) * _PAGE


def _rollup(pid: int) -> dict[str, int] | None:
    """Bytes by name; None on a kernel that does not tell files in memory from others."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    lines = (line.split() for line in text.splitlines()[1:])
    found = {words[0].rstrip(":"): int(words[1]) << 10 for words in lines if len(words) == 3}
    return found if "Pss_Shmem" in found else None


def _mapped_in(pid: int) -> list[Path]:
    """Mapped files in memory; the kernel shows them to root alone."""
    if os.geteuid() != 0:
        return []
    try:
        text = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    lines = (line.split(maxsplit=5) for line in text.splitlines() if any(name in line for name in _IN_MEMORY))
    return [Path(f"/proc/{pid}/map_files/{_as_named(words[0])}") for words in lines]


def _as_named(addresses: str) -> str:
    """As /proc/PID/map_files has them: without leading zeros."""
    return "-".join(f"{int(address, 16):x}" for address in addresses.split("-"))


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - its names are many, its paths are not needed
    except OSError:
        return []


def _used(folder: Path) -> int:
    try:
        state = os.statvfs(folder)
    except OSError:
        return 0
    return (state.f_blocks - state.f_bfree) * state.f_frsize


@cache
def _nameless_device() -> int:
    """The device of files in memory that have no folder."""
    try:
        descriptor = os.memfd_create("evolverec")
    except (AttributeError, OSError):
        return -1
    with os.fdopen(descriptor) as file:
        return os.fstat(file.fileno()).st_dev


@cache
def _devices_in_memory() -> frozenset[int]:
    """Of all folders in memory that this process sees."""
    found = set[int]()
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            words, _, kind = line.partition(" - ")
            if kind.startswith("tmpfs "):
                major, minor = words.split()[2].split(":")
                found.add(os.makedev(int(major), int(minor)))
    return frozenset(found)


@cache
def _host_devices() -> frozenset[int]:
    """Of the host's folders for which a sandbox has others, in memory."""
    found = set[int]()
    for folder in (SHARED, Path("/tmp")):
        with contextlib.suppress(OSError):
            found.add(folder.stat().st_dev)
    return frozenset(found)
