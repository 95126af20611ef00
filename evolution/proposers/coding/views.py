"""The views of code that prompts show: numbered lines, excerpts, the map of roles, and whole files up to a limit.

Every line of a file stands behind its number and a bar, so that no file can look like the prompt's own words.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from diagnosis.encoding import unmarked
from diagnosis.findings import Anchor, Site
from diagnosis.syntax import parsed

FILE_CHARS = 60_000  # characters of whole files in a prompt (about 20,000 tokens); other files are outlined
LINES, LINE_CHARS = 3, 160  # of code that are told for a role, and characters of each
AROUND = 4  # lines shown on either side of a place


def numbered(text: str, *, first: int = 1, last: int = 0) -> str:
    """Lines first to last (from 1, inclusive; last 0 is the end) as "  12| code"."""
    lines = unmarked(text).split("\n")
    last = min(last or len(lines), len(lines))
    if last == len(lines) and not lines[-1]:
        last -= 1  # what follows the final newline is no line
    width = len(str(last))
    return "\n".join(_line(f"{number:>{width}}", lines[number - 1]) for number in range(first, last + 1))


def _line(number: str, text: str) -> str:
    """A line behind its number. Trailing spaces are kept, because edits must match them; a carriage return is dropped."""
    text = text.removesuffix("\r")
    return f"{number}| {text}" if text else f"{number}|"


def excerpt(text: str, line: int, *, end: int = 0, around: int = AROUND) -> str:
    """The numbered lines around a line, or around the lines from `line` to `end`."""
    return numbered(text, first=max(1, line - around), last=max(line, end) + around)


def shown_files(
    files: Mapping[str, str], wanted: Iterable[str], *, limit: int = FILE_CHARS
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """(whole files as {"path", "text"}, other files as {"path", "outline"}).

    Files of `wanted` come first; whole files are shown until `limit` characters are reached.
    """
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
    """The classes and functions of a file, each with the lines that it spans; for other text the number of lines."""
    tree = parsed(text)
    if tree is None:
        return f"{text.count(chr(10)) + 1} lines"
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    named = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    named.sort(key=lambda node: node.lineno)
    said = [f"{node.name} {node.lineno}-{node.end_lineno}" for node in named]
    return ", ".join(said) or f"{text.count(chr(10)) + 1} lines"


def code_map(sites: Sequence[Site], sources: Mapping[str, str]) -> list[dict[str, Any]]:
    """The places of each role, in the order of the diagnosis, best first, as {"role", "places", "lines"}; of the lines of code
    there the first few, each without its indentation.
    """
    places: dict[str, dict[str, Site]] = {}
    for site in sites:
        places.setdefault(site.role.value, {}).setdefault(
            place(site.path, site.start_line, site.end_line), site
        )
    return [
        {
            "role": role.replace("_", " "),
            "places": list(found),
            "lines": _first_lines(found.values(), sources),
        }
        for role, found in places.items()
    ]


def _first_lines(sites: Iterable[Site], sources: Mapping[str, str]) -> list[str]:
    texts = (_text_at(sources.get(site.path, ""), site) for site in sites)
    return [text for text in dict.fromkeys(texts) if text][:LINES]


def _text_at(source: str, site: Site) -> str:
    lines = unmarked(source).split("\n")[site.start_line - 1 : max(site.start_line, site.end_line)]
    return one_line(" ".join(lines))[:LINE_CHARS]


def anchored(anchors: Sequence[Anchor]) -> list[dict[str, str]]:
    """The lines of each anchor, numbered, as {"place", "text"}."""
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
    """A place as "path:3" or "path:3-7"."""
    return f"{path}:{start}" if end <= start else f"{path}:{start}-{end}"


def one_line(text: str) -> str:
    """Foreign text as one line that cannot end the fence around it."""
    return " ".join(text.split()).replace("</data", "</ data")
