"""Statements and calls of a source file, read from its syntax tree."""

import ast
import threading
from functools import lru_cache

# Python 3.11 counts the depth of the tree across all threads, so that two parses at once can fail.
_ONE_AT_A_TIME = threading.Lock()


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of a text; None while the text is not valid Python."""
    try:
        with _ONE_AT_A_TIME:
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@lru_cache(maxsize=256)
def _statement_ranges(text: str) -> dict[int, tuple[int, int]]:
    """Line -> (first, last) line of its statement; for a compound statement, of its header only."""
    ranges: dict[int, tuple[int, int]] = {}
    tree = parsed(text)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None) or getattr(node, "cases", None)
            end = node.end_lineno or node.lineno
            if isinstance(body, list) and body:
                first = body[0].pattern.lineno if isinstance(body[0], ast.match_case) else body[0].lineno
                end = max(node.lineno, first - 1)
            for line in range(node.lineno, end + 1):
                ranges[line] = (node.lineno, _last_code_line(text, node.lineno, end))
    return ranges


def _last_code_line(text: str, start: int, end: int) -> int:
    """The last line of a header, without the blank lines and comments between it and the body."""
    lines = _lines(text)
    while end > start and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


@lru_cache(maxsize=256)
def _lines(text: str) -> list[str]:
    return text.split("\n")


def statement_range(text: str, line: int) -> tuple[int, int]:
    """First and last line, from 1, of the innermost statement that holds a line; the line itself if none does."""
    return _statement_ranges(text).get(line, (line, line))


def called_name(call: ast.Call) -> str:
    """The last part of the called name: "randint" for `np.random.randint(...)`; "" if what is called has no name."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def dotted(node: ast.AST) -> str:
    """`a.b.c` as it is written; "" for anything but names and attributes."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        outer = dotted(node.value)
        return f"{outer}.{node.attr}" if outer else ""
    return ""
