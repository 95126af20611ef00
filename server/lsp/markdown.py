"""Words that are not ours (titles, users' and models' sentences, a repo's exceptions) as Markdown that shows them as
they are: no link, picture, code, table or list comes of them."""

import re
import unicodedata

UNSEEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")  # controls, direction marks, what no font has
_MARKS = re.compile(r"[\\`*_{}\[\]<>#|~!&$@]")
_FIRST = re.compile(r"^(?:[-+=]|\d+(?=[.)]))")  # would begin a list or underline a heading


def escaped(text: str) -> str:
    """One line."""
    seen = "".join(" " if char.isspace() else char for char in text if char.isspace() or not _unseen(char))
    line = _MARKS.sub(lambda found: "\\" + found[0], " ".join(seen.split()))
    line = line.replace("://", ":\\//").replace("www.", "www\\.")  # bare addresses become links too
    return _FIRST.sub(lambda found: found[0] + "\\" if found[0].isdigit() else "\\" + found[0], line)


def _unseen(char: str) -> bool:
    return unicodedata.category(char) in UNSEEN
