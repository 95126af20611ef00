"""Records which files, commit and jobs of a demo folder the demo made, so that a later demo deletes only those."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from evolution.base import serial
from evolution.base.errors import UsageError
from evolution.base.places import STORE_FOLDER, store_folder
from evolution.domain.job import JobKind
from evolution.jobs import control
from evolution.repo.new_repo import check_seed, make_repo
from evolution.repo.ownership import ensure_store_folder, is_ours
from evolution.store.store import Store

RECORD = "demo"  # in `.evolverec`
OUTSIDE = (".git", STORE_FOLDER)  # folders at the top that are no part of the work tree
CACHE = "__pycache__"  # ignored in any folder, since Python makes it again
SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class DemoRecord:
    """What the demo made.

    commit: the hash of the repo's only commit
    files: path -> SHA-256 of each file of the work tree as the demo left it
    jobs: ids of the jobs that the demo started
    """

    commit: str
    files: dict[str, str] = field(default_factory=dict)
    jobs: tuple[str, ...] = ()


def make_folder(folder: Path, seed: str, data: str) -> None:
    """Write the demo's repo to a folder that is absent, empty, or holds only files that an earlier demo made.

    Raises UsageError for any other folder or an unknown seed, without having deleted anything.
    """
    check_seed(seed)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        _clear(folder)
    make_repo(seed, folder, data)
    ensure_store_folder(folder)
    _write(folder, DemoRecord(commit=_git(folder, "rev-parse", "HEAD").strip()))
    note_files(folder)


def note_files(folder: Path) -> None:
    """Record the current work tree as made by the demo."""
    files = {path: _digest(folder / path) for path in _work_tree(folder)}
    _write(folder, replace(_read(folder), files=files))


def note_job(folder: Path, job: str) -> None:
    """Record a job as started by the demo."""
    record = _read(folder)
    _write(folder, replace(record, jobs=(*record.jobs, job)))


def _clear(folder: Path) -> None:
    """Delete everything that the earlier demo made. Raises UsageError if the folder holds anything else."""
    if not folder.is_dir() or not (is_ours(folder) and (store_folder(folder) / RECORD).exists()):
        raise UsageError(f"{folder} is not empty and no earlier demo; name another folder")
    found = list(_not_of_the_demo(folder))
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise UsageError(
            f"{folder} holds more than an earlier demo made: {'; '.join(found[:SHOWN])}{more}. Nothing was deleted. "
            "Name another folder, as in `evolverec demo OTHER`; or delete this one yourself"
        )
    for path in _read(folder).files:
        (folder / path).unlink()
    for name in OUTSIDE:
        shutil.rmtree(folder / name)
    for at, _, _ in os.walk(folder, topdown=False):
        if Path(at).name == CACHE:
            shutil.rmtree(at)
        elif Path(at) != folder and not any(Path(at).iterdir()):
            Path(at).rmdir()


def _not_of_the_demo(folder: Path) -> Iterator[str]:
    """Descriptions of everything in the folder that may be the user's."""
    try:
        record = _read(folder)
    except ValueError:
        yield "it was made by an earlier version, which did not note what the demo made"
        return
    yield from _changed_files(folder, record)
    yield from _history(folder, record)
    for path in sorted(store_folder(folder).glob("*-[0-9]*")):  # foreign-<time>, store.damaged-<time>
        yield f"{STORE_FOLDER}/{path.name}"
    running = {job.id for job in control.reconcile(folder)}
    with Store.open(folder) as store:
        for job in store.jobs():
            if job.id in running:
                yield f"job {job.id}, which is running"
            elif job.id not in record.jobs and job.kind is not JobKind.CHECK:  # a check measures nothing
                yield f"what job {job.id} measured"


def _changed_files(folder: Path, record: DemoRecord) -> Iterator[str]:
    present = set(_work_tree(folder))
    for path in sorted(present | set(record.files)):
        if path not in present:
            yield f"{path} was deleted"
        elif path not in record.files:
            yield f"{path} is new"
        elif _digest(folder / path) != record.files[path]:
            yield f"{path} was changed"


def _history(folder: Path, record: DemoRecord) -> Iterator[str]:
    """Descriptions of other commits (on a branch, in a stash or unreachable), staged changes and other worktrees."""
    if (folder / ".git").is_symlink() or not (folder / ".git").is_dir():
        yield "its .git is no folder"
        return
    try:
        commits = set(_git(folder, "rev-list", "--all", "--reflog", "HEAD").split())
        staged = _git(folder, "diff-index", "--cached", "--name-only", "HEAD").splitlines()
        worktrees = _git(folder, "worktree", "list", "--porcelain").count("worktree ")
    except (OSError, subprocess.CalledProcessError):
        yield "its git history cannot be read"
        return
    if others := len(commits - {record.commit}):
        yield f"{others} commits" if others > 1 else "a commit"
    for path in staged:
        yield f"{path} is staged"
    if worktrees > 1:
        yield "another worktree of it"


def _work_tree(folder: Path) -> Iterator[str]:
    """Paths of all files and links in the work tree, including ignored ones."""
    for at, folders, files in os.walk(folder):
        names = [*files, *(name for name in folders if (Path(at) / name).is_symlink())]
        for name in names:
            path = (Path(at) / name).relative_to(folder)
            if path.parts[0] not in OUTSIDE:
                yield path.as_posix()
        skipped = {CACHE, *(OUTSIDE if Path(at) == folder else ())}
        folders[:] = [name for name in folders if name not in skipped]


def _digest(path: Path) -> str:
    content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
    return hashlib.sha256(content).hexdigest()


def _git(folder: Path, *words: str) -> str:
    command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(folder), *words]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def _read(folder: Path) -> DemoRecord:
    """The folder's record. Raises ValueError if an earlier version wrote it, as an empty file."""
    text = (store_folder(folder) / RECORD).read_text(encoding="utf-8")
    return serial.loads(DemoRecord, text)


def _write(folder: Path, record: DemoRecord) -> None:
    path = store_folder(folder) / RECORD
    draft = path.with_suffix(".draft")
    draft.write_text(serial.dumps(record), encoding="utf-8")
    draft.replace(path)
