"""What holds a worker to its limits on this machine: control groups where one works, tried once, else the watchdog alone."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from evolution.trials.control_groups import made_group, sweep_groups
from evolution.trials.entering import systemd_environment, systemd_scope
from evolution.trials.group_places import (
    GroupPlace,
    Hierarchy,
    Kind,
    direct_places,
    hierarchies,
    is_limited,
    mounted,
)

_TRIED_S = 20.0
_TRIED_BYTES = 64 << 20
_TRIED_TASKS = 16
WATCHDOG = "a watchdog that looks twenty times a second; this machine lets us make no control group"


def group_place() -> GroupPlace | None:
    """Where groups can be made, None where they cannot."""
    return _place(os.getpid()) if sys.platform.startswith("linux") else None


def limits_in_words() -> str:
    """For people: what holds a trial to its limits here."""
    place = group_place()
    if place is None:
        return WATCHDOG
    made_by = ", made by your systemd" if place.by_systemd else ""
    return f"the kernel, by a control group for each trial ({place.kind}{made_by})"


@cache
def _place(_process: int) -> GroupPlace | None:
    """Also removes what killed jobs have left there. A process that was forked may be in another group than this one."""
    found = hierarchies()
    places = (*direct_places(found), *_of_systemd(found))
    place = next((place for place in places if _holds(place)), None)
    if place is not None:
        sweep_groups(place)
    return place


def _holds(place: GroupPlace) -> bool:
    """Whether a process in a group of this place is where it should be, under the limits that were set, and still has
    the open file that it was given."""
    with suppress(OSError, subprocess.SubprocessError), tempfile.TemporaryFile() as given:
        given.write(b"given")
        given.flush()
        with tempfile.TemporaryDirectory() as folder:
            group = made_group(place, memory_bytes=_TRIED_BYTES, tasks=_TRIED_TASKS, folder=Path(folder))
            try:
                read = ["/bin/cat", "/proc/self/cgroup", f"/proc/self/fd/{given.fileno()}"]
                told = _told(group.command(read), group.environment(), given.fileno())
                return (
                    told.endswith("given") and all(f.name in told for f in group.folders) and group.is_held()
                )
            finally:
                group.remove()
    return False


def _of_systemd(found: list[Hierarchy]) -> Iterator[GroupPlace]:
    """Where the user's systemd puts its scopes, asked of one. A limit that is set on us is not left."""
    second = [hierarchy for hierarchy in found if hierarchy.kind is Kind.V2]
    if not second or shutil.which("systemd-run") is None or "XDG_RUNTIME_DIR" not in os.environ:
        return
    own, top = second[0].own, second[0].top
    if any(is_limited(group) for group in (own, *own.parents) if group.is_relative_to(top)):
        return
    unit = f"evolverec-try-{os.getpid()}"
    command = [*systemd_scope(unit, _TRIED_BYTES, _TRIED_TASKS), "/bin/cat", "/proc/self/cgroup"]
    with suppress(OSError, subprocess.SubprocessError):
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
        for hierarchy in mounted(mounts, _told(command, systemd_environment())):
            if hierarchy.kind is Kind.V2 and hierarchy.own.name == f"{unit}.scope":
                yield GroupPlace(kind=Kind.V2, parents=(hierarchy.own.parent,), by_systemd=True)


def _told(command: list[str], environment: dict[str, str], *given: int) -> str:
    """What a command prints. given: open files for it; it is started again where it was killed. Raises OSError,
    SubprocessError: it does not start, fails, or does not end."""
    try:
        return _told_once(command, environment, *given)
    except subprocess.CalledProcessError as error:
        if error.returncode >= 0:
            raise
    return _told_once(command, environment, *given)


def _told_once(command: list[str], environment: dict[str, str], *given: int) -> str:
    return subprocess.run(
        command,
        env=environment,
        pass_fds=given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TRIED_S,
        check=True,
    ).stdout
