"""Unified diffs in git's format: written from two sets of files, and read as whole-line edits."""

from collections.abc import Mapping
from difflib import unified_diff as _difflib_diff
from typing import TYPE_CHECKING

from evolution.base.errors import EditError
from evolution.domain.diff_headers import check_header, no_hunk
from evolution.domain.edits import Edit

if TYPE_CHECKING:
    from unidiff.patch import Hunk


def unified_diff(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Every difference between two sets of files, in git's format, fit for `git apply`; "" if they are equal."""
    paths = sorted({*before, *after})
    return "".join(
        _file_diff(path, before.get(path), after.get(path))
        for path in paths
        if before.get(path) != after.get(path)
    )


def _file_diff(path: str, before: str | None, after: str | None) -> str:
    mode = (
        "new file mode 100644\n" if before is None else "deleted file mode 100644\n" if after is None else ""
    )
    tab = "\t" if " " in path else ""  # ends the name, for programs that would stop reading at a space
    source = "/dev/null" if before is None else f"a/{path}{tab}"
    target = "/dev/null" if after is None else f"b/{path}{tab}"
    body = _difflib_diff(_with_ends(before or ""), _with_ends(after or ""), source, target, n=3)
    marked = (line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in body)
    return f"diff --git a/{path} b/{path}\n{mode}" + "".join(marked)


def _with_ends(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return [line for line in lines if line]


def parse_unified_diff(text: str) -> list[Edit]:
    """The edits that a unified diff with context lines makes.

    Raises EditError if the diff is malformed, has no context, names a file without changing lines of it, or asks for
    anything else than changed lines and new files, see `diff_headers`.
    """
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    try:
        patch = PatchSet(text)
    except UnidiffParseError as error:
        raise EditError(f"this is no unified diff: {error}") from None
    edits: list[Edit] = []
    for file in patch:
        for line in file.patch_info or ():
            check_header(line, _line_of(text, line))
        if file.is_removed_file or file.is_rename:
            raise EditError("a patch may change and add files, not delete or rename them", path=file.path)
        if not file:
            raise no_hunk(text.split("\n")[(file.diff_line_no or 1) - 1], file.diff_line_no or 1)
        edits += [_hunk_edit(file.path, hunk, is_new=file.is_added_file) for hunk in file]
    if text.strip() and not edits:
        raise EditError("this is no unified diff: it changes no line of any file")
    return edits


def _line_of(text: str, line: str) -> int:
    """The number, from 1, of the first line of the text that is this one."""
    return text.split("\n").index(line.removesuffix("\n")) + 1


def _hunk_edit(path: str, hunk: "Hunk", *, is_new: bool) -> Edit:
    sides: dict[str, list[str]] = {"old": [], "new": []}
    open_ended: set[str] = set()
    last: tuple[str, ...] = ()
    for line in hunk:
        if line.line_type == "\\":
            open_ended.update(last)
            continue
        last = {"-": ("old",), "+": ("new",)}.get(line.line_type, ("old", "new"))
        for side in last:
            sides[side].append(line.value.removesuffix("\n"))
    if not sides["old"] and not is_new:
        raise EditError("a hunk has no context; make the diff with at least one line of it", path=path)
    if all(line.endswith("\r") for line in sides["old"][:-1] + sides["new"][:-1]):
        # edits of a CRLF file are written with plain newlines
        sides = {side: [line.removesuffix("\r") for line in lines] for side, lines in sides.items()}
    if len(open_ended) == 1 and not is_new:
        sides["new" if "old" in open_ended else "old"].append("")  # the other side ends with a newline
    return Edit(path=path, old="\n".join(sides["old"]), new="\n".join(sides["new"]))
