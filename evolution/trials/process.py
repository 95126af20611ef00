"""One worker process: started, asked, watched, and gone at the end with everything it started."""

import contextlib
import json
import os
import re
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evolution.base.places import KIT_NAME
from evolution.domain.trial import Failure, FailureReason
from evolution.trials import launching
from evolution.trials.control_groups import ControlGroup, made_group
from evolution.trials.deaths import Death, blamed, failure_of, kernel_kills
from evolution.trials.enforcement import group_place
from evolution.trials.entering import entering
from evolution.trials.failing import TrialFailed, failed
from evolution.trials.family import TOKEN as TOKEN  # for who makes the environment
from evolution.trials.family import Family
from evolution.trials.replies import LONGEST_MESSAGE, told_failure
from evolution.trials.request import Enforcement, WorkerLimits
from evolution.trials.watchdog import Watchdog, killed_at_limit
from evolution.trials.wire import MAX_BYTES, BadMessageError, parse_message
from evolution.trials.worker_log import WorkerLog

_TICK_S = 0.1
_KILL_WAIT_S = 10.0
_TAIL_BYTES = 4000


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
    """Ask it one thing at a time."""

    def __init__(self, launch: Launch, limits: WorkerLimits, cancelled: Callable[[], bool]) -> None:
        self._launch, self._limits, self._cancelled = launch, limits, cancelled
        self._deadline = time.monotonic() + limits.timeout_s
        self._unread = bytearray()
        self._asked = 0
        self._answered = False
        self._kernel_kills = kernel_kills()
        self._log = WorkerLog(launch.log)
        self._group = _group(limits, launch.cwd)
        with contextlib.ExitStack() as undo:
            undo.callback(self._log.close)
            if self._group is not None:
                undo.callback(self._group.remove)
            try:
                self._process = self._started()
            finally:
                self._log.begin()
            undo.callback(self._process.wait)
            undo.callback(self._process.kill)
            assert self._process.stdin is not None and self._process.stdout is not None
            self._stdin, self._stdout = self._process.stdin, self._process.stdout
            os.set_blocking(self._stdin.fileno(), False)
            os.set_blocking(self._stdout.fileno(), False)
            self._family = Family(self._process.pid, self._group, "" if launch.confined else launch.token)
            self._watchdog = Watchdog(
                self._family,
                limits,
                group=self._group,
                writable=launch.writable,
                confined=launch.confined,
            )
            self._watchdog.start()
            undo.pop_all()

    def _started(self) -> "subprocess.Popen[bytes]":
        """In its control group before it runs anything of its own."""
        launch, group = self._launch, self._group
        return launching.start(
            entering((), launch.command) if group is None else group.command(launch.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log.writer,
            env={**launch.environment, **(group.environment() if group is not None else {})},
            cwd=launch.cwd,
            start_new_session=True,
        )

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def peak_memory_bytes(self) -> int:
        """Of all its processes and their files in memory, the most seen so far."""
        return self._watchdog.peak_memory_bytes

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
            raise TrialFailed(self._blamed(told_failure(reply["failure"])))
        if not isinstance(reply.get("ok"), dict):
            raise failed(
                FailureReason.CRASH, f"the worker answered {wanted} with something else than a document"
            )
        self._answered = True
        return reply["ok"]

    def cpu_s(self) -> float:
        """Seconds that its processes have been running so far."""
        self._family.look()
        return self._family.cpu_s

    def end(self) -> None:
        """Kill it and whatever it started; nothing survives, neither processes nor its control group."""
        self._watchdog.stop()
        self._family.kill()
        for pipe in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        self._process.wait()
        self._family.end()
        if self._group is not None:
            self._group.remove()
        self._log.close()

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

    def left_s(self) -> float:
        """Seconds until the trial's time limit; below 0 once it has passed."""
        return self._deadline - time.monotonic()

    def _watch(self) -> None:
        if self._cancelled():
            raise failed(FailureReason.CANCELLED, "cancelled")
        if self._watchdog.failure is not None:
            raise TrialFailed(self._watchdog.failure)
        if time.monotonic() > self._deadline:
            raise failed(
                FailureReason.TIMEOUT,
                f"the trial ran longer than its limit of {self._limits.timeout_s:g} s; "
                "raise training.timeout_s in evolverec.toml, or make an epoch cheaper",
            )

    # -- the end of a worker

    def _blamed(self, told: Failure) -> Failure:
        """What the worker tells of, unless more is known of it: a process of its may have been killed for want of memory."""
        if self._group is not None and self._group.reached_its_limit():
            return replace(told, reason=FailureReason.OUT_OF_MEMORY, message=self._at_limit(told.message))
        return blamed(told, self._launch.cwd)

    def _at_limit(self, told: str) -> str:
        return f"{killed_at_limit(self._limits.memory_bytes).message} ({told})"[:LONGEST_MESSAGE]

    def _death(self, wanted: str) -> TrialFailed:
        try:
            code = self._process.wait(timeout=_KILL_WAIT_S)
        except subprocess.TimeoutExpired:
            return failed(FailureReason.CRASH, f"the worker closed its wire during {wanted}")
        if self._watchdog.failure is not None:
            return TrialFailed(self._watchdog.failure)
        group, watchdog = self._group, self._watchdog
        death = Death(
            code=code,
            wanted=wanted,
            answered=self._answered,
            confined=self._launch.confined,
            tail=self._log.tail(_TAIL_BYTES),
            grouped=group is not None,
            group_was_full=group is not None and group.reached_its_limit(),
            tasks_refused=group is not None and group.refused_tasks(),
            kernel_kills=kernel_kills() - self._kernel_kills,
            used_bytes=watchdog.memory_bytes,
            free_bytes=watchdog.free_bytes,
            limit_bytes=self._limits.memory_bytes,
        )
        return TrialFailed(self._placed(failure_of(death)))

    def _placed(self, failure: Failure) -> Failure:
        """faulthandler, which is on in a worker, wrote the innermost line first."""
        path, line = place_in(failure.traceback, self._launch.root)[0]
        return replace(failure, path=path, line=line)


def _group(limits: WorkerLimits, folder: Path) -> ControlGroup | None:
    """None where the machine lets us make none, or no longer does."""
    place = group_place() if limits.enforcement is Enforcement.AUTO else None
    if place is None:
        return None
    try:
        return made_group(place, memory_bytes=limits.memory_bytes, tasks=limits.threads, folder=folder)
    except OSError:
        return None


def place_in(text: str, root: str) -> list[tuple[str, int]]:
    """Every line of the program that a traceback names, as (path relative to root, line); [("", 0)] for none.

    The adapter's kit stands for nothing of the program where anything else does: what it calls through is not at fault.
    """
    named = re.findall(rf'File "{re.escape(root)}/([^"]+\.py)", line (\d{{1,7}})\b', text)
    lines = [(path, int(line)) for path, line in named if "site-packages" not in path]
    return [one for one in lines if one[0].rpartition("/")[2] != KIT_NAME] or lines or [("", 0)]
