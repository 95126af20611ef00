"""Reads the edits of an answer in any of three forms: data, SEARCH/REPLACE blocks, or a unified diff.

A text may hold any number of SEARCH/REPLACE blocks, fenced or not:

    models/encoder.py
    <<<<<<< SEARCH
    lines as they are
    =======
    lines as they shall be
    >>>>>>> REPLACE

The path stands on the last line before the block, or before its fence; a block without one belongs to the file of the
block before. `evolution.domain.edits` decides whether the edits fit the files.
"""

import re
from collections.abc import Sequence

from evolution.base.errors import EditError
from evolution.domain.edits import Edit, parse_unified_diff
from evolution.proposers.coding.replies import FileEdit

_SEARCH = re.compile(r"^<{5,9} ?SEARCH\s*$")
_MIDDLE = re.compile(r"^={5,9}\s*$")
_REPLACE = re.compile(r"^>{5,9} ?REPLACE\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_HUNK = re.compile(r"^@@.*?@@(.*)$|^@@\s*$")
_DIFF = re.compile(r"^(diff --git |--- |@@)", re.MULTILINE)
_PATH = re.compile(r"^[\w./-]+\.\w+$")
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
    return "\n".join(
        f"{edit.path}\n<<<<<<< SEARCH\n{edit.old}\n=======\n{edit.new}\n>>>>>>> REPLACE" for edit in edits
    )


def _as_data(edit: FileEdit) -> Edit:
    """An edit without its final newline, which models sometimes write and sometimes leave out."""
    return Edit(path=edit.path.strip(), old=edit.old.removesuffix("\n"), new=edit.new.removesuffix("\n"))


def _as_text(text: str) -> list[Edit]:
    if not text.strip():
        return []
    if any(_SEARCH.match(line) for line in text.split("\n")):
        return _blocks(text.split("\n"))
    if _DIFF.search(text):
        return parse_unified_diff(_plain_diff(text.split("\n")))
    raise EditError(
        "`patch` holds neither a SEARCH/REPLACE block nor a unified diff; write one, or use `edits`"
    )


def _check(edit: Edit, which: str) -> None:
    if not edit.path:
        raise EditError(f"{which} names no file")
    if edit.old and all(_NUMBERED.match(line) for line in edit.old.split("\n")):
        raise EditError(
            f"{which}: the lines to replace begin with line numbers, which are no part of the file; leave them out",
            path=edit.path,
        )
    if edit.old == edit.new:
        raise EditError(f"{which} changes nothing: old and new are the same", path=edit.path)


def _blocks(lines: Sequence[str]) -> list[Edit]:
    edits: list[Edit] = []
    at, path = 0, ""
    while at < len(lines):
        if not _SEARCH.match(lines[at]):
            at += 1
            continue
        which = f"block {len(edits) + 1} (line {at + 1} of the patch)"
        path = _path_before(lines[:at]) or path
        if not path:
            raise EditError(f"{which} names no file; write its path on the line before it")
        middle = _next(
            lines, at + 1, _MIDDLE, f"{which} has no line ======= between SEARCH and REPLACE", path
        )
        end = _next(lines, middle + 1, _REPLACE, f"{which} has no line >>>>>>> REPLACE at its end", path)
        edits.append(
            Edit(path=path, old="\n".join(lines[at + 1 : middle]), new="\n".join(lines[middle + 1 : end]))
        )
        at = end + 1
    return edits


def _next(lines: Sequence[str], start: int, mark: re.Pattern[str], missing: str, path: str) -> int:
    """Index of the next line with this mark. Raises EditError if there is none before the next block."""
    for at in range(start, len(lines)):
        if mark.match(lines[at]):
            return at
        if _SEARCH.match(lines[at]):
            break
    raise EditError(missing, path=path)


def _path_before(lines: Sequence[str]) -> str:
    """The path on the last written line, before a fence if there is one; "" if that line ends a block or holds no
    path.
    """
    written = [line for line in lines if line.strip()]
    if written and _FENCE.match(written[-1]):
        written.pop()
    if not written or _REPLACE.match(written[-1]) or _FENCE.match(written[-1]):
        return ""
    path = written[-1].strip().strip("*`#: ")
    return path if _PATH.match(path) else ""


def _plain_diff(lines: Sequence[str]) -> str:
    """The diff without fences and words around it, and with hunk headers counted anew, because models miscount lines."""
    plain: list[str] = []
    hunk: list[str] = []
    for at, line in enumerate([*lines, "diff --git"]):
        header = _is_header(lines[at : at + 3])
        fence = line.startswith(("```", "~~~"))  # moved in by a space it is a line of the file
        if header or fence or _HUNK.match(line) or line.startswith("diff --git"):
            plain += _counted(hunk)
            hunk = [line] if _HUNK.match(line) else []
            plain += lines[at : at + 2] if header else []
        elif hunk:
            hunk.append(line if line[:1] in ("+", "-", " ", "\\") else f" {line}")
        elif line.startswith(("deleted file", "rename ")):
            raise EditError("a patch may change and add files, not delete or rename them")
    return "\n".join(plain) + "\n"


def _is_header(lines: Sequence[str]) -> bool:
    """Whether these three lines name the file of the next hunk; lines inside a hunk may look like the first two."""
    return len(lines) == 3 and all(map(str.startswith, lines, ("--- ", "+++ ", "@@")))


def _counted(hunk: list[str]) -> list[str]:
    """The hunk with a header that counts its lines."""
    if not hunk:
        return []
    body = hunk[1:]
    while body and not body[-1].strip():
        body.pop()  # the blank lines before the next header are no context
    old = sum(line[0] in " -" for line in body)
    new = sum(line[0] in " +" for line in body)
    start = 0 if " -0,0 " in hunk[0] else 1  # 0 says that the file is new
    return [f"@@ -{start},{old} +1,{new} @@", *body]
