"""What the user's interpreter is: where it lives, and what lies on its path. Asked once per interpreter."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from evolution.base.errors import UsageError
from evolution.repo.settings import another_interpreter

OLDEST = (3, 9)
NUMPY_MISSING = "numpy is missing in the interpreter that runs repos; every worker needs it"
ASKED_S = 12.0  # asking takes a tenth of a second, and some seconds from a slow disk
IMPORTED_S = 45.0  # importing torch takes a second, and up to half a minute from a cold disk
ANSWER_BYTES = 1 << 20
_TICK_S = 0.01
_KEPT = (
    "HOME",
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "HSA_OVERRIDE_GFX_VERSION",
)
_QUESTION = Path(__file__).with_name("interpreter_question.py")


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """prefixes: its folders. library: folders of its standard library and headers. packages: folders of installed
    packages, the user's own included. named: what editable packages name, folders or files. path: its whole `sys.path`.
    """

    executable: Path
    version: tuple[int, int]
    prefixes: tuple[Path, ...]
    library: tuple[Path, ...] = ()
    packages: tuple[Path, ...] = ()
    named: tuple[Path, ...] = ()
    path: tuple[str, ...] = ()


def interpreter_at(python: Path) -> Interpreter:
    """Raises UsageError: it cannot be run, is older than 3.9, or has no numpy."""
    return _asked(python.absolute(), python.stat().st_mtime_ns if python.exists() else 0)


@cache
def _asked(python: Path, changed_ns: int) -> Interpreter:
    try:
        question = [str(python), "-E", "-S", "-B", "-c", _QUESTION.read_text(encoding="utf-8")]
        known = json.loads(_answer_unless_killed(question))
        version = (int(known["version"][0]), int(known["version"][1]))
        path = tuple(str(entry) for entry in known["path"] if entry)
        prefixes, library, named = (_paths(known[name]) for name in ("prefixes", "library", "named"))
        executable, has_numpy = Path(known["executable"]), known["numpy"]
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError) as error:
        raise UsageError(does_not_run(python, error)) from error
    if version < OLDEST:
        raise UsageError(
            f"the interpreter {python} is Python {version[0]}.{version[1]}; a worker needs 3.9 or later. "
            f"Else {another_interpreter()}"
        )
    if not has_numpy:
        raise UsageError(
            f"{NUMPY_MISSING}. Install it: `{python} -m pip install numpy`; else {another_interpreter()}"
        )
    folders = _paths(path)
    packages = tuple(folder for folder in folders if {"site-packages", "dist-packages"} & set(folder.parts))
    parts = (*prefixes, *library, *packages)
    beside = tuple(folder for folder in folders if not any(folder.is_relative_to(part) for part in parts))
    return Interpreter(
        executable=executable,
        version=version,
        prefixes=prefixes,
        library=library,
        packages=packages,
        named=_paths((*map(str, named), *map(str, beside))),
        path=path,
    )


def _paths(told: Iterable[str]) -> tuple[Path, ...]:
    return tuple(sorted({Path(entry) for entry in told if Path(entry).is_absolute()}))


def _answer_unless_killed(command: Sequence[str]) -> str:
    """As `answer_of`; asked once more where somebody killed the process, which says nothing about the interpreter."""
    try:
        return answer_of(command)
    except subprocess.CalledProcessError as error:
        if error.returncode not in (-signal.SIGKILL, -signal.SIGTERM):
            raise
        return answer_of(command)


def answer_about_torch(python: str, question: str) -> str:
    """As `answer_of`, for a question that imports torch. One that does not start at all is noticed as soon as for others."""
    answer_of([python, "-I", "-c", "pass"])
    return answer_of([python, "-I", "-c", question], IMPORTED_S)


def answer_of(command: Sequence[str], timeout_s: float = ASKED_S) -> str:
    """What an interpreter prints that runs outside of any sandbox: with nothing of our environment, within limits.

    Raises OSError, subprocess.SubprocessError: it does not start, ends with another status than 0, takes longer than
    timeout_s, or prints more than ANSWER_BYTES.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as wrong:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=wrong,
            cwd="/",
            env=_plain_environment(),
            start_new_session=True,
        ) as process:
            try:
                _wait_within(process, timeout_s, (said, wrong))
            finally:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)  # with whatever it started
        said.seek(0)
        wrong.seek(max(0, wrong.seek(0, os.SEEK_END) - 2000))
        if process.returncode:
            complaint = wrong.read().decode("utf-8", "replace")
            raise subprocess.CalledProcessError(process.returncode, command, stderr=complaint)
        return said.read(ANSWER_BYTES).decode("utf-8", "replace")


def _wait_within(process: "subprocess.Popen[bytes]", timeout_s: float, files: Sequence[IO[bytes]]) -> None:
    deadline = time.monotonic() + timeout_s
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise subprocess.TimeoutExpired(process.args, timeout_s)
        if any(os.fstat(file.fileno()).st_size > ANSWER_BYTES for file in files):
            raise subprocess.SubprocessError("it does not end what it prints")
        time.sleep(_TICK_S)


def _plain_environment() -> dict[str, str]:
    """HOME says where the user's own packages are, and the others which GPUs he may use."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", **kept}


def does_not_run(python: object, error: Exception) -> str:
    """What the user is told where asking an interpreter ended with `error`."""
    if isinstance(error, subprocess.TimeoutExpired):
        why = f"it gives no answer within {error.timeout:g} s"
    elif isinstance(error, subprocess.CalledProcessError):
        said = str(error.stderr or "").strip().splitlines()
        why = f"it ends with status {error.returncode}" + (f" and says {said[-1][:200]!r}" if said else "")
    elif isinstance(error, (ValueError, LookupError, TypeError)):
        why = "what it prints is not what a Python would"
    else:
        why = str(error)
    return f"the interpreter {python} does not run Python: {why}; {another_interpreter()}"
