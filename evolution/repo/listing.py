"""Lists the files of the user's repo that belong to a program. The repo's own `.git` is only read, and may be hostile."""

import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from evolution.base.errors import RepoError
from evolution.base.places import STORE_FOLDER
from seeds.reading import DEEPEST_FOLDER, NotPlain, is_plain, leads_out, open_plain, walk

GIT_LIMIT_S = 15.0
DEEPEST_SUBMODULE = 4
SKIPPED = frozenset({STORE_FOLDER, ".git", "__pycache__"})
# Turns off the git configuration by which a repo could make git run a program or fetch from a URL.
HARMLESS = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "core.fsmonitor",
    "GIT_CONFIG_VALUE_0": "false",
    "GIT_CONFIG_KEY_1": "core.hooksPath",
    "GIT_CONFIG_VALUE_1": os.devnull,
}
REDIRECTING = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
)
READ_BY_GIT = (
    ".git/HEAD",
    ".git/config",
    ".git/index",
    ".git/info/exclude",
    ".git/packed-refs",
    ".gitignore",
)
MOST_FILES = 1_000_000
NO_PART = "is no part of the program"
_LIST = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """files: relative paths with "/", sorted; plain files, and links. left_out: relative path -> why it, or
    what it points to, is no part of a program, in words that can follow the path."""

    files: tuple[str, ...]
    left_out: dict[str, str]


def list_files(repo: Path) -> Listed:
    """The files that git would list, those of submodules among them; all files if the repo is no git repo.

    Raises RepoError if git does not answer.
    """
    found, left_out = list[str](), dict[str, str]()
    for name in _names(repo, 0, left_out):
        parts = name.split("/")
        if SKIPPED & set(parts):
            continue
        if len(parts) > DEEPEST_FOLDER:
            left_out["/".join([*parts[:3], "..."])] = (
                f"lies more than {DEEPEST_FOLDER} folders deep, and {NO_PART}"
            )
        elif _is_file(repo, name, left_out):
            found.append(name)
    return Listed(files=tuple(sorted(set(found))), left_out=left_out)


def _is_file(repo: Path, name: str, left_out: dict[str, str]) -> bool:
    path = repo / name
    if path.is_symlink():
        if leads_out(path, repo):
            left_out[name] = f"is a link that leads out of the repo; what it points to {NO_PART}"
        return True
    return is_plain(path)


def _names(folder: Path, depth: int, left_out: dict[str, str]) -> Iterator[str]:
    listed = _by_git(folder)
    if listed is None:
        yield from (path.relative_to(folder).as_posix() for path in walk(folder, most=MOST_FILES))
        return
    for name in listed:
        inner = folder / name.rstrip("/")
        if inner.is_symlink() or not inner.is_dir():
            yield name
        elif not os.path.lexists(inner / ".git"):
            left_out[name.rstrip("/")] = (
                "is a submodule that is not checked out; run `git submodule update --init`"
            )
        elif depth >= DEEPEST_SUBMODULE:
            left_out[name.rstrip("/")] = f"is a submodule inside {DEEPEST_SUBMODULE} others, and {NO_PART}"
        else:
            deeper = dict[str, str]()
            yield from (f"{name.rstrip('/')}/{below}" for below in _names(inner, depth + 1, deeper))
            left_out.update({f"{name.rstrip('/')}/{below}": why for below, why in deeper.items()})


def _by_git(folder: Path) -> list[str] | None:
    """The names that git lists; None if the folder is in no git repo. Raises RepoError if git does not answer in time."""
    for name in READ_BY_GIT:
        if os.path.lexists(folder / name):
            _check_plain(folder, name)
    environment = {name: value for name, value in os.environ.items() if name not in REDIRECTING}
    try:
        done = subprocess.run(
            _LIST,
            cwd=folder,
            env={**environment, **HARMLESS},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=GIT_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise RepoError(
            f"git did not list the files of {folder} within {GIT_LIMIT_S:g} s; is something in its .git, or a "
            ".gitignore, a named pipe or a very large file? `git status` there shows the same"
        ) from None
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name] if done.returncode == 0 else None


def check_attributes(repo: Path, files: Iterable[str]) -> None:
    """Raises RepoError for a `.gitattributes` that is no plain file: git reads those of all folders of the files it stores."""
    folders = {folder for name in files for folder in PurePosixPath(name).parents}
    for folder in sorted(folders):
        name = str(folder / ".gitattributes")
        if os.path.lexists(repo / name):
            _check_plain(repo, name)


def _check_plain(folder: Path, name: str) -> None:
    """Raises RepoError for a file of git's that git would wait for, or read without end."""
    try:
        open_plain(folder / name).close()
    except NotPlain as error:
        raise RepoError(f"{error.strerror}, so git cannot read {folder}; delete it", path=name) from None
    except OSError:
        pass  # git says why it cannot read it
