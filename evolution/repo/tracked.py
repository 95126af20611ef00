"""Which files of `.evolverec` the repo's own git has written there, as `git pull` does with what its author has committed.

Git overwrites ignored files without a word, so a folder of our own can be given a forged store. Git's index knows the
time of change of every file that it has written: a file with that time is git's, one with another was written since.
"""

import os
import re
import subprocess
from functools import lru_cache
from pathlib import Path

from evolution.base.places import STORE_FOLDER, store_folder
from evolution.repo.listing import HARMLESS, READ_BY_GIT, REDIRECTING
from seeds.reading import NotPlain, open_plain, read_text

GIT_LIMIT_S = 5.0
_LIST = (
    "git",
    "-c",
    "safe.directory=*",
    "ls-files",
    "-z",
    "--cached",
    "--debug",
    "--",
    f":(icase){STORE_FOLDER}",
)
_ENTRY = re.compile(
    rb"([^\0]+)\0\s+ctime: \S+\s+mtime: (\d+):(\d+)\s+dev: [^\n]+\s+uid: [^\n]+\s+size: [^\n]+\n"
)
_Stamp = tuple[int, int, int]


def written_by_git(repo: Path) -> list[str]:
    """Files in `.evolverec`, as paths in the repo, that are as the repo's git has written them. Empty ones say nothing."""
    index = _index_of(repo)
    try:
        state = index.stat() if index else None
    except OSError:
        return []
    if index is None or state is None:
        return []
    tracked = _tracked(repo, index, (state.st_ino, state.st_size, state.st_mtime_ns))
    return [name for name, seconds, rest in tracked if _is_from(repo / name, seconds, rest)]


def _is_from(path: Path, seconds: int, rest: int) -> bool:
    try:
        state = path.lstat()
    except OSError:
        return False
    if path.parent == store_folder(path.parents[1]) and path.name == ".gitignore":
        return False  # it hides and tells nothing; ours has the same content
    same = divmod(state.st_mtime_ns, 10**9)
    return state.st_size > 0 and same[0] == seconds and rest in (0, same[1])


@lru_cache(maxsize=64)
def _tracked(repo: Path, index: Path, stamp: _Stamp) -> tuple[tuple[str, int, int], ...]:
    """Name, and seconds and nanoseconds of the change, of every tracked file; nothing where git cannot be asked."""
    try:
        for name in READ_BY_GIT:
            if os.path.lexists(repo / name):
                open_plain(repo / name).close()
        told = _asked(repo)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple((os.fsdecode(name), int(s), int(ns)) for name, s, ns in _ENTRY.findall(told))


def _asked(repo: Path) -> bytes:
    environment = {name: value for name, value in os.environ.items() if name not in REDIRECTING}
    return subprocess.run(
        _LIST,
        cwd=repo,
        env={**environment, **HARMLESS},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=GIT_LIMIT_S,
        check=True,
    ).stdout


def _index_of(repo: Path) -> Path | None:
    """The index of the git repo that a folder lies in; a worktree and a submodule name it in a file."""
    for folder in (repo.absolute(), *repo.absolute().parents):
        git = folder / ".git"
        if git.is_dir():
            return git / "index"
        if git.is_file():
            try:
                named = read_text(git, most=4096, errors="surrogateescape").removeprefix("gitdir:").strip()
            except (NotPlain, OSError):
                return None
            return folder / named / "index"
    return None
