"""Whole-line edits, the form of every patch: how they are written, checked and applied, all of them or none.

A text is treated as `text.split("\\n")`, so a final newline is one more, empty, line, and edits can add or drop it.
Line endings and a byte order mark belong to the file: a line matches whether it ends with CRLF or LF, the file keeps its
own endings (in a file with mixed ones, each kept line its own), and the mark stays where it was.
"""

import itertools
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache

from diagnosis.encoding import MARK as BOM
from diagnosis.encoding import decoded, encoded
from diagnosis.linemap import changes, ends
from evolution.base.errors import EditError
from evolution.domain.edit_paths import check_path

RARE = 32  # a line that occurs more often does not tell where in a file an edit belongs


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Replace `old` by `new` in one file. Both are whole lines joined by "\\n" without a final newline.

    path: relative to the repo's root, with "/".
    old: must occur exactly once in the file, as whole lines. With "" the edit writes a file that does not exist or is
        empty; the file then ends with a newline.
    new: "" deletes the lines.
    """

    path: str
    old: str
    new: str


def apply_edits(
    files: Mapping[str, str], edits: Sequence[Edit], *, editable: Sequence[str] = ("*.py",)
) -> dict[str, str]:
    """The files after all edits; `files` itself is not touched.

    Every edit is matched against the text as given, so their order does not matter.

    editable: glob patterns; one without "/" is matched against the file's name in any folder, "**" crosses folders.

    Raises EditError (and applies nothing) if a path may not be edited, or an edit does not match exactly once,
    overlaps another one or changes nothing.
    """
    by_path: dict[str, list[Edit]] = {}
    for edit in edits:
        check_path(edit.path, editable)
        by_path.setdefault(edit.path, []).append(edit)
    for path in by_path.keys() - files.keys():
        _check_new(path, {*files, *by_path})
    changed = {path: _edited(path, files.get(path), group) for path, group in by_path.items()}
    return {**files, **changed}


def _check_new(path: str, known: set[str]) -> None:
    """Raises EditError if a new file would share its place with another one, on some file system or on all."""
    for other in known - {path}:
        if _folded(other) == _folded(path):
            raise EditError(
                f"does not exist, but {other} does, which many file systems take for the same file", path=path
            )
        if f"{other}/".startswith(f"{path}/") or f"{path}/".startswith(f"{other}/"):
            raise EditError(f"cannot be a file and a folder at once: there is {other}", path=path)


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _edited(path: str, text: str | None, edits: Sequence[Edit]) -> str:
    mark = BOM if (text or "").startswith(BOM) else ""
    body = (text or "").removeprefix(mark)
    if not body:
        if len(edits) != 1 or edits[0].old or (text is not None and not edits[0].new):
            state = "does not exist" if text is None else "is empty"
            raise EditError(f"{state}; expected one edit with an empty `old` that writes it whole", path=path)
        return mark + (edits[0].new + "\n" if edits[0].new else "")
    crlf = _uses_crlf(body)
    seen = seen_in(_lf(body, crlf))
    places = sorted(_change(path, seen, edit, crlf=crlf, mark=mark) for edit in edits)
    lines = list(seen.lines)
    for (_, end, _), (start, _, _) in itertools.pairwise(places):
        if start < end:
            raise EditError("two edits change this line; join them into one", path=path, line=start + 1)
    for start, end, new in reversed(places):
        if lines[start:end] == new:
            raise EditError(
                "an edit changes nothing: `old` and `new` are the same", path=path, line=start + 1
            )
        lines[start:end] = new
    result = "\n".join(lines)
    return _encodable(path, mark + (result.replace("\n", "\r\n") if crlf else result))


def _encodable(path: str, text: str) -> str:
    """The text. Raises EditError if the encoding that the file states does not have all of its characters."""
    if text.isascii() or decoded(encoded(text)) == text:
        return text
    raise EditError(
        "the patch brings characters that the encoding of this file does not have; "
        "store the file as UTF-8, without a `coding:` comment, and run propose again",
        path=path,
    )


def _change(path: str, seen: "Seen", edit: Edit, *, crlf: bool, mark: str) -> tuple[int, int, list[str]]:
    """(start, end, lines): what an edit puts in the place of the lines [start, end), from 0. Raises EditError."""
    old, new = _lf(edit.old, crlf), _lf(edit.new, crlf)
    if mark and old.startswith(mark) and not seen.find(old.split("\n")):  # written with the mark of the file
        old, new = old.removeprefix(mark), new.removeprefix(mark)
    start, end = _place(path, seen, old)
    lines = new.split("\n") if new else []
    replaced = seen.lines[start:end]
    return start, end, lines if replaced == old.split("\n") else _with_endings(replaced, lines)


def _with_endings(replaced: Sequence[str], new: Sequence[str]) -> list[str]:
    """The new lines with the endings of the lines that they replace, which differ from those in the edit: a kept line
    has its own, any other line that of most.
    """
    bare, crs = [_bare(line) for line in new], sum(line.endswith("\r") for line in replaced)
    ending = "\r" if 2 * crs > len(replaced) else ""
    matcher = SequenceMatcher(None, [_bare(line) for line in replaced], bare, autojunk=False)
    kept = {to + i: replaced[at + i] for at, to, size in matcher.get_matching_blocks() for i in range(size)}
    return [kept.get(row, line + ending) for row, line in enumerate(bare)]


def _bare(line: str) -> str:
    return line.removesuffix("\r")


def _uses_crlf(text: str) -> bool:
    return 0 < text.count("\n") == text.count("\r\n")


def _lf(text: str, crlf: bool) -> str:
    return text.replace("\r\n", "\n") if crlf else text


class Seen:
    """The lines of a text, with an index of where each stands, so that many patches can be looked for in one text."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")

    def find(self, wanted: list[str]) -> list[int]:
        """The line numbers (from 0) at which the `wanted` lines begin, one after the other and exactly equal."""
        _, last = self._ends
        if any(line not in last for line in wanted):
            return []
        for at, line in enumerate(wanted):
            if (row := self.place(line)) >= 0:
                return self._those(wanted, [row - at])
        at, rarest = min(enumerate(wanted), key=lambda entry: len(self.rows[entry[1].strip()]))
        return self._those(wanted, [row - at for row in self.rows[rarest.strip()]])

    def place(self, line: str) -> int:
        """The line number (from 0) of a line that occurs exactly once; -1 for any other."""
        first, last = self._ends
        return last[line] if line in last and first[line] == last[line] else -1

    def _those(self, wanted: list[str], starts: list[int]) -> list[int]:
        return [start for start in starts if start >= 0 and self.lines[start : start + len(wanted)] == wanted]

    @cached_property
    def bare(self) -> "Seen":
        """The same lines without carriage returns at their ends."""
        return Seen("\n".join(map(_bare, self.lines)))

    @cached_property
    def _ends(self) -> tuple[dict[str, int], dict[str, int]]:
        """First and last place of each line: enough for most look-ups, and made in a fraction of the time of `rows`."""
        return ends(self.lines)

    @cached_property
    def rows(self) -> dict[str, list[int]]:
        """Line without the blanks around it -> all line numbers (from 0) at which it stands."""
        rows: defaultdict[str, list[int]] = defaultdict(list)
        for row, line in enumerate(map(str.strip, self.lines)):
            rows[line].append(row)
        return rows


