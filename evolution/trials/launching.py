"""Starts a worker's or analyst's process: with the filter of system calls, and without the user's keys.

The kernel keeps keys (of network file systems, of encrypted folders) in keyrings that a child inherits from the *thread*
that starts it. So one thread of its own starts every process, and gives up its session keyring before; the job's other
threads keep theirs. The thread lives as long as the job: bubblewrap's --die-with-parent means the thread.
"""

import ctypes
import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from evolution.trials.syscall_filter import filter_program
from evolution.trials.syscalls import this_processor

FILTER = "FILTER"  # in a command, where the filter's file descriptor belongs
_JOIN_SESSION_KEYRING = 1


def start(command: Sequence[str], **options: Any) -> "subprocess.Popen[Any]":
    """`subprocess.Popen(command, **options)`, with the filter at FILTER. Raises OSError."""
    return _starter(os.getpid()).submit(_start, list(command), options).result()


@cache
def _starter(_process: int) -> ThreadPoolExecutor:
    """The thread that starts processes; a process that was forked from this one has none yet."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="launching")


def _start(command: list[str], options: dict[str, Any]) -> "subprocess.Popen[Any]":
    _leave_keyring()
    if FILTER not in command:
        return subprocess.Popen(command, **options)
    processor = this_processor()
    assert processor is not None, "a command has the filter only where there is one"
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(filter_program(processor))  # smaller than the pipe, so nobody need read it meanwhile
        filled = [str(reading) if word == FILTER else word for word in command]
        return subprocess.Popen(filled, **options, pass_fds=(reading,))
    finally:
        os.close(reading)


def _leave_keyring() -> None:
    """Begin an empty session keyring. Where the kernel refuses, it refuses the child's questions for keys as well."""
    processor = this_processor()
    if processor is not None and os.uname().sysname == "Linux":
        ctypes.CDLL(None).syscall(processor.numbers["keyctl"], _JOIN_SESSION_KEYRING, None)
