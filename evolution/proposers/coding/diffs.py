"""Brings the unified diff of an answer into the form that a parser of diffs takes: models put words and fences around it,
miscount lines, and leave the blank of a context line out.
"""

import re
from collections.abc import Sequence

from evolution.base.errors import EditError
from evolution.domain.diff_headers import check_header, no_hunk

_HUNK = re.compile(r"^@@.*?@@(.*)$|^@@\s*$")
_DIFF = re.compile(r"^(diff --git |--- |@@)", re.MULTILINE)
_GIT = "diff --git"


def looks_like_diff(text: str) -> bool:
    """Whether a line of the text begins a diff."""
    return _DIFF.search(text) is not None


def names_diff(lines: Sequence[str], at: int) -> bool:
    """Whether a diff of a file begins at this line."""
    return lines[at].startswith(f"{_GIT} ") or _is_header(lines[at : at + 3])


def plain_diff(lines: Sequence[str]) -> str:
    """The diff without fences and words around it, and with hunk headers counted anew.

    Raises EditError, which names the line, if the diff names a file without a hunk, has changed lines outside of all hunks,
    or asks for more than changed lines.
    """
    plain: list[str] = []
    hunk: list[str] = []
    waiting = -1  # the line that named a file of which no hunk has come yet
    for at, line in enumerate([*lines, _GIT]):
        header = _is_header(lines[at : at + 3])
        fence = line.startswith(("```", "~~~"))  # moved in by a space it is a line of the file
        if line[:1] not in ("+", "-", " ", "\\"):
            check_header(line, at + 1)
        if header or fence or _HUNK.match(line) or line.startswith(_GIT):
            if waiting >= 0 and line.startswith(_GIT):
                raise no_hunk(lines[waiting], waiting + 1)
            plain += _counted(hunk)
            hunk = [line] if _HUNK.match(line) else []
            plain += lines[at : at + 2] if header else []
            waiting = -1 if hunk else at if line.startswith(_GIT) else waiting
        elif not hunk and _names_files(lines[at : at + 2]):
            raise no_hunk(line, at + 1)
        elif not hunk and line.startswith("+") and not line.startswith("+++ "):
            raise EditError(
                f"line {at + 1} of the diff adds a line outside of any hunk: {line[:80]!r}; begin it with @@"
            )
        elif hunk:
            hunk.append(line if line[:1] in ("+", "-", " ", "\\") else f" {line}")
    return "\n".join(plain) + "\n"


def _is_header(lines: Sequence[str]) -> bool:
    """Whether these three lines name the file of the next hunk; lines inside a hunk may look like the first two."""
    return len(lines) == 3 and _names_files(lines[:2]) and lines[2].startswith("@@")


def _names_files(lines: Sequence[str]) -> bool:
    """Whether these two lines name a file before and after: of a unified diff, or of one with asterisks."""
    return len(lines) == 2 and any(
        all(map(str.startswith, lines, marks)) for marks in (("--- ", "+++ "), ("*** ", "--- "))
    )


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
