"""Escapes text from outside (titles, sentences of users and LLMs, a repo's exceptions) for Markdown.

The escaped text is shown literally: no part of it becomes a link, picture, code, table or list.
"""

import re
import unicodedata

UNSEEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")  # controls, direction marks, characters without a glyph
_MARKS = re.compile(r"[\\`*_{}\[\]<>#|~!&$@]")
_FIRST = re.compile(r"^(?:[-+=]|\d+(?=[.)]))")  # would begin a list or underline a heading


def escaped(text: str) -> str:
    """The text on one line, escaped; invisible characters are dropped."""
    seen = "".join(" " if char.isspace() else char for char in text if char.isspace() or not _unseen(char))
    line = _MARKS.sub(lambda found: "\\" + found[0], " ".join(seen.split()))
    line = line.replace("://", ":\\//").replace("www.", "www\\.")  # bare addresses become links too
    return _FIRST.sub(lambda found: found[0] + "\\" if found[0].isdigit() else "\\" + found[0], line)


def _unseen(char: str) -> bool:
    return unicodedata.category(char) in UNSEEN
