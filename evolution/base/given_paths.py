"""Paths that a person or an editor gave: what no file system takes is wrong use, said in words."""

from collections.abc import Callable
from pathlib import Path

from evolution.base.errors import UsageError

SHOWN = 200  # characters of a path


def real_path(path: Path) -> Path:
    """The absolute path without links; `~` is a home folder. Nothing needs to be there.

    Raises UsageError: no file can have this path (too long, links in a circle, the home folder of nobody), or evolverec
    cannot keep it (no UTF-8), or it is relative to a working directory that was deleted.
    """
    return _usable(path, Path.resolve)


def absolute_path(path: Path) -> Path:
    """As `real_path`, with its links: the interpreter of an environment is a link out of it."""
    return _usable(path, Path.absolute)


def _usable(path: Path, made_absolute: Callable[[Path], Path]) -> Path:
    try:
        found = made_absolute(path.expanduser())
        found.exists()  # how long a name may be is the file system's to say
        str(found).encode()
    except UnicodeEncodeError:
        raise _unusable(
            path, "its name is no UTF-8, in which evolverec keeps paths; expected another name"
        ) from None
    except FileNotFoundError:
        raise _unusable(path, "the working directory that it is relative to was deleted") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise _unusable(path, getattr(error, "strerror", "") or str(error)) from None
    return found


def _unusable(path: Path, why: str) -> UsageError:
    named = str(path).encode("utf-8", "backslashreplace").decode()
    shown = named if len(named) <= SHOWN else f"{named[:SHOWN]}... ({len(named)} characters)"
    return UsageError(f"{shown} is no path that can be used: {why}")
