"""Personal folders: homes, and the folders in them that hold keys and settings. A sandbox shows none of them."""

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path

_SHELVES = (Path("/home"), Path("/Users"), Path("/var/home"))  # each folder in one of these is a home
_ROOTS = (Path("/root"), Path("/var/root"))
_IN_HOMES_ALONE = (".ssh", ".gnupg", ".netrc", ".profile", ".bashrc", ".bash_history", ".zshrc")
_IN_MOST_HOMES = (".config", ".local", ".cache")  # one of them may be a project's
_CHILDREN = 1000  # of a folder that are looked at
_SECRET = (
    *(".ssh", ".gnupg", ".config", ".aws", ".azure", ".kube", ".docker", ".netrc", ".password-store"),
    *(".mozilla", ".thunderbird", ".local/share/keyrings", ".git-credentials", ".pki"),
)


def is_home(folder: Path) -> bool:
    """Whether a folder is a home: known by its place, as a user's, or by what lies in it."""
    if folder in _homes() or folder.parent in _SHELVES or folder in _owners_home(folder):
        return True
    return _looks_like_home(folder)


def _looks_like_home(folder: Path) -> bool:
    alone, most = (_count(folder, names) for names in (_IN_HOMES_ALONE, _IN_MOST_HOMES))
    return alone >= 1 or most >= 2


def _count(folder: Path, names: Iterable[str]) -> int:
    return sum(os.path.lexists(folder / name) for name in names)


def holds_home(folder: Path) -> bool:
    """Whether a home lies in a folder: however deep where it is known, else directly in it."""
    if any(home.is_relative_to(folder) for home in (*_homes(), *_SHELVES, *_ROOTS)):
        return True
    with suppress(OSError):
        return any(_looks_like_home(child) for child in islice(folder.iterdir(), _CHILDREN))
    return False


def is_of_a_home(folder: Path) -> bool:
    """Whether a folder is shared by all that a user has installed: a home, one that holds homes, or `~/.local`."""
    return is_home(folder) or holds_home(folder) or folder.name == ".local"


def is_secret(path: Path) -> bool:
    """Whether a path holds, is or lies in a folder of a home where keys, passwords or settings are kept."""
    homes = {*_homes(), *(parent for parent in path.parents if parent.parent in _SHELVES)}
    kept = [home / name for home in homes for name in _SECRET]
    return any(path.is_relative_to(place) or place.is_relative_to(path) for place in kept)


def _homes() -> tuple[Path, ...]:
    found: set[Path] = set(_ROOTS)
    with suppress(RuntimeError):
        found.add(Path.home())
    found |= set(_of_user(os.getuid())) if hasattr(os, "getuid") else set()
    found |= {home.resolve() for home in found}
    return tuple(sorted(home for home in found if home != Path("/")))


def _owners_home(folder: Path) -> Iterable[Path]:
    with suppress(OSError):
        return _of_user(folder.stat().st_uid)
    return ()


@cache
def _of_user(uid: int) -> tuple[Path, ...]:
    try:
        import pwd
    except ImportError:  # Windows
        return ()
    with suppress(KeyError):
        home = Path(pwd.getpwuid(uid).pw_dir)
        return (home, home.resolve()) if home.is_absolute() and home != Path("/") else ()
    return ()