@lru_cache(maxsize=2)
def seen_in(text: str) -> Seen:
    """The indexed lines of a text, cached. Lines end at "\\n" only."""
    return Seen(text)


def _place(path: str, seen: Seen, old: str) -> tuple[int, int]:
    """[start, end) of the only match of `old`, from 0. Raises EditError if there is none, or several."""
    if not old:
        raise EditError("exists already; an edit with an empty `old` only writes new files", path=path)
    wanted = old.split("\n")
    starts = seen.find(wanted) or seen.bare.find([_bare(line) for line in wanted])
    if not starts:
        nearest, message = _nearest(seen, wanted)
        raise EditError(message, path=path, line=nearest)
    if len(starts) > 1:
        where = ", ".join(str(start + 1) for start in starts[:5])
        raise EditError(
            f"the lines to replace occur {len(starts)} times (at lines {where}); add lines of context around them",
            path=path,
            line=starts[0] + 1,
        )
    return starts[0], starts[0] + len(wanted)


def find_lines(text: str, path: str, wanted: str) -> int:
    """The line number (from 0) at which `wanted`, whole lines joined by "\\n", occurs; 0 for "" in an empty text.

    Raises EditError unless it occurs exactly once.
    """
    if not wanted and not text:
        return 0
    body = text.removeprefix(BOM)
    crlf = _uses_crlf(body)
    return _place(path, seen_in(_lf(body, crlf)), _lf(wanted, crlf))[0]


