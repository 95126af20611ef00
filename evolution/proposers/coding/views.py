"""What a prompt shows of the code: numbered lines, excerpts, the map of roles, whole files within a limit.

Every line of a file stands behind its number and a bar, so nothing in a file can look like the prompt's own words.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from diagnosis.findings import Anchor, Site

FILE_CHARS = 60_000  # of whole files in one prompt, about 20,000 tokens; the rest is shown as an outline
AROUND = 4  # lines shown on either side of a place


def numbered(text: str, *, first: int = 1, last: int = 0) -> str:
    """Lines first to last (from 1, inclusive; 0: the end) as "  12| code"."""
    lines = text.split("\n")
    last = min(last or len(lines), len(lines))
    if last == len(lines) and not lines[-1]:
        last -= 1  # what follows the final newline is no line
    width = len(str(last))
    return "\n".join(_line(f"{number:>{width}}", lines[number - 1]) for number in range(first, last + 1))


def _line(number: str, text: str) -> str:
    """Spaces at its end are shown, so that it can be matched; a carriage return is no part of a line."""
    text = text.removesuffix("\r")
    return f"{number}| {text}" if text else f"{number}|"


def excerpt(text: str, line: int, *, end: int = 0, around: int = AROUND) -> str:
    return numbered(text, first=max(1, line - around), last=max(line, end) + around)


def shown_files(
    files: Mapping[str, str], wanted: Iterable[str], *, limit: int = FILE_CHARS
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Whole files as {"path", "text"}, those of `wanted` first, until `limit` characters are reached; the others as
    {"path", "outline"}: their classes and functions with lines."""
    first = [path for path in dict.fromkeys(wanted) if path in files]
    rest = sorted((path for path in files if path not in first), key=lambda path: (len(files[path]), path))
    whole: list[dict[str, str]] = []
    others: list[dict[str, str]] = []
    left = limit
    for path in [*first, *rest]:
        text = numbered(files[path])
        if len(text) <= left or (not whole and path in first):
            whole.append({"path": path, "text": text})
            left -= len(text)
        else:
            others.append({"path": path, "outline": outline(files[path])})
    return sorted(whole, key=lambda file: file["path"]), sorted(others, key=lambda file: file["path"])


def outline(text: str) -> str:
    """Its classes and functions, each with the lines it spans; for other text the number of its lines."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return f"{text.count(chr(10)) + 1} lines"
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    named = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    named.sort(key=lambda node: node.lineno)
    said = [f"{node.name} {node.lineno}-{node.end_lineno}" for node in named]
    return ", ".join(said) or f"{text.count(chr(10)) + 1} lines"


def code_map(sites: Sequence[Site]) -> list[dict[str, Any]]:
    """Role -> places, in the order of the diagnosis, best first."""
    places: dict[str, list[str]] = {}
    for site in sites:
        found = places.setdefault(site.role.value, [])
        at = place(site.path, site.start_line, site.end_line)
        if at not in found:
            found.append(at)
    return [{"role": role.replace("_", " "), "places": found} for role, found in places.items()]


def anchored(anchors: Sequence[Anchor]) -> list[dict[str, str]]:
    return [
        {
            "place": place(anchor.path, anchor.start_line, anchor.end_line),
            "text": "\n".join(
                _line(str(number), line)
                for number, line in enumerate(anchor.text.split("\n"), start=anchor.start_line)
            ),
        }
        for anchor in anchors
    ]


def place(path: str, start: int, end: int) -> str:
    return f"{path}:{start}" if end <= start else f"{path}:{start}-{end}"


def one_line(text: str) -> str:
    """Text of somebody else as one line that cannot end the fence it stands in."""
    return " ".join(text.split()).replace("</data", "</ data")
