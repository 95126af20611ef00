"""The kernel's own limits for one worker: a control group of its own, with all that it starts and all that it writes to memory.

The kernel charges to a group what no list of processes shows: files in memory that nothing has mapped (a memfd, a tmpfs),
buffers, pages that were given back to nobody. A process joins the group before it runs anything else (`entering`), and
what it starts is born in the group. Where a machine lets us make no group, `watchdog` alone counts.
"""

import contextlib
import itertools
import os
import re
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evolution.trials.entering import entering, staying, systemd_environment, systemd_scope
from evolution.trials.group_places import GroupPlace, Kind

PREFIX = "evolverec"
NAME = re.compile(rf"{PREFIX}-(\d+)-(\d+)-(\d+)-\d+(\.scope)?")
_EMPTY_WITHIN_S = 10.0
_NUMBERS = itertools.count(1)
_MEMORY = {Kind.V1: ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"), Kind.V2: ("memory.max",)}


@dataclass(frozen=True, kw_only=True)
class ControlGroup:
    """folders: of one group in each of the hierarchies that limit it, that of memory first. memory_bytes, tasks: limits.

    scope: the unit, where the user's systemd makes the group when the process starts; "" where we made it.
    stay: there, a pipe by name that the job holds open (`held`), for as long as the group is to stay.
    """

    kind: Kind
    folders: tuple[Path, ...]
    memory_bytes: int
    tasks: int
    scope: str = ""
    stay: Path = Path()
    held: int = -1

    def command(self, command: Sequence[str]) -> list[str]:
        """`command`, in this group from its first instruction on."""
        if not self.scope:
            return entering([folder / "cgroup.procs" for folder in self.folders], command)
        inner = staying(self.stay, entering((), command))
        return [*systemd_scope(self.scope, self.memory_bytes, self.tasks), *inner]

    def environment(self) -> dict[str, str]:
        """What `command` needs in its environment, and takes out of it again."""
        return systemd_environment() if self.scope else {}

    def pids(self) -> list[int]:
        """Of the processes in it, without zombies; [] where it is gone."""
        found = _read(self.folders[0] / "cgroup.procs").split()
        return [
            int(pid) for pid in found if pid != "0"
        ]  # 0 stands for one that our process namespace does not hold

    def is_held(self) -> bool:
        """Whether the kernel has the limits that were set, so far as it shows them."""
        memory, tasks = self.folders[0], self.folders[-1]
        held = _read(memory / _MEMORY[self.kind][0]).strip() == str(self.memory_bytes)
        return held and _read(tasks / "pids.max").strip() in ("", str(self.tasks))

    def reached_its_limit(self) -> bool:
        """Whether the kernel killed a process of the group because the group, not the machine, had no memory left."""
        memory = self.folders[0]
        if self.kind is Kind.V2:
            events = _figures(memory / "memory.events")
            return events.get("oom_kill", 0) > 0 and events.get("oom", 0) > 0
        killed = _figures(memory / "memory.oom_control").get("oom_kill", 0)
        most = _read(memory / "memory.max_usage_in_bytes").strip()
        return killed > 0 and most.isdigit() and int(most) >= 0.98 * self.memory_bytes

    def refused_tasks(self) -> bool:
        """Whether a process or thread more was refused."""
        return _figures(self.folders[-1] / "pids.events").get("max", 0) > 0

    def kill(self) -> None:
        """SIGKILL to each process in it."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """Kill what is in it, until nothing is, and take it away. What the kernel does not let go stays, to be swept."""
        if self.held >= 0:
            os.close(self.held)
            self.stay.unlink(missing_ok=True)
        deadline = time.monotonic() + _EMPTY_WITHIN_S
        while self.pids() and time.monotonic() < deadline:
            self.kill()
            time.sleep(0.002)
        for folder in self.folders:
            _remove_folder(folder, deadline)


def made_group(place: GroupPlace, *, memory_bytes: int, tasks: int, folder: Path) -> ControlGroup:
    """A new group in `place`, with nothing in it. folder: for a pipe's name. Raises OSError: the machine no longer lets us."""
    memory_bytes -= memory_bytes % os.sysconf("SC_PAGE_SIZE")  # as the kernel rounds it
    name = f"{PREFIX}-{_namespace()}-{os.getpid()}-{_started_ticks(os.getpid())}-{next(_NUMBERS)}"
    if place.by_systemd:
        return _scope(place, name, memory_bytes, tasks, folder / f".{name}")
    folders = tuple(parent / name for parent in place.parents)
    group = ControlGroup(kind=place.kind, folders=folders, memory_bytes=memory_bytes, tasks=tasks)
    try:
        for made in group.folders:
            made.mkdir()
        for file in _MEMORY[place.kind]:
            _write(group.folders[0] / file, memory_bytes)
        _write(group.folders[0] / "memory.swap.max", 0)
        _write(group.folders[-1] / "pids.max", tasks)
    except OSError:
        group.remove()
        raise
    return group


def _scope(place: GroupPlace, name: str, memory_bytes: int, tasks: int, stay: Path) -> ControlGroup:
    os.mkfifo(stay, 0o600)
    return ControlGroup(
        kind=place.kind,
        folders=tuple(parent / f"{name}.scope" for parent in place.parents),
        memory_bytes=memory_bytes,
        tasks=tasks,
        scope=name,
        stay=stay,
        held=os.open(stay, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC),
    )


def sweep_groups(place: GroupPlace) -> None:
    """Remove groups of jobs that were killed, with the processes that are left in them: here, and where another terminal
    would make its own."""
    for parent in place.parents:
        for folder in (*parent.glob(f"{PREFIX}-*"), *parent.parent.glob(f"*/{PREFIX}-*")):
            if _is_of_dead_job(folder.name):
                left = ControlGroup(kind=place.kind, folders=(folder,), memory_bytes=0, tasks=0)
                left.remove()


def _is_of_dead_job(name: str) -> bool:
    """Of a job in another process namespace nothing is known, so it lives."""
    match = NAME.fullmatch(name)
    if match is None or int(match[1]) != _namespace():
        return False
    return _started_ticks(int(match[2])) != int(match[3])


def _namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


def _started_ticks(pid: int) -> int:
    """When a process started, in ticks since the machine did; 0 where there is none, or none but a zombie."""
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] not in "ZX" else 0


def _remove_folder(folder: Path, deadline: float) -> None:
    while True:
        try:
            folder.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:  # busy: the kernel still has a process to bury
            if time.monotonic() > deadline:
                return
            time.sleep(0.005)


def _figures(path: Path) -> dict[str, int]:
    """Lines of "name number"."""
    lines = (line.split() for line in _read(path).splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _write(path: Path, value: int) -> None:
    """Where the kernel has the file."""
    if path.exists():
        path.write_text(f"{value}\n", encoding="ascii")