def _matches(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    last = len(lines) - len(wanted)
    return [at for at in range(last + 1) if lines[at] == wanted[0] and lines[at : at + len(wanted)] == wanted]


def _nearest(seen: Seen, wanted: Sequence[str]) -> tuple[int, str]:
    """(line number from 1, message): where the file is most like `wanted`, and what it has there instead."""
    lines, likeness = seen.lines, _likeness(seen, wanted)
    if likeness:
        start = min(likeness, key=lambda at: (-likeness[at], at))
    else:
        probe = max(wanted, key=len)
        start = max(0, _most_alike(lines, probe) - wanted.index(probe))
    found = [*lines[start:], *["(end of file)"] * len(wanted)]
    offset = next(i for i, expected in enumerate(wanted) if found[i] != expected)
    return start + offset + 1, (
        f"the lines to replace are not in the file; nearest are lines {start + 1}-{start + len(wanted)}, "
        f"where line {start + offset + 1} is {found[offset]!r} and the edit expects {wanted[offset]!r}"
    )


def _likeness(seen: Seen, wanted: Sequence[str]) -> dict[int, float]:
    """start -> how many lines from there on are those of `wanted`; lines that differ only in blanks around them count
    half.

    Starts are taken from lines that occur once, else from rare ones, else from all: a common line does not tell where
    an edit belongs.
    """
    starts = {row - offset for offset, line in enumerate(wanted) if (row := seen.place(line)) >= offset}
    if not starts:
        rows = [seen.rows.get(line.strip(), []) for line in wanted]
        rare = [found if len(found) <= RARE else [] for found in rows]
        chosen = rare if any(rare) else rows
        starts = {row - offset for offset, found in enumerate(chosen) for row in found if row >= offset}
    likeness: dict[int, float] = {}
    for start in starts:
        there = zip(seen.lines[start : start + len(wanted)], wanted, strict=False)
        likeness[start] = sum(
            1.0 if line == like else 0.5 * (line.strip() == like.strip()) for line, like in there
        )
    return likeness


def _most_alike(lines: Sequence[str], probe: str) -> int:
    """Index of the line that shares most characters with `probe`; the first of equal ones."""
    matcher = SequenceMatcher(None, "", probe, autojunk=False)
    best, at, seen = -1.0, 0, set[str]()
    for row, line in enumerate(lines):
        if line in seen:
            continue
        seen.add(line)
        matcher.set_seq1(line)
        if matcher.real_quick_ratio() > best and (ratio := matcher.quick_ratio()) > best:
            best, at = ratio, row
    return at


def make_edits(path: str, before: str, after: str) -> list[Edit]:
    """The smallest whole-line edits from `before` to `after`, each with just enough context to be unique.

    `before == ""` writes a new file. Where `before` uses CRLF, so will the result, whatever `after` uses; where it begins
    with a byte order mark, so will the result.
    """
    if before.startswith(BOM):
        before, after = before[1:], after.removeprefix(BOM)
    crlf = _uses_crlf(before)
    before, after = _lf(before, crlf), _lf(after, crlf)
    if before == after:
        return []
    if not before:
        return [Edit(path=path, old="", new=after.removesuffix("\n"))]
    old, new = before.split("\n"), after.split("\n")
    hunks = _unique_hunks(old, new, changes(old, new))
    return [Edit(path=path, old="\n".join(old[a:b]), new="\n".join(new[c:d])) for a, b, c, d in hunks]


_Hunk = tuple[int, int, int, int]  # old[a:b] becomes new[c:d]


def _unique_hunks(old: list[str], new: list[str], hunks: list[_Hunk]) -> list[_Hunk]:
    """Grow each hunk by lines around it, above and below in turn, until its old lines are unique; join hunks that
    meet.
    """
    at, upwards = 0, True
    while at < len(hunks):
        a, b, c, d = hunks[at]
        if _is_exact(old, new, hunks[at]):
            at, upwards = at + 1, True
            continue
        up = a > (hunks[at - 1][1] if at else 0)
        down = b < (hunks[at + 1][0] if at + 1 < len(hunks) else len(old))
        if up and (upwards or not down):
            hunks[at] = (a - 1, b, c - 1, d)
        elif down:
            hunks[at] = (a, b + 1, c, d + 1)
        else:
            at -= at + 1 == len(hunks)
            (first, _, first_new, _), (_, last, _, last_new) = hunks[at : at + 2]
            hunks[at : at + 2] = [(first, last, first_new, last_new)]
        upwards = not upwards
    return hunks


def _is_exact(old: list[str], new: list[str], hunk: _Hunk) -> bool:
    """Whether a hunk can be written as an Edit that matches exactly once."""
    a, b, c, d = hunk
    if b - a == len(old):
        return True
    says_what_it_means = old[a:b] not in ([], [""]) and new[c:d] != [""]
    return says_what_it_means and len(_matches(old, old[a:b])) == 1
