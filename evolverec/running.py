"""Runs one command of evolverec as a process and returns its JSON document."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

ENTRY = Path(__file__).resolve().parent.parent / "evolverec_entry.py"
TOLD = "EVOLVEREC_PROGRESS"  # has a command with --json tell its progress on stderr
POLL_S = 0.05
FAILED_TRIAL = 1  # the exit code of commands that print a document and found something wrong


class CommandError(Exception):
    """A command gave no result. The message says what happened and what to do. exit_code: 1 the repo's fault, 2 wrong use,
    130 cancelled. path, line: where in the repo, "" and 0 if unknown."""

    def __init__(self, message: str, *, exit_code: int, path: str = "", line: int = 0) -> None:
        self.exit_code, self.path, self.line = exit_code, path, line
        super().__init__(message)


def run(words: Sequence[str]) -> dict[str, Any]:
    """The document of `evolverec WORDS --json`, while its progress is printed.

    Raises CommandError; KeyboardInterrupt once the command has cancelled its job.
    """
    process = subprocess.Popen(
        [sys.executable, str(ENTRY), *words, "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, TOLD: "1"},
        start_new_session=True,  # an interrupt reaches the command once, from here
    )
    assert process.stdout is not None and process.stderr is not None
    answer, said = _Answer(process.stdout), _Told(process.stderr)
    try:
        _wait(process)
    except KeyboardInterrupt:
        _cancel(process)
        raise
    finally:
        answer.join()
        said.join()
    return _document(answer.text, process.returncode, said.last)


def _wait(process: subprocess.Popen[bytes]) -> None:
    """In short sleeps, between which an interrupt is noticed whichever thread the system gave it to."""
    while process.poll() is None:
        time.sleep(POLL_S)


def _cancel(process: subprocess.Popen[bytes]) -> None:
    """Have the command cancel its job and wait for it; a second interrupt ends the job at once."""
    process.send_signal(signal.SIGINT)
    try:
        _wait(process)
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        _wait(process)


class _Told(threading.Thread):
    """Prints the lines of a command's stderr as they come. last: the newest."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(name="progress of evolverec", daemon=True)
        self._stream, self.last = stream, ""
        self.start()

    def run(self) -> None:
        with self._stream:
            for line in self._stream:
                self.last = line.decode("utf-8", "replace").rstrip()
                print(self.last, flush=True)


class _Answer(threading.Thread):
    """Reads a command's stdout. text: all of it, once the thread has ended."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(name="answer of evolverec", daemon=True)
        self._stream, self.text = stream, b""
        self.start()

    def run(self) -> None:
        with self._stream:
            self.text = self._stream.read()


def _document(text: bytes, exit_code: int, last: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(text)
    except ValueError:
        raise CommandError(last or "evolverec ended without a word", exit_code=exit_code) from None
    error = document.get("error")
    if exit_code > FAILED_TRIAL or (isinstance(error, dict) and exit_code):
        told = error if isinstance(error, dict) else {"message": last}
        place = {"path": told.get("path") or "", "line": told.get("line") or 0}
        raise CommandError(str(told["message"]), exit_code=exit_code, **place)
    return document
