"""Names a process so that it is known again: after its pid was reused, after a step of the clock, after a restart.

On Linux a process is known by its pid, the clock tick since boot at which it started (field 22 of `/proc/PID/stat`), the
machine's boot id and the namespace that its pid belongs to. None of them depends on the wall clock. Elsewhere the start
time that the kernel keeps stands for the ticks.
"""

import os
import signal
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/pid")
DEAD = (b"Z", b"X")  # states of a process that has ended; its entry waits for whoever inherited it
WITHOUT_PROC_HZ = 100  # start times are kept in hundredths of a second where there is no /proc


@dataclass(frozen=True, kw_only=True)
class ProcessId:
    """A process of one machine. pid: as processes of its namespace see it. ticks: when it started, since boot.

    boot: the boot id, "" where the system has none. namespace: inode of the pid namespace, 0 where there is none.
    """

    pid: int
    ticks: int
    boot: str
    namespace: int


def identify(pid: int) -> ProcessId | None:
    """The process that has this pid now; None if none has, or it is a zombie."""
    ticks = _ticks(pid)
    return None if ticks is None else ProcessId(pid=pid, ticks=ticks, boot=boot_id(), namespace=namespace())


def is_visible(process: ProcessId) -> bool:
    """Whether this process can see the other one if it lives: same boot, same pid namespace.

    A container that was started again, or another machine that shares the folder, sees other processes under its pids.
    """
    return (process.boot, process.namespace) == (boot_id(), namespace())


def lives(process: ProcessId) -> bool:
    """Whether a visible process still runs; another one under its pid does not count."""
    return is_visible(process) and identify(process.pid) == process


def send(process: ProcessId, number: signal.Signals) -> bool:
    """Send a signal to a process, and never to another one under its pid; False if it has ended.

    Raises PermissionError if the process belongs to another user.
    """
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    except (AttributeError, OSError):  # a system without handles of processes
        return lives(process) and _killed(process.pid, number)
    try:
        if not lives(process):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def _killed(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


@cache
def boot_id() -> str:
    """What changes with every start of this machine; "" where the system does not tell."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def namespace() -> int:
    """The inode of this process's pid namespace, 0 where there are none."""
    try:
        return NAMESPACE.stat().st_ino
    except OSError:
        return 0


def _ticks(pid: int) -> int | None:
    """When the process started; None if it does not run."""
    if not boot_id():
        return _ticks_without_proc(pid)
    try:
        words = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = words[words.rindex(b")") + 2 :].split()  # a program's name may hold blanks and brackets
    return None if fields[0] in DEAD else int(fields[19])


def _ticks_without_proc(pid: int) -> int | None:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round(process.create_time() * WITHOUT_PROC_HZ)
    except psutil.Error:
        return None
