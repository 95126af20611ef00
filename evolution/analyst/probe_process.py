"""The process of one evolved probe, which is candidate code: runs it on views of one trial.

The probe's system calls, time and memory are checked in this process. The sandbox around the process, and the job that
can kill it, stop a probe that gets past these checks.
"""

import random
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.fft  # all of numpy is loaded before a probe runs, so that any file opened then is opened by the probe
import numpy.linalg
import numpy.ma
import numpy.polynomial
import numpy.random

from diagnosis.coevolution.faulty_models import ScoredRanking
from diagnosis.coevolution.rejection import ProbeFailed, Reason
from diagnosis.coevolution.source import compiled, needs
from diagnosis.coevolution.spec import ABSENT_WHEN, ProbeSpec
from diagnosis.coevolution.subjects import MODEL, Subjects
from diagnosis.coevolution.templates import needs_of_template, template
from diagnosis.coevolution.view import ProbeView, absent
from evolution.analyst.main import read_evidence
from evolution.base import serial
from evolution.worker.guest.wire import Channel

KILL_AFTER = 2  # times the budget, in processor time, after which the kernel ends the process
HANG_AFTER = (
    20  # times the budget, in wall time, after which it ends a process that waits instead of computing
)
_WATCHED = (
    "open",
    "socket.",
    "subprocess.",
    "os.",
    "shutil.",
    "ctypes.",
    "pty.",
    "tempfile.",
    "urllib.",
    "http.",
)

Measure = Callable[[ProbeView], Any]


def serve() -> None:
    """Answer the requests "probe" and "subjects" until the job closes the channel."""
    channel = Channel()
    for request in channel:
        arguments = request["with"]
        try:
            channel.reply({"ok": {"probe": _probe, "subjects": _subjects}[request["do"]](**arguments)})
        except ProbeFailed as failed:
            channel.reply({"ok": {"rejection": serial.plain(failed.rejection)}})
        except Exception:  # noqa: BLE001 - the host reads what was raised
            channel.reply({"failure": {"kind": "crash", "message": traceback.format_exc()}})


def _subjects(folder: str, measured: bool) -> dict[str, Any]:
    """The subjects that the trial has evidence for, and what the built-in probes measure on each."""
    from diagnosis.measure import measure

    subjects = opened_subjects(folder, 0)
    said: dict[str, dict[str, float]] = {}
    with np.errstate(all="ignore"):
        for name in subjects.names if measured else ():
            for found in measure(subjects.evidence(name)):
                if found.healthy is not None:
                    said.setdefault(found.code, {})[name] = found.value
    users = subjects.view(MODEL).users
    return {"names": list(subjects.names), "users": users.tolist(), "known": said}


def _probe(
    folder: str,
    spec: dict[str, Any],
    names: Sequence[str],
    seed: int,
    state: int,
    budget: Mapping[str, float],
) -> dict[str, Any]:
    """The probe's values for each subject, measured in the order given."""
    probe = serial.load(ProbeSpec, spec)
    subjects = opened_subjects(folder, seed)
    measure = compiled(probe.source) if probe.source else template(probe.template, probe.parameters)
    wanted = needs(probe.source) if probe.source else needs_of_template(probe.template, probe.parameters)
    _refuse_what_is_absent(wanted, subjects.view(MODEL))
    random.seed(state)
    np.random.seed(state)  # differs between runs, so that a probe that uses the global state is found out
    values: dict[str, list[float]] = {}
    slowest = 0.0
    watch = AccessWatch()
    for name in names:
        view = subjects.view(name)
        if wanted & absent(view):
            continue
        began = time.process_time()
        answer = _called(measure, view, budget, watch)
        slowest = max(slowest, time.process_time() - began)
        values[name] = _checked(answer, view).tolist()
    if slowest > budget["time_s"]:
        words = f"one call takes {slowest:.1f} s of processor time; the budget is {budget['time_s']:g} s"
        raise ProbeFailed(Reason.TIME, words)
    return {"values": values, "seconds": slowest}


