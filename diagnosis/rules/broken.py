"""What is whole of a text that is no Python while somebody types: the broken lines are left out, and the rest is parsed.

Ruff and Pyright have parsers of their own that go on after an error; with Python's parser a line is left out where it
says that the error is, and the text is parsed again. Nothing moves: lines keep their numbers.
"""

import ast
import re
from dataclasses import dataclass
from functools import cached_property

from diagnosis.syntax import Hurdle, Unparsed, called_name, parse

MOST_TRIES = 6  # a failed parse costs half of one that succeeds
_INDENT = re.compile(r"[ \t]*")
_HEADER = re.compile(r"[ \t]*(def|class|for|while|if|elif|else|with|try|except|finally|async|match|case)\b")
# Headers that stand only below another one, with what each may be replaced by.
_BELOW = {"except": "except:", "finally": "finally:", "else": "else:", "elif": "elif 1:", "try": "try:"}
_OPENED = re.compile(r"does not match opening parenthesis '.' on line (\d+)")


@dataclass(frozen=True, kw_only=True, eq=False)
class Mended:
    """The syntax tree of what is whole, and the numbers of the lines, from 1, that had to be changed for it."""

    tree: ast.Module
    broken: frozenset[int]

    @cached_property
    def silenced(self) -> frozenset[int]:
        """The lines of functions that hold a broken line or call one that does, and of blocks below a broken header: what
        is missing there may be what is being typed.
        """
        units = [n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        blocks = [n for n in ast.walk(self.tree) if isinstance(n, ast.If) and n.lineno in self.broken]
        found = [n for n in (*units, *blocks) if not self.broken.isdisjoint(_lines(n))]
        fresh = found
        while fresh:
            names = {getattr(n, "name", "") for n in fresh}
            fresh = [n for n in units if n not in found and names & _called_in(n)]
            found += fresh
        return self.broken.union(*map(_lines, found))


def mended(text: str) -> Mended | None:
    """What is whole of a text; None where too much is broken, or where the text is too long or too deep."""
    lines = text.split("\n")
    broken: set[int] = set()
    for _ in range(MOST_TRIES):
        fault = parse("\n".join(lines))
        if isinstance(fault, ast.Module):
            return Mended(tree=fault, broken=frozenset(broken))
        if fault.hurdle is not Hurdle.SYNTAX or not _leave_out(lines, fault, broken):
            return None
    return None


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.If) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _called_in(node: ast.AST) -> set[str]:
    return {called_name(part) for part in ast.walk(node) if isinstance(part, ast.Call)}


def _leave_out(lines: list[str], fault: Unparsed, broken: set[int]) -> bool:
    """Empty the line of a fault, or give a header without a body one. Returns whether anything was changed."""
    opened = _OPENED.search(fault.message)
    at = min(max(int(opened.group(1)) if opened else fault.line, 1), len(lines)) - 1
    if "expected an indented block" in fault.message:
        header = _last_before(lines, at if lines[at].strip() and at + 1 == fault.line else at + 1)
        if header is not None and lines[header].rstrip().endswith(":"):
            lines[header] = lines[header].rstrip() + " pass"
            broken.add(header + 1)
            return True
    if not lines[at].strip():
        before = _last_before(lines, at)
        if before is None:
            return False
        at = before
    if "unexpected indent" in fault.message:
        return _leave_out_block(lines, at, broken)
    header = _HEADER.match(lines[at]) if _is_deeper(lines, at) else None
    lines[at] = f"{_indent(lines[at])}{_BELOW.get(header.group(1), 'if 1:')}" if header else ""
    broken.add(at + 1)
    return True


def _leave_out_block(lines: list[str], at: int, broken: set[int]) -> bool:
    """Empty a line that is indented too far, and those after it that are as far."""
    width = len(_indent(lines[at]))
    while at < len(lines) and (not lines[at].strip() or len(_indent(lines[at])) >= width):
        if lines[at].strip():
            lines[at] = ""
            broken.add(at + 1)
        at += 1
    return True


def _last_before(lines: list[str], at: int) -> int | None:
    """The last line with code before a place."""
    return next((i for i in range(at - 1, -1, -1) if lines[i].strip() and lines[i].lstrip()[0] != "#"), None)


def _is_deeper(lines: list[str], at: int) -> bool:
    """Whether the next line with code is indented further."""
    following = next((line for line in lines[at + 1 :] if line.strip()), "")
    return len(_indent(following)) > len(_indent(lines[at]))


def _indent(line: str) -> str:
    return _INDENT.match(line).group()  # pyright: ignore[reportOptionalMemberAccess]
