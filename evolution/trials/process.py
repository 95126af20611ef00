"""One worker process: started, asked, watched, and gone at the end with everything it started."""

import contextlib
import errno
import json
import os
import re
import select
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from evolution.domain.trial import Failure, FailureReason
from evolution.trials.cpu_time import CpuClock
from evolution.trials.failing import TrialFailed, failed
from evolution.trials.replies import told_failure
from evolution.trials.request import WorkerLimits
from evolution.trials.wire import MAX_BYTES, BadMessageError, parse_message

TOKEN = "EVOLVEREC_WORKER"
_TICK_S = 0.1
_WATCH_EVERY_S = 0.25
_DISK_EVERY_S = 2.0
_KILL_WAIT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How to start a worker. token marks its processes where no pid namespace holds them together.

    writable: folders on disk it can fill. log: where its prints go. root: the program's folder as it sees it.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    cwd: Path
    log: Path
    writable: Sequence[Path]
    confined: bool
    token: str
    root: str = "/"


class WorkerProcess:
    """Ask it one thing at a time. peak_memory_bytes: resident, of all its processes, the most seen so far."""

    def __init__(self, launch: Launch, limits: WorkerLimits, cancelled: Callable[[], bool]) -> None:
        self._launch, self._limits, self._cancelled = launch, limits, cancelled
        self._deadline = time.monotonic() + limits.timeout_s
        self._known: dict[int, psutil.Process] = {}
        self._unread = bytearray()
        self._next_watch = self._next_disk = 0.0
        self._oom_kills = _kernel_oom_kills()
        self._cpu = CpuClock()
        self._asked = 0
        self.peak_memory_bytes = 0
        with launch.log.open("ab") as log:
            self._process = subprocess.Popen(
                list(launch.command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(launch.environment),
                cwd=launch.cwd,
                start_new_session=True,
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def ask(self, wanted: str, **arguments: Any) -> dict[str, Any]:
        """The reply's document. Raises TrialFailed: the candidate failed, broke a limit, or was cancelled."""
        self._asked += 1
        request = {"id": self._asked, "do": wanted, "with": arguments}
        self._send(json.dumps(request).encode() + b"\n", wanted)
        try:
            reply = parse_message(self._line(wanted))
        except BadMessageError as problem:
            raise failed(FailureReason.CRASH, f"the worker's reply to {wanted} {problem}") from None
        if reply.get("id") != self._asked:
            words = "answers another question: the wire was written to, or a forked process answers as well"
            raise failed(FailureReason.CRASH, f"the worker's reply to {wanted} {words}")
        if "failure" in reply:
            raise TrialFailed(told_failure(reply["failure"]))
        if not isinstance(reply.get("ok"), dict):
            raise failed(
                FailureReason.CRASH, f"the worker answered {wanted} with something else than a document"
            )
        return reply["ok"]

    def cpu_s(self) -> float:
        """Seconds that its processes have been running so far."""
        self._remember_children()
        return self._cpu.read(self._known.values())

    def end(self) -> None:
        """Kill it and whatever it started; nothing survives."""
        self._remember_children()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        self._process.wait()
        left = [*self._known.values(), *([] if self._launch.confined else _marked(self._launch.token))]
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()  # psutil compares start times: never another process under an old pid
        deadline = time.monotonic() + _KILL_WAIT_S
        while any(_lives(process) for process in left) and time.monotonic() < deadline:
            time.sleep(0.005)

    def _send(self, request: bytes, wanted: str) -> None:
        """Without waiting for ever for a worker that reads nothing."""
        left = memoryview(request)
        while left:
            self._watch()
            _, ready, _ = select.select([], [self._stdin], [], _TICK_S)
            try:
                left = left[os.write(self._stdin.fileno(), left) :] if ready else left
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._death(wanted) from None

    def _line(self, wanted: str) -> bytes:
        """The next line of the wire."""
        end = self._unread.find(b"\n")
        while end < 0:
            self._watch()
            known = len(self._unread)
            ready, _, _ = select.select([self._stdout], [], [], _TICK_S)
            if ready:
                chunk = self._stdout.read(1 << 20)
                if chunk == b"":
                    raise self._death(wanted)
                self._unread += chunk or b""
            elif self._process.poll() is not None:
                raise self._death(wanted)
            end = self._unread.find(b"\n", known)
            if end < 0 and len(self._unread) > MAX_BYTES:
                raise failed(FailureReason.CRASH, f"the worker's reply to {wanted} does not end")
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return line

    # -- limits

    def _watch(self) -> None:
        if self._cancelled():
            raise failed(FailureReason.CANCELLED, "cancelled")
        now = time.monotonic()
        if now > self._deadline:
            raise failed(
                FailureReason.TIMEOUT,
                f"the trial ran longer than its limit of {self._limits.timeout_s:g} s; "
                "raise training.timeout_s in evolverec.toml, or make an epoch cheaper",
            )
        if now >= self._next_watch:
            self._next_watch = now + _WATCH_EVERY_S
            self._watch_processes()
        if now >= self._next_disk:
            self._next_disk = now + _DISK_EVERY_S
            self._watch_disk()

    def _watch_processes(self) -> None:
        self.cpu_s()
        used = _resident(self._known.values())
        limit = self._limits.memory_bytes
        if (
            used > limit and self._known
        ):  # pages that processes share are counted once before anybody is blamed
            used = _proportional(self._known.values())
        self.peak_memory_bytes = max(self.peak_memory_bytes, used)
        if used > limit:
            raise failed(
                FailureReason.OUT_OF_MEMORY,
                f"the candidate used {used / 2**30:.2f} GiB, its limit is {limit / 2**30:.2f} GiB; "
                "raise training.memory_gb in evolverec.toml, or use less",
            )
        if len(self._known) > self._limits.processes:
            raise failed(
                FailureReason.CRASH, f"the candidate started more than {self._limits.processes} processes"
            )

    def _remember_children(self) -> None:
        with contextlib.suppress(psutil.Error):
            own = psutil.Process(self._process.pid)
            current = [own, *own.children(recursive=True)]
            gone = [pid for pid, process in self._known.items() if not process.is_running()]
            for pid in gone:
                del self._known[pid]
            self._known.update({process.pid: process for process in current})

    def _watch_disk(self) -> None:
        used = sum(_size(path) for path in (*self._launch.writable, self._launch.log))
        if used > self._limits.disk_bytes:
            raise failed(
                FailureReason.CRASH,
                f"the candidate wrote {used / 2**30:.1f} GiB to disk, its limit is "
                f"{self._limits.disk_bytes / 2**30:.1f} GiB",
            )

    # -- the end of a worker

    def _death(self, wanted: str) -> TrialFailed:
        try:
            code = self._process.wait(timeout=_KILL_WAIT_S)
        except subprocess.TimeoutExpired:
            return failed(FailureReason.CRASH, f"the worker closed its wire during {wanted}")
        number = -code if code < 0 else code - 128 if self._launch.confined and code > 128 else 0
        tail = log_tail(self._launch.log)
        if number == signal.SIGKILL and _kernel_oom_kills() > self._oom_kills:
            return failed(
                FailureReason.OUT_OF_MEMORY, "the kernel ran out of memory and killed the worker", tail
            )
        if number:
            with contextlib.suppress(ValueError):
                name = signal.Signals(number).name
                return self._fault(f"the worker was killed by {name} during {wanted}", tail)
        return failed(
            FailureReason.CRASH, f"the worker's process exited with status {code} during {wanted}", tail
        )

    def _fault(self, message: str, tail: str) -> TrialFailed:
        """faulthandler, which is on in a worker, wrote the innermost line first."""
        path, line = place_in(tail, self._launch.root)[0]
        failure = Failure(reason=FailureReason.CRASH, message=message, path=path, line=line, traceback=tail)
        return TrialFailed(failure)


def place_in(text: str, root: str) -> list[tuple[str, int]]:
    """Every line of the program that a traceback names, as (path relative to root, line); [("", 0)] for none."""
    named = re.findall(rf'File "{re.escape(root)}/([^"]+\.py)", line (\d{{1,7}})\b', text)
    return [(path, int(line)) for path, line in named if "site-packages" not in path] or [("", 0)]


def log_tail(log: Path, size: int = 4000) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - size))
        return file.read().decode("utf-8", "replace")


def _lives(process: psutil.Process) -> bool:
    """A zombie is dead; its entry waits for whoever inherited it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _resident(processes: Any) -> int:
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def _proportional(processes: Any) -> int:
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            detailed = process.memory_full_info()
            total += getattr(detailed, "pss", detailed.uss)
    return total


def _marked(token: str) -> list[psutil.Process]:
    """Processes that carry the token in their environment, whoever their parent is by now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(TOKEN) == token:
                found.append(process)
    return found


def _kernel_oom_kills() -> int:
    try:
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def _size(path: Path) -> int:
    """Bytes on disk of a file, or of all that is in a folder. Raises TrialFailed: folders nested beyond measure."""
    total, waiting = 0, [str(path)]
    while waiting:
        inner = waiting.pop()
        try:
            total += os.lstat(inner).st_blocks * 512
            waiting += _entries(inner)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                words = "the candidate nested folders so deeply that what it wrote cannot be measured"
                raise failed(FailureReason.CRASH, words) from None
    return total


def _entries(path: str) -> list[str]:
    """Of a folder; [] for anything else."""
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        return []
    with os.scandir(path) as entries:
        return [entry.path for entry in entries]
