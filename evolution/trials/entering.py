"""The command that brings a process into its control group, and only then becomes the process that was asked for.

It also makes the process the first that the kernel takes where the whole machine runs out of memory: never the job, the
editor or another program of the user's.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

NOT_ENTERED = 97  # the status of a process that could not join its group
# $1: how many groups; then a file of each; then the command. Nothing here is a program of its own, so PATH does not count.
_ENTER = (
    'count="$1"; shift; '
    f'while [ "$count" -gt 0 ]; do echo $$ > "$1" || exit {NOT_ENTERED}; shift; count=$((count - 1)); done; '
    "{ echo 1000 > /proc/self/oom_score_adj; } 2>/dev/null || :; "
    'exec "$@"'
)
# A scope of systemd's ends with its last process, and its figures with it: one stays, until the job lets go of the pipe.
_OF_SYSTEMD = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
_STAY = f'unset {" ".join(_OF_SYSTEMD)}; (/bin/cat "$1" >/dev/null 2>&1 </dev/null &); shift; exec "$@"'


def entering(entrances: Sequence[Path], command: Sequence[str]) -> list[str]:
    """`command`, in the groups whose `cgroup.procs` are given; () for none."""
    return ["/bin/sh", "-c", _ENTER, "evolverec", str(len(entrances)), *map(str, entrances), *command]


def systemd_scope(unit: str, memory_bytes: int, tasks: int) -> list[str]:
    """The words before a command that have the user's systemd run it in a scope with these limits."""
    limits = (f"MemoryMax={memory_bytes}", "MemorySwapMax=0", f"TasksMax={tasks}")
    program = shutil.which("systemd-run") or "/usr/bin/systemd-run"
    words = [program, "--user", "--scope", "--quiet", "--collect", f"--unit={unit}.scope"]
    return [*words, *(word for limit in limits for word in ("-p", limit)), "--"]


def systemd_environment() -> dict[str, str]:
    """Where the user's systemd is found."""
    return {name: os.environ[name] for name in _OF_SYSTEMD if name in os.environ}


def staying(pipe: Path, command: Sequence[str]) -> list[str]:
    """`command`, with a process beside it that ends when nobody can write to `pipe` any more. systemd is forgotten."""
    return ["/bin/sh", "-c", _STAY, "evolverec", str(pipe), *command]
