"""What the header of a diff may ask for beside its hunks: nothing. A patch changes lines of text and adds text files.

What git can do besides (links, submodules, modes, binary files, renames) is refused by name, since a patch of which only
the hunks are applied would be another patch.
"""

import re

from evolution.base.errors import EditError

_NUMBER = r"[0-7]{6}"
_REFUSED = (
    (r"(?:new file mode|old mode|new mode|index \S+) 120000", "makes or changes a symbolic link"),
    (r"(?:new file mode|old mode|new mode|index \S+) 160000", "makes or changes a submodule"),
    (rf"(?:old|new) mode {_NUMBER}", "changes the mode of a file"),
    (rf"new file mode (?!100644\b){_NUMBER}", "adds a file that is not plain; expected mode 100644"),
    (r"GIT binary patch|(?:Binary f|F)iles .+ and .+ differ", "changes a binary file"),
    (r"deleted file mode .*|(?:rename|copy) (?:from|to) .+", "deletes, renames or copies a file"),
    (r"Only in [^:]+: \S+", "names a file that is on one side only"),
    (r"diff --(?:cc|combined) .+|@@@+ .*", "belongs to a merge; expected the changes against one file"),
)
_PATTERNS = tuple((re.compile(pattern + r"\s*"), what) for pattern, what in _REFUSED)


def check_header(line: str, at: int) -> None:
    """Raises EditError if a line outside of all hunks asks for more than changed lines. at: its number, from 1."""
    for pattern, what in _PATTERNS:
        if pattern.fullmatch(line):
            raise EditError(
                f"line {at} of the diff, {line.strip()[:80]!r}, {what}; a patch may change the lines of text files and "
                "add text files, not delete or rename them, and nothing else"
            )


def no_hunk(line: str, at: int) -> EditError:
    """The error for a file that a diff names in a line, and of which it changes nothing."""
    return EditError(
        f"line {at} of the diff, {line.strip()[:80]!r}, names a file, and no hunk of it follows; write its changed lines "
        "below a line that begins with @@, or leave the file out"
    )
