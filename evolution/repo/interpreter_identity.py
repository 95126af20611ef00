"""What decides what an interpreter runs when it starts, as one digest, so that a change is noticed before the next start.

Python runs more than its own file: `pyvenv.cfg` names the installation, `.pth` files and `sitecustomize` are executed, and
so is what they import. Packages that are only imported later are no part of it: that happens in the sandbox.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from evolution.base.kept import hash_of
from seeds.reading import open_plain, read_text, walk

LINKS = 40  # as many as the kernel follows
PTH_BYTES = 1 << 20
SOURCE_BYTES = 16 << 20
CUSTOMIZING = ("sitecustomize", "usercustomize")
_HOME = re.compile(r"^\s*home\s*=\s*(.+?)\s*$", re.MULTILINE)
_IMPORTED = re.compile(r"\b(?:import|from)\s+(\w+)")


def identity_of(python: Path, repo: Path) -> str:
    """A digest of an interpreter's links and file, and of the files inside the repo that it runs when it starts."""
    found = hashlib.sha256()
    for step in links_of(python):
        found.update(_line(step))
        for path in (step, *_configurations(step)):
            if path.is_file() and not path.is_symlink():
                found.update(hash_of(path).encode())
    for path in sorted(set(_startup_files(python, repo.resolve()))):
        found.update(_line(path) + _content(path))
    return found.hexdigest()


def links_of(python: Path) -> Iterator[Path]:
    """The interpreter, and what its links lead to; each with its folder resolved."""
    step = python.absolute()
    for _ in range(LINKS):
        step = step.parent.resolve() / step.name
        yield step
        if not step.is_symlink():
            return
        step = step.parent / step.readlink()


def _configurations(python: Path) -> tuple[Path, Path]:
    """Where Python looks for `pyvenv.cfg`."""
    return python.parent / "pyvenv.cfg", python.parent.parent / "pyvenv.cfg"


def _startup_files(python: Path, repo: Path) -> Iterator[Path]:
    for folder in {*_folders_of(python)}:
        if folder.is_relative_to(repo):
            yield from _of_prefix(folder.parent)


def _folders_of(python: Path) -> Iterator[Path]:
    """The folders of executables: of the interpreter, of what it links to, and of the installation that it belongs to."""
    for step in links_of(python):
        yield step.parent
        for configuration in _configurations(step):
            for home in _HOME.findall(_text(configuration)):
                yield (step.parent / home).resolve()


def _of_prefix(prefix: Path) -> Iterator[Path]:
    """Shared libraries, the standard library, and what installed packages run at the start."""
    yield from prefix.glob("lib*/lib*.so*")
    for library in prefix.glob("lib*/python3*"):
        yield from _files_below(library) if library.is_dir() else [library]
        for packages in library.glob("*-packages"):
            yield from _of_packages(packages)


def _of_packages(packages: Path) -> Iterator[Path]:
    texts = sorted(packages.glob("*.pth"))
    yield from texts
    for name in {*CUSTOMIZING, *(name for path in texts for name in _IMPORTED.findall(_text(path)))}:
        yield from packages.glob(f"{name}.*")
        yield from (path for path in packages.glob(f"__pycache__/{name}.*") if not _is_compiled(path))
        yield from _files_below(packages / name)


def _files_below(folder: Path) -> Iterator[Path]:
    """Without installed packages, and without what Python has compiled for itself."""
    found = walk(folder, lambda inner: not inner.name.endswith("-packages"))
    return (path for path in found if not _is_compiled(path))


def _is_compiled(path: Path) -> bool:
    """Whether a file is a source's compiled form that Python runs only while it has the source's time of change. Others
    of the kind ("unchecked" ones) would run in place of their source, whatever that says."""
    if path.suffix != ".pyc" or path.parent.name != "__pycache__":
        return False
    try:
        with open_plain(path) as file:
            return file.read(8)[4:] == b"\0\0\0\0"
    except OSError:
        return False


def _content(path: Path) -> bytes:
    """Of a source its hash; of all else, which can be large, what a change of it changes."""
    if path.is_symlink():
        return _line(path.readlink())
    try:
        state = path.stat()
        if path.suffix in (".py", ".pth") and state.st_size <= SOURCE_BYTES:
            return hash_of(path).encode()
    except OSError:
        return b"unread"
    return f"{state.st_size} {state.st_mtime_ns}".encode()


def _text(path: Path) -> str:
    try:
        return read_text(path, most=PTH_BYTES)
    except (OSError, ValueError):
        return ""


def _line(path: Path) -> bytes:
    return f"{path}\n".encode("utf-8", "surrogateescape")
