"""Checks that a patch is small, and free of lines that only change their layout."""

import ast
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from diagnosis.syntax import parsed
from evolution.proposers.coding.views import place

MAX_CHANGED_LINES = 120  # added plus removed; a new layer with its loss and its batches takes about 60

_Hunk = tuple[int, int, int, int]  # before[a:b] becomes after[c:d]


def complaint(before: Mapping[str, str], after: Mapping[str, str], *, max_changed_lines: int) -> str:
    """Why the patch cannot stay as it is, "" if it can. The smoke trial judges what does not parse."""
    changed = [path for path in sorted(after) if after[path] != before.get(path)]
    if not changed:
        return "the edits leave every file as it was; the patch changes nothing"
    size = changed_lines(before, after)
    if size > max_changed_lines:
        return (
            f"the patch adds and removes {size} lines, the limit is {max_changed_lines}: keep the core of the idea, "
            "reuse what the code has, and leave every other line as it was"
        )
    restyled = [
        said for path in changed if path in before for said in _restyled(path, before[path], after[path])
    ]
    if restyled:
        return "these lines change only their looks; put them back as they were:\n" + "\n".join(restyled)
    return ""


def changed_lines(before: Mapping[str, str], after: Mapping[str, str]) -> int:
    """Lines removed plus lines added, as a diff counts them."""
    hunks = [hunk for path in after for hunk in _hunks(_lines(before.get(path, "")), _lines(after[path]))]
    return sum((b - a) + (d - c) for a, b, c, d in hunks)


def _restyled(path: str, before: str, after: str) -> list[str]:
    """The places where the patch changes layout only."""
    old, new = _lines(before), _lines(after)
    found: list[str] = []
    for a, b, c, d in _hunks(old, new):
        put_back = [*new[:c], *old[a:b], *new[d:]]
        if path.endswith(".py") and _says_the_same(old[a:b], new[c:d]) and _same(put_back, new):
            found.append(place(path, c + 1, d))
        else:
            found += [f"{path}:{at + 1}" for at in range(c, d) if _only_spaced(new[at], old[a:b], path)]
    return found


def _only_spaced(line: str, removed: Sequence[str], path: str) -> bool:
    """Whether a line is one of the removed ones but for spaces without meaning."""
    if not line.strip() or line in removed:
        return False
    if not path.endswith(".py"):
        return line.rstrip() in [other.rstrip() for other in removed]
    alike = [
        other
        for other in removed
        if "".join(other.split()) == "".join(line.split()) and _indent(other) == _indent(line)
    ]
    return any(_same([other.strip()], [line.strip()]) for other in alike)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _says_the_same(removed: Sequence[str], added: Sequence[str]) -> bool:
    """Whether both sides hold code and have the same comments; a changed comment is a change of its own."""
    comments = [[line.partition("#")[2] for line in lines if "#" in line] for lines in (removed, added)]
    return _has_code(removed) and _has_code(added) and comments[0] == comments[1]


def _has_code(lines: Sequence[str]) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def _same(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether both sides parse to the same tree."""
    before, after = parsed("\n".join(one)), parsed("\n".join(other))
    return before is not None and after is not None and ast.dump(before) == ast.dump(after)


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _hunks(old: Sequence[str], new: Sequence[str]) -> list[_Hunk]:
    opcodes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(a, b, c, d) for tag, a, b, c, d in opcodes if tag != "equal"]
