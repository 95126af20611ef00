"""A note on its lines in the text as it is now: where they went, and whether they have changed since."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from diagnosis.anchors import Fate, relocate
from diagnosis.findings import Anchor
from server.lsp.notes import Note


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Lines start to end (from 0, inclusive). stale: the anchored code is no longer what was measured."""

    note: Note
    start: int
    end: int
    stale: bool


def mark(note: Note, path: str, text: str, entry_line: int | None, sources: Mapping[str, str]) -> Mark | None:
    """The note in this file. None: it stands elsewhere, or the code it was about is gone."""
    if not note.anchors:
        return None if entry_line is None else Mark(note=note, start=entry_line, end=entry_line, stale=False)
    anchor = note.anchors[0]
    if anchor.path != path:
        return None
    if note.live:
        return Mark(note=note, start=anchor.start_line - 1, end=anchor.end_line - 1, stale=False)
    placed = place(anchor, text, sources)
    if placed is None:
        return None
    start, end, stale = placed
    return Mark(note=note, start=start, end=end, stale=stale)


def place(anchor: Anchor, text: str, sources: Mapping[str, str]) -> tuple[int, int, bool] | None:
    """(first line, last line, stale) of an anchor in the text as it is now, from 0; None: its code is gone.

    Where the measured file is not stored any more, only lines that stand unchanged exactly once are believed.
    """
    current = _plain(text)
    measured = sources.get(anchor.blob)
    if measured is None:
        before, found, after = f"\n{current}\n".partition(f"\n{anchor.text}\n")
        if not found or f"\n{anchor.text}\n" in f"\n{after}":
            return None
        start = before.count("\n")
        return start, start + anchor.text.count("\n"), False
    moved = relocate(anchor, _plain(measured), current)
    if moved.fate is Fate.GONE:
        return None
    return moved.start_line - 1, moved.end_line - 1, moved.fate is Fate.CHANGED


@lru_cache(maxsize=4)  # hundreds of anchors of one file ask for the same two texts
def _plain(text: str) -> str:
    """Line feeds only: editors differ in what they send of a file with other line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
