"""The processes of a worker: itself, and whatever it started, as far as they can be found.

With a control group all are found, without one those that were a descendant once when somebody looked.
"""

import contextlib
import os
import signal
import threading
import time

import psutil

from evolution.trials.control_groups import ControlGroup
from evolution.trials.cpu_time import CpuClock

TOKEN = "EVOLVEREC_WORKER"
_KILL_WAIT_S = 10.0


class Family:
    """pid: of the worker. group: None where there is none. token: in each one's environment, "" where a sandbox holds all.

    cpu_s: seconds that its processes had been running at the last look.
    """

    def __init__(self, pid: int, group: ControlGroup | None, token: str) -> None:
        self._pid, self._group, self._token = pid, group, token
        self._known: dict[int, psutil.Process] = {}
        self._lock = threading.Lock()
        self._cpu = CpuClock()
        self.cpu_s = 0.0

    def look(self) -> list[psutil.Process]:
        """Those that live now, zombies among them."""
        with self._lock, contextlib.suppress(psutil.Error):
            found = self._found()
            gone = [pid for pid, process in self._known.items() if not process.is_running()]
            for pid in gone:
                del self._known[pid]
            self._known.update(found)
            self.cpu_s = self._cpu.read(self._known.values())
        return list(self._known.values())

    def kill(self) -> None:
        """SIGKILL to all, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)
        if self._group is not None:
            self._group.kill()
        for process in self.look():
            with contextlib.suppress(psutil.Error):
                process.kill()  # psutil compares start times: never another process under an old pid

    def end(self) -> None:
        """Kill all that is left once the worker itself is gone, and wait until nothing lives."""
        left = [*self._known.values(), *(_marked(self._token) if self._token else [])]
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        deadline = time.monotonic() + _KILL_WAIT_S
        while any(_lives(process) for process in left) and time.monotonic() < deadline:
            time.sleep(0.005)

    def _found(self) -> dict[int, psutil.Process]:
        pids = self._group.pids() if self._group is not None else []
        if not pids:  # no group, or a worker on its way into it
            own = psutil.Process(self._pid)
            return {process.pid: process for process in (own, *own.children(recursive=True))}
        found: dict[int, psutil.Process] = {}
        for pid in pids:
            known = self._known.get(pid)
            with contextlib.suppress(psutil.Error):
                found[pid] = known if known is not None and known.is_running() else psutil.Process(pid)
        return found


def _marked(token: str) -> list[psutil.Process]:
    """Processes that carry the token in their environment, whoever their parent is by now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(TOKEN) == token:
                found.append(process)
    return found


def _lives(process: psutil.Process) -> bool:
    """A zombie is dead; its entry waits for whoever inherited it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
