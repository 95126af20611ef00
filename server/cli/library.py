"""`evolverec library`: the library of techniques, listed, or searched by words or
by the code of a finding or critique.
"""

from typing import Any

from evolution.base import serial
from evolution.base.errors import UsageError
from evolution.literature.library import Library, builtin_library, known_codes, meaning
from evolution.literature.technique import Technique
from server.cli.output import say

SHOWN = 10


def library_document(query: str, code: str) -> dict[str, Any]:
    """The techniques that fit, best first: at most SHOWN for a query or a code, else all.

    Raises UsageError for an unknown code.
    """
    if code and code not in known_codes():
        raise UsageError(
            f"{code!r} is no code of a finding or a critique; expected one of {', '.join(_answered())}"
        )
    found = _found(builtin_library(), query, code)
    return {
        "query": query or None,
        "code": code or None,
        "meaning": meaning(code) or None,
        "techniques": [_document(technique) for technique in found],
    }


def _found(library: Library, query: str, code: str) -> list[Technique]:
    if not query:
        return library.for_codes([code])[:SHOWN] if code else list(library.techniques)
    fitting = [technique for technique, _ in library.find(query, len(library.techniques))]
    return [technique for technique in fitting if not code or code in technique.answers][:SHOWN]


def _answered() -> list[str]:
    return sorted({code for technique in builtin_library().techniques for code in technique.answers})


def _document(technique: Technique) -> dict[str, Any]:
    recipe = builtin_library().recipes.get(technique.id)
    return {**serial.plain(technique), "recipe": recipe, "url": technique.url}


def show_library(document: dict[str, Any]) -> None:
    """Print the techniques: in full for a query or a code, else one line each."""
    found = document["techniques"]
    if document["meaning"]:
        say(f"{document['code']}: {document['meaning']}\n")
    if not found:
        say("nothing in the library fits; try fewer or other words")
    whole = document["query"] or document["code"]
    for technique in found:
        say(_entry(technique) if whole else f"{technique['id']:34} {technique['name']}")


def _entry(technique: dict[str, Any]) -> str:
    recipe = f"\n  Recipe: {technique['recipe']} (evolverec propose tries it)" if technique["recipe"] else ""
    sketch = technique["sketch"].replace("\n", "\n    ")
    return (
        f"{technique['name']}  [{technique['id']}]\n"
        f"  {technique['title']}, {technique['year']}, {technique['url']}\n"
        f"  {technique['mechanism']}\n"
        f"  When it hurts: {technique['hurts']}\n"
        f"  Answers: {', '.join(technique['answers'])}{recipe}\n\n    {sketch}\n"
    )
