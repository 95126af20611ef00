"""The process of one probe of the user's: runs the file as it is, on views of one trial, within limits of time and memory.

It is code of the repo, as the recommender is, and may import what this interpreter has. The sandbox around the process keeps
it from files and network; the job checks what it answers, for the probe may write on the wire itself.
"""

import random
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from diagnosis.coevolution.spec import ABSENT_WHEN
from diagnosis.coevolution.subjects import MODEL
from diagnosis.coevolution.view import absent
from evolution.analyst.probe_process import address_space, opened_subjects
from evolution.worker.guest.wire import Channel

LONGEST_CALL_S = 60
MEMORY_BYTES = 2 << 30  # beyond the evidence
LONGEST_TEXT = 2_000
EXPECTED = "a number, one number per user (len(view.users) of them), a mapping with such a `value`, or None"


class TooSlow(BaseException):
    """No `except Exception` of a probe catches it."""


class WrongAnswer(Exception):
    """`measure` returned something else than it may; the text says what."""


def serve() -> None:
    """Answer the request "measure" until the job closes the channel."""
    channel = Channel()
    for request in channel:
        try:
            channel.reply({"ok": _measured(**request["with"])})
        except Exception:  # noqa: BLE001 - the host reads what was raised
            channel.reply({"failure": {"kind": "crash", "message": traceback.format_exc()}})


def _measured(
    folder: str, path: str, text: str, names: Sequence[str], needs: Sequence[str], seed: int
) -> dict[str, Any]:
    """{"answers": subject -> what `measure` returned, "lacks": why it was not asked} or {"fault": {"line", "message"}}."""
    subjects = opened_subjects(folder, seed)
    known = set(subjects.names)
    view = subjects.view(MODEL)
    lacking = sorted(absent(view) & set(needs))
    if lacking:
        return {"answers": {}, "lacks": f"it needs view.{lacking[0]}, and {ABSENT_WHEN[lacking[0]]}"}
    answers: dict[str, Any] = {}
    try:
        measure = within_limits(lambda: _loaded(path, text))
        for name in names:
            if name in known:
                view = subjects.view(name)
                random.seed(seed)
                np.random.seed(seed)
                answers[name] = told_answer(within_limits(lambda view=view: measure(view)), len(view.users))
    except TooSlow:
        words = f"measure was stopped after {LONGEST_CALL_S} s"
        return {"fault": {"line": line_in(path, sys.exc_info()[2]), "message": words}}
    except WrongAnswer as wrong:
        return {"fault": {"line": 0, "message": str(wrong)}}
    except MemoryError as error:
        words = f"took more than {MEMORY_BYTES >> 30} GiB of memory"
        return {"fault": {"line": line_in(path, error.__traceback__), "message": words}}
    except BaseException as error:  # noqa: BLE001 - the user's code; SystemExit is a fault like any other
        return {"fault": _told_error(path, error)}
    return {"answers": answers}


def _loaded(path: str, text: str) -> Callable[[Any], Any]:
    space: dict[str, Any] = {"__name__": "probe", "__file__": path}
    exec(compile(text, path, "exec"), space)  # noqa: S102 - what this process is for
    measure = space.get("measure")
    if not callable(measure):
        raise WrongAnswer("`measure` is no function once the file has run")
    return measure


def within_limits(work: Callable[[], Any]) -> Any:
    with _limits(), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return work()


@contextmanager
def _limits() -> Iterator[None]:
    """A block that is stopped on the line it has reached after LONGEST_CALL_S, and whose allocations have a limit."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TooSlow

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = address_space() + MEMORY_BYTES
    resource.setrlimit(
        resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
    )
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_CALL_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def told_answer(answer: Any, users: int) -> dict[str, Any] | None:
    """An answer as the wire has it. Raises WrongAnswer."""
    if answer is None:
        return None
    if not isinstance(answer, Mapping):
        return {"values": _values(answer, users)}
    unknown = sorted(map(str, set(answer) - {"value", "message", "healthy", "at"}))
    if "value" not in answer or unknown:
        held = ", ".join(map(repr, answer))
        raise WrongAnswer(
            f"measure returned a mapping of {held:.200}; expected `value` and perhaps `message`, `healthy`, `at`"
        )
    value, healthy = answer["value"], answer.get("healthy")
    if healthy is not None and not isinstance(healthy, (bool, np.bool_)):
        raise WrongAnswer(f"measure returned `healthy` = {healthy!r:.100}; expected True, False or None")
    for name in ("message", "at"):
        if not isinstance(answer.get(name, ""), str):
            raise WrongAnswer(f"measure returned `{name}` = {answer[name]!r:.100}; expected a text")
    if value is None:
        return None
    return {
        "values": _values(value, users),
        "message": answer.get("message", "")[:LONGEST_TEXT],
        "healthy": None if healthy is None else bool(healthy),
        "at": answer.get("at", "")[:LONGEST_TEXT],
    }


def _values(answer: Any, users: int) -> float | list[float]:
    """One number, or one for each user. Raises WrongAnswer."""
    kind = type(answer).__name__
    if hasattr(answer, "detach"):  # of torch, where this interpreter has it
        answer = answer.detach().cpu().numpy()
    try:
        values = np.asarray(answer)
    except ValueError:
        raise WrongAnswer(f"measure returned a {kind} of uneven parts; expected {EXPECTED}") from None
    if values.dtype.kind not in "fiu" and not (values.dtype.kind == "b" and values.ndim):
        raise WrongAnswer(f"measure returned {answer!r:.100} ({kind}); expected {EXPECTED}")
    if values.shape not in ((), (users,)):
        raise WrongAnswer(
            f"measure returned an array of shape {values.shape}; expected () or ({users},), one number per user"
        )
    return values.astype(np.float64).tolist()


def _told_error(path: str, error: BaseException) -> dict[str, Any]:
    words = f"{type(error).__name__}: {error!s:.500}".rstrip(": ")
    return {"line": line_in(path, error.__traceback__), "message": words}


def line_in(path: str, step: Any) -> int:
    """The line of the innermost frame in the probe's own file; 0 if there is none."""
    line = 0
    while step is not None:
        line = step.tb_lineno if step.tb_frame.f_code.co_filename == path else line
        step = step.tb_next
    return line
