"""Parses source files, within limits, and reads statements and calls from their syntax trees.

A text that cannot be parsed concerns its own file alone: `parse` says why, and raises nothing.
"""

import ast
import re
import threading
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from itertools import islice

from diagnosis.encoding import encoded, unmarked

# Python 3.11 counts the depth of the tree across all threads, so that two parses at once can fail.
_ONE_AT_A_TIME = threading.Lock()
DEEPEST = 300  # levels of a syntax tree; code that walks one calls itself up to three times for each
LONGEST = 2_000_000  # characters
MOST_WORDS = 300_000  # and signs; a syntax tree takes some 700 bytes for each
_WORD = re.compile(r"\w+|[^\w\s]")


class Hurdle(StrEnum):
    """Why a text has no syntax tree."""

    SYNTAX = "syntax"  # it is no Python, or Python of a later version
    DEPTH = "depth"  # it is nested more deeply than the parser, or code that walks the tree, can go
    LENGTH = "length"


@dataclass(frozen=True, kw_only=True)
class Unparsed:
    """A text without a syntax tree. message: in words that can follow the file's name. line: from 1."""

    hurdle: Hurdle
    message: str
    line: int = 1


def parse(text: str) -> ast.Module | Unparsed:
    """The syntax tree of a text as `encoding.decoded` returns it, at most DEEPEST levels deep; or why there is none."""
    if len(text) > LONGEST:
        return Unparsed(hurdle=Hurdle.LENGTH, message=f"is longer than {LONGEST:,} characters")
    if _has_many_words(text):
        return Unparsed(hurdle=Hurdle.LENGTH, message=f"has more than {MOST_WORDS:,} words and signs")
    try:
        with _ONE_AT_A_TIME:
            tree = ast.parse(_readable(text))
    except SyntaxError as error:
        return _unparsed(error)
    except (RecursionError, MemoryError):
        return Unparsed(hurdle=Hurdle.DEPTH, message=_TOO_DEEP)
    except ValueError as error:  # null bytes; a number of thousands of digits
        return Unparsed(hurdle=Hurdle.SYNTAX, message=f"syntax error: {error}")
    return _within_depth(tree)


def parsed(text: str) -> ast.Module | None:
    """As `parse`; None in place of the reason."""
    tree = parse(text)
    return tree if isinstance(tree, ast.Module) else None


_TOO_DEEP = f"is nested too deeply: an expression or block has more than {DEEPEST} levels"


def _has_many_words(text: str) -> bool:
    found = _WORD.finditer(text) if len(text) > MOST_WORDS else iter(())
    return next(islice(found, MOST_WORDS, None), None) is not None


def _readable(text: str) -> str | bytes:
    """Without the mark; as bytes where some bytes do not fit the file's encoding, so that Python judges them."""
    try:
        text.encode()
    except UnicodeError:
        return encoded(text)
    return unmarked(text)


def _unparsed(error: SyntaxError) -> Unparsed:
    said = error.msg or "no valid Python"
    if said.startswith("too many"):  # nested parentheses, statically nested blocks, levels of indentation
        return Unparsed(hurdle=Hurdle.DEPTH, message=f"is nested too deeply: {said}", line=error.lineno or 1)
    return Unparsed(hurdle=Hurdle.SYNTAX, message=f"syntax error: {said}", line=error.lineno or 1)


def _within_depth(tree: ast.Module) -> ast.Module | Unparsed:
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in below(node)]
        if not level:
            return tree
    line = next((line for node in level if (line := getattr(node, "lineno", 0))), 1)
    return Unparsed(hurdle=Hurdle.DEPTH, message=_TOO_DEEP, line=line)


# Fields that never hold a node with nodes of its own: names, constants, contexts and operators.
_NO_NODES = frozenset(
    [
        "arg",
        "asname",
        "attr",
        "conversion",
        "ctx",
        "id",
        "is_async",
        "kind",
        "kwd_attrs",
        "level",
        "lineno",
        "module",
        "n",
        "name",
        "names",
        "op",
        "ops",
        "rest",
        "s",
        "simple",
        "tag",
        "type_comment",
    ]
)


@cache
def fields_of_nodes(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields of a type of node that may hold nodes which the rules look at."""
    if kind is ast.Constant:
        return ()
    imports = kind in (ast.Import, ast.ImportFrom)  # their names are nodes
    return tuple(name for name in kind._fields if name not in _NO_NODES or (imports and name == "names"))


def below(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one, as ast.iter_child_nodes gives them but for operators and contexts, in a third of the time."""
    found: list[ast.AST] = []
    for name in fields_of_nodes(type(node)):
        value = getattr(node, name, None)
        if type(value) is list:
            found += [part for part in value if isinstance(part, ast.AST)]
        elif isinstance(value, ast.AST) and value._fields:
            found.append(value)
    return found


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
