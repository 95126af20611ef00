"""A note on its lines in the text as it is now: where they went, and whether they have changed since."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from diagnosis.anchors import Fate, relocate
from diagnosis.findings import Anchor
from diagnosis.linemap import Moves, moved_lines
from server.lsp.positions import lines_of
from server.shown.notes import Note


@dataclass(frozen=True, kw_only=True)
class PlacedNote:
    """Lines start to end (from 0, inclusive). stale: the anchored code is no longer what was measured."""

    note: Note
    start: int
    end: int
    stale: bool


class Placer:
    """Finds anchors in one text, by whatever file each was measured on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._moved: dict[str, Moves] = {}

    def place(self, anchor: Anchor, sources: Mapping[str, str]) -> tuple[int, int, bool] | None:
        """(first line, last line, stale), from 0; None: its code is gone.

        sources: blob -> text. Where the measured file is not stored any more, only lines that stand unchanged
        exactly once are believed.
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
    """Ask once for many anchors of a text: finding it among long texts that are alike costs more than placing one."""
    return Placer(text)


def mark(
    note: Note, path: str, placer: Placer, entry_line: int | None, sources: Mapping[str, str]
) -> PlacedNote | None:
    """The note in this file. None: it stands elsewhere, or the code it was about is gone."""
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


@lru_cache(maxsize=8)  # apart from those of texts that are typed, which come and go
def _measured(text: str) -> tuple[str, ...]:
    return lines_of(text)
