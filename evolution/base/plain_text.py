"""Text of others (candidates, item titles, file names, a repo's exceptions, an LLM) as text alone.

A terminal obeys control characters, in whatever they stand: they move the cursor, rename the window, or make one line
look like another. Marks of direction let a sentence be read in another order than it is written. None of them is shown.
"""

import re

from evolution.base.amounts import count

SHOWN_INSTEAD = "\ufffd"
# C0 but tab and line feed, DEL and C1; marks and overrides of direction; line and paragraph separators, the byte order
# mark, invisible tags, halves of surrogate pairs, which no file takes. Joiners stay: scripts and emoji need them.
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def first_lines(text: str, most: int) -> str:
    """The whole lines of a text that fit into `most` characters, and a line that says how many are left out."""
    lines = text.rstrip().split("\n")
    kept, used = 0, 0
    while kept < len(lines) and used + len(lines[kept]) <= most:
        used += len(lines[kept]) + 1
        kept += 1
    left = len(lines) - kept
    return (
        "\n".join([*lines[:kept], f"({count(left, 'further line')} not shown)"]) if left else "\n".join(lines)
    )


def plain_text(text: str) -> str:
    """The text with a mark in place of every character that a terminal would obey. Line ends become line feeds."""
    return OBEYED.sub(SHOWN_INSTEAD, text.replace("\r\n", "\n"))
