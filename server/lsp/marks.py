"""Finds a note's lines in the current text, and whether they have changed since the note was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from diagnosis.anchors import Fate, relocate
from diagnosis.encoding import unmarked
from diagnosis.findings import Anchor
from diagnosis.linemap import Moves, moved_lines
from server.lsp.positions import lines_of
from server.shown.notes import Note


@dataclass(frozen=True, kw_only=True)
class PlacedNote:
    """A note on the lines start to end (from 0, inclusive) of the current text.

    stale: the anchored code has changed since it was measured
    """

    note: Note
    start: int
    end: int
    stale: bool


class Placer:
    """Finds anchors in one text; the line map from each measured file to this text is computed once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._moved: dict[str, Moves] = {}

    def place(self, anchor: Anchor, sources: Mapping[str, str]) -> tuple[int, int, bool] | None:
        """(first line, last line, stale), counted from 0; None if the anchored code is gone.

        sources: blob -> text of stored files. If the measured file is not among them, the anchor's lines must stand
            in the text unchanged and exactly once.
        """
        if anchor.blob not in sources:
            return self._believe(anchor)
        if anchor.blob not in self._moved:
            self._moved[anchor.blob] = moved_lines(_measured(sources[anchor.blob]), lines_of(self._text))
        moved = relocate(anchor, self._moved[anchor.blob])
        if moved.fate is Fate.GONE:
            return None
        return moved.start_line - 1, moved.end_line - 1, moved.fate is Fate.CHANGED

    def _believe(self, anchor: Anchor) -> tuple[int, int, bool] | None:
        text = "\n".join(lines_of(self._text))
        before, found, after = f"\n{text}\n".partition(f"\n{anchor.text}\n")
        if not found or f"\n{anchor.text}\n" in f"\n{after}":
            return None
        start = before.count("\n")
        return start, start + anchor.text.count("\n"), False


@lru_cache(maxsize=8)
def placer_of(text: str) -> Placer:
    """A cached Placer: comparing long texts that are nearly alike costs more than placing one anchor."""
    return Placer(text)


def mark(
    note: Note, path: str, placer: Placer, entry_line: int | None, sources: Mapping[str, str]
) -> PlacedNote | None:
    """The note placed in this file. None if it belongs to another file, or if its code is gone.

    entry_line: the line of the entry function, which notes without anchors are placed on
    """
    if not note.anchors:
        return (
            None
            if entry_line is None
            else PlacedNote(note=note, start=entry_line, end=entry_line, stale=False)
        )
    anchor = note.anchors[0]
    if anchor.path != path:
        return None
    if note.live:
        return PlacedNote(note=note, start=anchor.start_line - 1, end=anchor.end_line - 1, stale=False)
    placed = placer.place(anchor, sources)
    if placed is None:
        return None
    start, end, stale = placed
    return PlacedNote(note=note, start=start, end=end, stale=stale)


@lru_cache(maxsize=8)  # a cache apart from `lines_of`'s, which every keystroke fills with a new text
def _measured(text: str) -> tuple[str, ...]:
    return lines_of(unmarked(text))
