"""Whole-line edits: how every patch is written, checked and applied. All or nothing, or not at all."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Replace `old` by `new` in one file. Both are whole lines joined by "\\n" without a final newline.

    `old` must occur exactly once in the file, as whole lines. `old == ""` with a path that does not exist
    makes a new file. `path` is relative to the repo's root, with "/".
    """

    path: str
    old: str
    new: str