def opened_subjects(folder: str, seed: int) -> Subjects:
    place = Path(folder)
    references = {
        path.stem: ScoredRanking(
            scores=np.load(path), shuffled=np.load(path.with_name(f"{path.stem}.shuffled.npy"))
        )
        for path in sorted((place / "rankings").glob("*.npy"))
        if not path.stem.endswith(".shuffled")
    }
    return Subjects(read_evidence(place, 0), references, seed)


def _refuse_what_is_absent(wanted: frozenset[str], view: ProbeView) -> None:
    for name in sorted(wanted & absent(view)):
        raise ProbeFailed(Reason.ABSENT, f"it needs view.{name}, and {ABSENT_WHEN[name]}")


def _called(measure: Measure, view: ProbeView, budget: Mapping[str, float], watch: "AccessWatch") -> Any:
    """Call the probe on one view, within its limits. Raises ProbeFailed."""
    before = _global_state()
    try:
        with _limits(budget), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # to print one, Python opens the source file
            with watch:
                answer = measure(view)
    except MemoryError as error:
        most = budget["memory_bytes"] / 2**20
        raise ProbeFailed(Reason.MEMORY, f"one call takes more than its {most:.0f} MiB of memory") from error
    except Exception as error:
        if watch.attempts:
            raise ProbeFailed(Reason.FORBIDDEN, watch.attempts[0]) from error
        words = f"{type(error).__name__}: {error} (line {_line(error)})"
        raise ProbeFailed(Reason.RAISED, words) from error
    if watch.attempts:
        raise ProbeFailed(Reason.FORBIDDEN, watch.attempts[0])
    if _global_state() != before:
        raise ProbeFailed(Reason.GLOBAL_STATE, "it changes the global random state")
    return answer


def _line(error: Exception) -> int:
    """The line of the innermost frame in the probe's own source; 0 if there is none."""
    line, step = 0, error.__traceback__
    while step is not None:
        line = step.tb_lineno if step.tb_frame.f_code.co_filename == "probe.py" else line
        step = step.tb_next
    return line


def _checked(answer: Any, view: ProbeView) -> np.ndarray:
    """The probe's answer as float64 (S,). Raises ProbeFailed if it is not one number per user."""
    try:
        values = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError) as error:
        words = f"measure returned {type(answer).__name__}; expected one number per user"
        raise ProbeFailed(Reason.SHAPE, words) from error
    if values.shape != (len(view.users),):
        words = (
            f"measure returned an array of shape {values.shape}; expected ({len(view.users)},), one per user"
        )
        raise ProbeFailed(Reason.SHAPE, words)
    return values


def _global_state() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()
    return random.getstate(), name, np.asarray(keys).tobytes(), *rest


@contextmanager
def _limits(budget: Mapping[str, float]) -> Iterator[None]:
    """A block in which the kernel enforces the budget: allocations beyond it fail, and a process that takes too long
    is killed.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = address_space() + int(budget["memory_bytes"])
    resource.setrlimit(
        resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
    )
    signal.setitimer(signal.ITIMER_PROF, KILL_AFTER * budget["time_s"])
    signal.setitimer(signal.ITIMER_REAL, HANG_AFTER * budget["time_s"])
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


class AccessWatch:
    """A block in which file, network and process access fails, and is recorded in words.

    It uses a Python audit hook, which cannot be removed; outside of the block the hook does nothing.
    """

    def __init__(self) -> None:
        self.attempts: list[str] = []
        self._watching = False
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._watching and event.startswith(_WATCHED):
            said = ", ".join(str(argument)[:80] for argument in arguments[:2])
            self.attempts.append(f"it reaches for {event}({said})")
            raise PermissionError(self.attempts[-1])

    def __enter__(self) -> None:
        self._watching = True

    def __exit__(self, *_: object) -> None:
        self._watching = False
