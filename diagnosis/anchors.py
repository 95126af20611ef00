"""Ties a finding to lines of one version of a file, and finds those lines again in a later version."""

import hashlib
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from diagnosis.findings import Anchor, Site


class Fate(StrEnum):
    """What became of an anchor's lines."""

    EXACT = "exact"  # same lines at the same place
    MOVED = "moved"  # same lines elsewhere
    CHANGED = "changed"  # some of them edited, or lines put between them
    GONE = "gone"  # none of them is left


@dataclass(frozen=True, kw_only=True)
class Relocated:
    """Lines in the new text, 1-based and inclusive. GONE: the place where they were."""

    fate: Fate
    start_line: int
    end_line: int


def blob_hash(text: str) -> str:
    """The hash that git gives to a file of this content."""
    data = text.encode("utf-8")
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def make_anchor(site: Site, source_text: str) -> Anchor:
    """The anchor of a site in its file's text. Lines beyond the file's end are cut off."""
    lines = source_text.split("\n")
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


def relocate(anchor: Anchor, old_text: str, new_text: str) -> Relocated:
    """Where the anchor's lines, which are lines of `old_text`, are in `new_text`."""
    old, new = old_text.split("\n"), new_text.split("\n")
    first, last = anchor.start_line - 1, anchor.end_line  # half-open
    mapping = _line_map(old, new)
    kept = [mapping[line] for line in range(first, last) if line in mapping]
    if len(kept) == last - first and kept[-1] - kept[0] == last - first - 1:
        fate = Fate.EXACT if kept[0] == first else Fate.MOVED
        return Relocated(fate=fate, start_line=kept[0] + 1, end_line=kept[-1] + 1)
    # What now stands between the nearest lines around the anchor that were kept, half-open.
    start = 1 + next((mapping[line] for line in range(first - 1, -1, -1) if line in mapping), -1)
    end = next((mapping[line] for line in range(last, len(old)) if line in mapping), len(new))
    if start < end:
        return Relocated(fate=Fate.CHANGED, start_line=start + 1, end_line=end)
    at = min(start, len(new) - 1)
    return Relocated(fate=Fate.GONE, start_line=at + 1, end_line=at + 1)


def _line_map(old: list[str], new: list[str]) -> dict[int, int]:
    """Line of `old` -> the same line in `new`, from 0. The common head and tail are cut off before diffing."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    mapping = {i: i for i in range(head)}
    matcher = SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail], autojunk=False)
    for block in matcher.get_matching_blocks():
        mapping.update({head + block.a + i: head + block.b + i for i in range(block.size)})
    mapping.update({len(old) - i: len(new) - i for i in range(1, tail + 1)})
    return mapping
