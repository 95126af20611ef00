"""Reads and writes SEARCH/REPLACE blocks, of which a text may hold any number, fenced or not:

    models/encoder.py
    <<<<<<< SEARCH
    lines as they are
    =======
    lines as they shall be
    >>>>>>> REPLACE

The three marks stand at the beginning of their lines and are equally long, five characters or more, so that lines which
look like a mark can be told from one by longer marks around them. A text in which a line could be a mark or not is
refused. The path stands on the last line before the block, or before its fence; a block without one belongs to the file of
the block before.
"""

import re
from collections.abc import Sequence

from evolution.base.errors import EditError
from evolution.domain.edits import Edit

USUAL = 7  # characters of a mark
_OPEN = re.compile(r"(<{5,}) ?SEARCH\s*", re.IGNORECASE)
_DIVIDER = re.compile(r"(={5,})\s*")
_CLOSE = re.compile(r"(>{5,}) ?REPLACE\s*", re.IGNORECASE)
_LIKE_A_MARK = re.compile(r"\s*(<{5,}|>{5,})(\s|\w|$)")
_FENCE = re.compile(r"\s*(```|~~~)")
_PATH = re.compile(r"[\w./-]+\.\w+")
_TICKED = re.compile(r"[^`]*`([^`]+\.\w+)`[^`]*")
_LABELLED = re.compile(r"(?:file|path|file ?name|file path)\s*:\s*(.*)", re.IGNORECASE)
_NAMES_A_FILE = re.compile(r"[\w-]+\.(py|pyi|toml|json|ya?ml|cfg|ini|txt|md)\b")


def has_blocks(lines: Sequence[str]) -> bool:
    """Whether a line begins a block."""
    return any(_OPEN.fullmatch(line) for line in lines)


def read_blocks(lines: Sequence[str]) -> tuple[list[Edit], list[str]]:
    """The edit of each block, and the lines outside of all blocks.

    Raises EditError, which names the block or line, if a block is incomplete, or a line could be a mark or not.
    """
    edits: list[Edit] = []
    outside: list[str] = []
    at, path = 0, ""
    while at < len(lines):
        opened = _OPEN.fullmatch(lines[at])
        if not opened:
            _check_outside(lines[at], at)
            outside.append(lines[at])
            at += 1
            continue
        which = f"block {len(edits) + 1} (line {at + 1} of the patch)"
        path = _path_before(lines[:at], which) or path
        if not path:
            raise EditError(f"{which} names no file; write its path on the line before it")
        end = _end(lines, at, len(opened[1]), which, path)
        middle = _middle(lines, at, end, which, path)
        edits.append(
            Edit(path=path, old="\n".join(lines[at + 1 : middle]), new="\n".join(lines[middle + 1 : end]))
        )
        at = end + 1
    return edits, outside


def written_block(path: str, old: str, new: str) -> str:
    """The block of an edit, with marks that are longer than whatever in its lines looks like one."""
    marks = re.findall(r"^(?:<{5,}|={5,}|>{5,})", f"{old}\n{new}", re.MULTILINE)
    length = max([USUAL, *(len(mark) + 1 for mark in marks)])
    return f"{path}\n{'<' * length} SEARCH\n{old}\n{'=' * length}\n{new}\n{'>' * length} REPLACE"


def _check_outside(line: str, at: int) -> None:
    if _LIKE_A_MARK.match(line):
        raise EditError(
            f"line {at + 1} of the patch, {line.strip()!r}, looks like a mark but begins no block; expected <<<<<<< SEARCH, "
            "=======, >>>>>>> REPLACE, each at the beginning of a line and equally long"
        )


def _end(lines: Sequence[str], start: int, length: int, which: str, path: str) -> int:
    """Index of the block's last line, whose mark is as long as the first. Raises EditError if there is none."""
    for at in range(start + 1, len(lines)):
        if (opened := _OPEN.fullmatch(lines[at])) and len(opened[1]) >= length:
            break
        closed = _CLOSE.fullmatch(lines[at])
        if closed and len(closed[1]) == length:
            return at
        if closed and len(closed[1]) > length:
            raise EditError(
                f"{which} begins with a mark of {length} characters, and line {at + 1} has one of {len(closed[1])}; "
                "make all three marks of a block equally long",
                path=path,
            )
    raise EditError(f"{which} has no line {'>' * length} REPLACE at its end", path=path)


def _middle(lines: Sequence[str], start: int, end: int, which: str, path: str) -> int:
    """Index of the one line that divides a block. Raises EditError if there is none, or more than one could."""
    length = len(lines[start]) - len(lines[start].lstrip("<"))
    like = {at: len(mark[1]) for at in range(start + 1, end) if (mark := _DIVIDER.fullmatch(lines[at]))}
    fitting = [at for at, found in like.items() if found == length]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        others = "; ".join(f"line {at + 1} has {found}" for at, found in like.items())
        raise EditError(
            f"{which} has no line {'=' * length} between SEARCH and REPLACE"
            + (f" ({others})" if others else ""),
            path=path,
        )
    longer = max(like.values()) + 2
    raise EditError(
        f"{which} could be divided at each of the lines {', '.join(str(at + 1) for at in fitting)}; write all three marks "
        f"of this block longer, with {longer} characters: {'<' * longer} SEARCH, {'=' * longer}, {'>' * longer} REPLACE",
        path=path,
    )


def _path_before(lines: Sequence[str], which: str) -> str:
    """The path on the last written line, before a fence if there is one; "" if there is no line since the block before,
    or that line names no file. Raises EditError if it names a file among other words.
    """
    written = [line for line in lines[-20:] if line.strip()]
    if written and _FENCE.match(written[-1]):
        written.pop()
    if not written or _CLOSE.fullmatch(written[-1]) or _FENCE.match(written[-1]):
        return ""
    line = written[-1].strip(" \t")
    bare = line.strip("*`#: ")
    if labelled := _LABELLED.fullmatch(bare):
        bare = labelled[1].strip("*`: ")
    if _PATH.fullmatch(bare):
        return bare
    if ticked := _TICKED.fullmatch(line):
        return ticked[1].strip()
    if _NAMES_A_FILE.search(line):
        raise EditError(
            f"{which} stands below the line {line[:80]!r}, which is no path; write the path alone on the line before the "
            "block, in `backticks` if it has blanks"
        )
    return ""
