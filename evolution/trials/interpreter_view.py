"""What of an interpreter a sandbox shows: what it needs to run and what it has installed, never a personal folder.

An environment (`pyvenv.cfg`, `conda-meta`) is Python's alone, so its usual folders are shown. Of any other prefix
the libraries are shown, and of one that is a home or `~/.local` only what bears Python's name. What editable packages
name is shown where it is neither a home nor holds one.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from evolution.base.homes import holds_home, is_home, is_of_a_home, is_secret
from evolution.base.places import PACKAGE_ROOT
from evolution.trials.interpreter import Interpreter

WHOLE = (Path("/usr"), Path("/nix/store"))  # shown to every worker
_ENVIRONMENT = ("bin", "lib", "lib64", "include", "share", "pyvenv.cfg")
_CONDA = ("libexec", "ssl", "targets", "nvvm", "compiler_compat", "conda-meta", "x86_64-conda-linux-gnu")
_SHARED = ("lib", "lib64", "include", "openssl")
_PROGRAM = re.compile(r"(python|pypy)3?(\.\d+)?[a-z]*")
_LINKS = 40  # as many as the kernel follows


@dataclass(frozen=True, kw_only=True)
class InterpreterView:
    """shown: folders and files, each at its own path. links: link -> where it points. withheld: path -> why."""

    shown: tuple[Path, ...]
    links: tuple[tuple[Path, str], ...]
    withheld: tuple[tuple[Path, str], ...]


@cache
def view_of(interpreter: Interpreter, programs: tuple[Path, ...] = ()) -> InterpreterView:
    """programs: folders where the worker finds its program; what an editable package names in one is the program's."""
    needed = {*interpreter.library, *interpreter.packages}
    for prefix in interpreter.prefixes:
        needed |= set(_parts(prefix, interpreter.version))
    withheld = {path: why for path in interpreter.named if (why := _why_not(path, programs))}
    named = {path for path in interpreter.named if _is_theirs(path, interpreter, programs)} - set(withheld)
    shown = {place for path in needed | named for place in (path, path.resolve())}
    shown = {path for path in shown if path.exists() and not _is_below(path, WHOLE) and not _exposes(path)}
    shown = {path for path in shown if not _is_below(path, shown - {path})}
    files, links = _executables(interpreter, shown)
    return InterpreterView(
        shown=tuple(sorted(shown | files)),
        links=tuple(sorted(links.items())),
        withheld=tuple(sorted(withheld.items())),
    )


def _parts(prefix: Path, version: tuple[int, int]) -> Iterator[Path]:
    """What a prefix shows, by its kind."""
    if is_of_a_home(prefix):
        yield from _python_alone(prefix, version)
    elif (prefix / "conda-meta").is_dir():
        yield from (prefix / name for name in (*_ENVIRONMENT, *_CONDA))
    elif (prefix / "pyvenv.cfg").is_file():
        yield from (prefix / name for name in _ENVIRONMENT)
    else:
        yield from (prefix / name for name in _SHARED)


def _python_alone(prefix: Path, version: tuple[int, int]) -> Iterator[Path]:
    yield prefix / "pyvenv.cfg"
    for folder in ("lib", "lib64"):
        yield prefix / folder / f"python{version[0]}.{version[1]}"
        yield from (prefix / folder).glob("libpython*")
    yield from (prefix / "include").glob(f"python{version[0]}.{version[1]}*")


def _is_theirs(path: Path, interpreter: Interpreter, programs: Sequence[Path]) -> bool:
    """Whether an editable package is somebody else's: neither ours nor the program that is measured."""
    places = {path, path.resolve()}
    if any(_is_below(place, interpreter.prefixes) for place in places):
        return True
    return not any(_is_below(place, (*programs, PACKAGE_ROOT)) for place in places)


def _why_not(path: Path, programs: Sequence[Path]) -> str:
    """Why what an editable package names stays hidden; "" where it does not."""
    for place in (path, path.resolve()):
        if is_home(place) or holds_home(place):
            return "it is a home folder, or holds one"
        if is_secret(place):
            return "keys and settings are kept there"
        inside = [program for program in programs if program != place and program.is_relative_to(place)]
        if inside and place != PACKAGE_ROOT:
            return "it holds the repo, and with it what a worker must not know"
    return ""


def _exposes(path: Path) -> bool:
    return is_home(path) or holds_home(path)


def _is_below(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _executables(interpreter: Interpreter, shown: set[Path]) -> tuple[set[Path], dict[Path, str]]:
    """Programs outside of the shown folders, each with the links that lead to it: Python finds its library by them."""
    named = {interpreter.executable}
    for prefix in interpreter.prefixes:
        if (prefix / "bin") not in shown and (prefix / "bin").is_dir():
            named |= {path for path in (prefix / "bin").iterdir() if _PROGRAM.fullmatch(path.name)}
    files: set[Path] = set()
    links: dict[Path, str] = {}
    for program in named:
        for step in _followed(program):
            if _is_below(step, (*shown, *WHOLE)):
                continue
            if step.is_symlink():
                links[step] = str(step.readlink())
            elif step.is_file():
                files.add(step)
    return files, links


def _followed(program: Path) -> Iterator[Path]:
    """The program, and what its links lead to, step by step; at last the file itself under its real path."""
    step = program
    for _ in range(_LINKS):
        yield step
        if not step.is_symlink():
            break
        step = Path(os.path.normpath(step.parent / step.readlink()))
    yield program.resolve()
