"""Reads the edits of an answer in any of three forms: data, SEARCH/REPLACE blocks (see `blocks`), or a unified diff.

Line endings of an answer are no part of it: they are read as "\\n", and the file keeps its own.
`evolution.domain.edits` decides whether the edits fit the files.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from evolution.base.errors import EditError
from evolution.domain.edits import BOM, Edit
from evolution.domain.unified_diffs import parse_unified_diff
from evolution.proposers.coding.blocks import has_blocks, read_blocks, written_block
from evolution.proposers.coding.diffs import looks_like_diff, names_diff, plain_diff
from evolution.proposers.coding.replies import FileEdit

_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")  # no source file holds these
_NUMBERED = re.compile(r"^ *\d+\| ?")


def edits_of(edits: Sequence[FileEdit], patch: str) -> list[Edit]:
    """The edits of one answer; [] if it has none.

    Raises EditError, which says which edit, block or hunk cannot be read, and why.
    """
    if edits and patch.strip():
        raise EditError("the answer has both `edits` and `patch`; expected one of them, the other one empty")
    read = [_as_data(edit) for edit in edits] if edits else _as_text(patch)
    for number, edit in enumerate(read, start=1):
        _check(edit, f"edit {number} of {len(read)}")
    return read


def as_blocks(edits: Sequence[FileEdit]) -> str:
    """The same edits as SEARCH/REPLACE blocks, for a reader."""
    return "\n".join(written_block(edit.path, edit.old, edit.new) for edit in edits)


def _as_data(edit: FileEdit) -> Edit:
    """An edit without its final newline, which models sometimes write and sometimes leave out."""
    old, new = (_plain(text).removesuffix("\n") for text in (edit.old, edit.new))
    return Edit(path=_normal(edit.path.strip(" \t\n")), old=old, new=new)


def _as_text(text: str) -> list[Edit]:
    if not text.strip():
        return []
    lines = _plain(text).split("\n")
    if has_blocks(lines):
        edits, outside = read_blocks(lines)
        if any(names_diff(outside, at) for at in range(len(outside))):
            raise EditError("`patch` holds SEARCH/REPLACE blocks and a diff; expected one of them")
    elif looks_like_diff("\n".join(lines)):
        edits = parse_unified_diff(plain_diff(lines))
    else:
        raise EditError(
            "`patch` holds neither a SEARCH/REPLACE block nor a unified diff; write one, or use `edits`. A block is the "
            "file's path on a line, then <<<<<<< SEARCH, =======, >>>>>>> REPLACE, each at the beginning of a line"
        )
    return [replace(edit, path=_normal(edit.path)) for edit in edits]


def _plain(text: str) -> str:
    """The text with "\n" for every CRLF, and without a byte order mark."""
    return text.removeprefix(BOM).replace("\r\n", "\n").removesuffix("\r")


def _normal(path: str) -> str:
    """The path without "./" before it."""
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def _check(edit: Edit, which: str) -> None:
    if not edit.path:
        raise EditError(f"{which} names no file")
    if edit.old and all(_NUMBERED.match(line) for line in edit.old.split("\n")):
        raise EditError(
            f"{which}: the lines to replace begin with line numbers, which are no part of the file; leave them out",
            path=edit.path,
        )
    if found := _NO_TEXT.search(edit.new):
        raise EditError(
            f"{which} would write the character {found[0]!r}, which no source file holds", path=edit.path
        )
    if edit.old == edit.new:
        raise EditError(f"{which} changes nothing: old and new are the same", path=edit.path)
