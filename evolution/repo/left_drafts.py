"""Notes in which folders of the user's repo a patch is being written, so that the next start removes what a kill left there."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evolution.base.drafts import draft_name, is_abandoned, remove_abandoned
from evolution.base.kept import write_whole
from evolution.base.places import store_folder
from evolution.repo.ownership import ensure_store_folder
from seeds.reading import RECORD_BYTES, leads_out, parse_json, read_text

FOLDER = "applying"


@contextmanager
def noted(repo: Path, folders: Iterable[Path]) -> Iterator[None]:
    """Meanwhile, drafts (`base.drafts`) may be in these folders, which lie in the repo."""
    note = ensure_store_folder(repo) / FOLDER / draft_name()
    remove_left_drafts(repo)
    note.parent.mkdir(exist_ok=True)
    write_whole(note, json.dumps(sorted({str(folder.relative_to(repo)) for folder in folders})))
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def remove_left_drafts(repo: Path) -> None:
    """Delete drafts that a killed process left in the user's folders. The store must be ours."""
    for note in sorted((store_folder(repo) / FOLDER).glob(".draft-*")):
        if is_abandoned(note):
            for folder in _folders(repo, note):
                remove_abandoned(folder)
            note.unlink(missing_ok=True)


def _folders(repo: Path, note: Path) -> list[Path]:
    """Those of a note that lie in the repo; a note that was cut short was written before any draft."""
    try:
        told = parse_json(read_text(note, most=RECORD_BYTES, inside=store_folder(repo)))
        found = [repo / name for name in told]
    except (OSError, ValueError, TypeError):
        return []
    return [folder for folder in found if folder.is_dir() and not leads_out(folder, repo)]
