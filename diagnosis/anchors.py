"""Ties a finding to lines of one version of a file, and finds those lines again in a later version."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from diagnosis.encoding import encoded, unmarked
from diagnosis.findings import Anchor, Site
from diagnosis.linemap import GONE, Moves


class Fate(StrEnum):
    """What became of an anchor's lines."""

    EXACT = "exact"  # same lines at the same place
    MOVED = "moved"  # same lines elsewhere
    CHANGED = "changed"  # some of them edited, or lines put between them
    GONE = "gone"  # none of them is left


@dataclass(frozen=True, kw_only=True)
class Relocated:
    """Where an anchor's lines are in the new text, 1-based and inclusive. If `fate` is GONE, both name the line at
    which they were.
    """

    fate: Fate
    start_line: int
    end_line: int


def blob_hash(text: str) -> str:
    """Git's blob hash of a file with this text (as `encoding.decoded` returns it), 40 hex digits."""
    data = encoded(text)
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def make_anchor(site: Site, source_text: str) -> Anchor:
    """The anchor of a site in its file's text. Lines beyond the file's end are cut off."""
    lines = unmarked(source_text).split("\n")
    start = min(max(site.start_line, 1), len(lines))
    end = min(max(site.end_line, start), len(lines))
    return Anchor(
        path=site.path,
        start_line=start,
        end_line=end,
        blob=blob_hash(source_text),
        text="\n".join(lines[start - 1 : end]),
        role=site.role,
    )


def relocate(anchor: Anchor, moves: Moves) -> Relocated:
    """Find the anchor's lines in a later version of its file.

    moves: the line map from the version that the anchor was made in to the later one, as `linemap.moved_lines` returns
        it.
    """
    places, new_size = moves
    first, last = anchor.start_line - 1, anchor.end_line  # half-open
    kept = [place for place in places[first:last] if place != GONE]
    if len(kept) == last - first and kept[-1] - kept[0] == last - first - 1:
        fate = Fate.EXACT if kept[0] == first else Fate.MOVED
        return Relocated(fate=fate, start_line=kept[0] + 1, end_line=kept[-1] + 1)
    # The lines that now stand between the nearest kept lines around the anchor, half-open.
    start = 1 + next((place for place in reversed(places[:first]) if place != GONE), -1)
    end = next((place for place in places[last:] if place != GONE), new_size)
    if start < end:
        return Relocated(fate=Fate.CHANGED, start_line=start + 1, end_line=end)
    at = min(start, new_size - 1)
    return Relocated(fate=Fate.GONE, start_line=at + 1, end_line=at + 1)
