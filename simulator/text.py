"""Text between data, a model and an editor: made safe in both directions. Pure functions."""

import json
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

SENTENCE = 300  # characters; longer ones are cut before they reach an editor
# What an editor's Markdown would turn into links, pictures, code or HTML.
_PLAIN = str.maketrans(
    {"[": "(", "]": ")", "<": "‹", ">": "›", "`": "'", "|": "/", "\\": "/", "*": "", "#": ""}
)


def as_data(records: Iterable[Mapping[str, Any]]) -> str:
    """JSON, one record a line, to stand between two tags of a prompt.

    Line breaks and quotes are escaped by JSON; angle brackets and characters that cannot be seen by us: no text
    inside can end its line or its tag. This keeps data apart from instructions for whoever reads the prompt as
    written; whether a model obeys a sentence inside the data all the same is up to the model.
    """
    lines = (json.dumps(record, ensure_ascii=False, allow_nan=False) for record in records)
    return "\n".join("".join(map(_inert, line)) for line in lines)


def _inert(character: str) -> str:
    unseen = unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
    if character in "<>":
        return f"\\u{ord(character):04x}"
    return json.dumps(character)[1:-1] if unseen else character


def clean(text: str, limit: int = SENTENCE) -> str:
    """One line of plain text of at most `limit` characters: no control or format characters, no Markdown."""
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    line = " ".join(visible.translate(_PLAIN).replace("://", ":").split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
