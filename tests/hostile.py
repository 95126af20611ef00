"""What a hostile repo may hold in the place of a file: pipes, devices, links out, sockets, and folders nested deeply."""

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Plant = Callable[[Path], None]  # puts something else at a path


def pipe(path: Path) -> None:
    _cleared(path)
    os.mkfifo(path)


def endless(path: Path) -> None:
    _cleared(path)
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    _cleared(path)
    path.symlink_to(path.name)


def folder(path: Path) -> None:
    _cleared(path)
    path.mkdir()


def link_out(path: Path) -> None:
    _cleared(path)
    path.symlink_to("/etc/passwd")


def listening(path: Path) -> None:
    """A socket, bound from its own folder: the name of a socket is short."""
    _cleared(path)
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(before)


def huge(path: Path) -> None:
    """As large as a disk, and takes no place on it."""
    _cleared(path)
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.fixture
def nested() -> Iterator[Callable[..., None]]:
    """nested(path, depth=1100): folders in folders, the innermost with a Python file, deeper than Python calls itself.

    They are flattened at the end, as pytest cannot delete them.
    """
    made: list[Path] = []

    def nest(path: Path, depth: int = 1100) -> None:
        made.append(path)
        _nest(path, depth)

    yield nest
    for path in made:
        _flatten(path)


def _nest(path: Path, depth: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    at = os.open(path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=at)
        inner = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    file = os.open("inner.py", os.O_CREAT | os.O_WRONLY, dir_fd=at)
    os.write(file, b"x = 1\n")
    os.close(file)
    os.close(at)


def _flatten(path: Path) -> None:
    while (path / "d" / "d").is_dir():
        (path / "d" / "d").rename(path / "up")
        (path / "d").rmdir()
        (path / "up").rename(path / "d")


def mark_as_ours(repo: Path, config_home: Path) -> None:
    """Give the repo the mark of this machine, as if what it holds beside its code had been written here."""
    machine = "0" * 32
    config_home.mkdir(parents=True, exist_ok=True)
    (config_home / "machine").write_text(machine + "\n", encoding="ascii")
    (repo / ".evolverec").mkdir(exist_ok=True)
    mark = hashlib.sha256(f"{machine}:{repo.resolve()}".encode()).hexdigest()
    (repo / ".evolverec" / "mark").write_text(mark + "\n", encoding="ascii")


NO_FILES: dict[str, Plant] = {
    "pipe": pipe,
    "device": endless,
    "loop": loop,
    "folder": folder,
    "link out": link_out,
    "socket": listening,
    "huge": huge,
}


def _cleared(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
