"""Names of temporary files and folders, which tell whose they are, so that those of killed processes can be removed."""

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from evolution.base.processes import ProcessId, boot_id, identify, is_visible, lives

_NAME = re.compile(r"\.(?:draft|gone)-(\d+)\.(\d+)\.(\d+)\.([0-9a-f-]*)-\w+")
_ANY = (".draft-*", ".gone-*")
OTHERS_S = 86_400.0  # what a process made that cannot be seen from here is removed when it is a day old


def draft_name() -> str:
    """A new name for what this process is filling."""
    return f".draft-{_whose()}-{secrets.token_hex(4)}"


def gone_name() -> str:
    """A new name for what this process is deleting."""
    return f".gone-{_whose()}-{secrets.token_hex(4)}"


def remove_abandoned(folder: Path, *, deep: bool = False) -> None:
    """Delete the drafts in a folder (deep: and below it) whose process has ended; what cannot be deleted stays."""
    for path in _drafts(folder, deep=deep):
        if is_abandoned(path):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _drafts(folder: Path, *, deep: bool) -> Iterator[Path]:
    search = folder.rglob if deep else folder.glob
    for pattern in _ANY:
        yield from list(search(pattern))


def is_abandoned(path: Path) -> bool:
    """Whether the process that made this name has ended, or cannot be seen and made it more than a day ago."""
    found = _NAME.fullmatch(path.name)
    boot = boot_id()[:8]
    if found and found[4] == boot:
        maker = ProcessId(pid=int(found[1]), ticks=int(found[2]), boot=boot_id(), namespace=int(found[3]))
        if is_visible(maker):
            return not lives(maker)
    try:
        return time.time() - path.lstat().st_mtime > OTHERS_S
    except OSError:
        return False


def _whose() -> str:
    return _named(os.getpid())


@cache
def _named(pid: int) -> str:
    me = identify(pid) or ProcessId(pid=pid, ticks=0, boot=boot_id(), namespace=0)
    return f"{me.pid}.{me.ticks}.{me.namespace}.{me.boot[:8]}"
