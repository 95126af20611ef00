"""Notes which of the user's files a patch is being written into, so that the next start ends what a kill left half done.

Before the first file is written the note names the drafts; once every draft is on the disk it says so. A kill before that leaves
the files as they were, and the drafts are removed; a kill after it, between two files, is made good: the rest is written.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evolution.base.drafts import draft_name, is_abandoned, remove_abandoned
from evolution.base.kept import hash_of, write_whole
from evolution.base.places import store_folder
from evolution.repo.ownership import ensure_store_folder
from seeds.reading import RECORD_BYTES, leads_out, parse_json, read_text

FOLDER = "applying"


@dataclass(frozen=True, kw_only=True)
class _Draft:
    """path: the draft, target: the file that it becomes, before: SHA-256 of that file now, "" if there is none."""

    path: Path
    target: Path
    before: str


@contextmanager
def noted(repo: Path, drafts: Mapping[Path, Path]) -> Iterator[Callable[[], None]]:
    """Meanwhile these drafts (`base.drafts`; target -> draft, in the repo) may exist. Yields what to call once all are written."""
    note = ensure_store_folder(repo) / FOLDER / draft_name()
    end_left_drafts(repo)
    note.parent.mkdir(exist_ok=True)
    told = [
        {"path": _below(repo, draft), "target": _below(repo, target), "before": _hash(target)}
        for target, draft in drafts.items()
    ]
    write_whole(note, json.dumps({"drafts": told, "ready": False}))
    try:
        yield lambda: write_whole(note, json.dumps({"drafts": told, "ready": True}))
    finally:
        note.unlink(missing_ok=True)


def end_left_drafts(repo: Path) -> None:
    """Write what a killed process had ready for the user's files, or delete its drafts. The store must be ours."""
    for note in sorted((store_folder(repo) / FOLDER).glob(".draft-*")):
        if is_abandoned(note):
            drafts, ready = _read(repo, note)
            left = [draft for draft in drafts if draft.path.exists()]
            if ready and all(_hash(draft.target) == draft.before for draft in left):
                for draft in left:
                    draft.path.replace(draft.target)
            for folder in {draft.path.parent for draft in drafts}:
                remove_abandoned(folder)
            note.unlink(missing_ok=True)


def _read(repo: Path, note: Path) -> tuple[list[_Draft], bool]:
    """The drafts of a note that lie in the repo, and whether all were written; a note that was cut short names none."""
    try:
        told = parse_json(read_text(note, most=RECORD_BYTES, inside=store_folder(repo)))
        found = [
            _Draft(path=repo / one["path"], target=repo / one["target"], before=str(one["before"]))
            for one in told["drafts"]
        ]
        ready = told["ready"] is True
    except (OSError, ValueError, TypeError, KeyError):
        return [], False
    inside = [draft for draft in found if _is_draft(repo, draft)]
    return inside, ready and len(inside) == len(found)


def _is_draft(repo: Path, draft: _Draft) -> bool:
    """Whether it is a draft of a process that has ended, beside its target and with it in the repo."""
    folder = draft.path.parent
    return (
        draft.path.name.startswith(".draft-")
        and folder == draft.target.parent
        and folder.is_dir()
        and not leads_out(folder, repo)
        and not draft.target.is_symlink()
        and (not draft.path.exists() or is_abandoned(draft.path))
    )


def _below(repo: Path, path: Path) -> str:
    return path.relative_to(repo).as_posix()


def _hash(path: Path) -> str:
    try:
        return hash_of(path)
    except OSError:
        return ""
