"""Makes text safe on its way from the data to an LLM, and from an LLM to an editor. Pure functions."""

import json
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

SENTENCE = 300  # most characters; longer sentences are cut before they reach an editor
# Characters from which an editor's Markdown makes links, pictures, code or HTML, and their substitutes.
_PLAIN = str.maketrans(
    {"[": "(", "]": ")", "<": "‹", ">": "›", "`": "'", "|": "/", "\\": "/", "*": "", "#": ""}
)


def as_data(records: Iterable[Mapping[str, Any]]) -> str:
    """The records as JSON, one per line, to be put between two tags of a prompt.

    JSON escapes line breaks and quotes; angle brackets and invisible characters are escaped here, so no text
    inside can end its line or its tag. This separates data from instructions for a reader of the prompt; an LLM
    may still obey a sentence inside the data.
    """
    lines = (json.dumps(record, ensure_ascii=False, allow_nan=False) for record in records)
    return "\n".join("".join(map(_inert, line)) for line in lines)


def as_table(records: Iterable[Mapping[str, Any]]) -> str:
    """The records as a table: a JSON array of the columns' names, then one of values for each record, null where unknown.

    Columns that no record has are left out. What is said of `as_data` holds here.
    """
    rows = list(records)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, *([row.get(name) for name in columns] for row in rows)] if rows else []
    texts = (json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":")) for line in lines)
    return "\n".join("".join(map(_inert, text)) for text in texts)


def _inert(character: str) -> str:
    unseen = unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
    if character in "<>":
        return f"\\u{ord(character):04x}"
    return json.dumps(character)[1:-1] if unseen else character


def clean(text: str, limit: int = SENTENCE) -> str:
    """One line of plain text of at most `limit` characters, without control or format characters and Markdown."""
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    line = " ".join(visible.translate(_PLAIN).replace("://", ":").split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
