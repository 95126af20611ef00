"""Finds dead code in a patch: its statements must run in a smoke trial, and their results must be read.

These are the rules for Python files; other files cannot be judged and pass.

- A patch that leaves the syntax tree as it was (comments, docstrings, layout) is refused.
- A function that the patch adds, and of which no statement ran, is refused: nothing calls it.
- A local variable that the patch assigns and its function never reads is refused, and so is an expression whose value
  is dropped: they run and have no effect.
- Of all the statements of functions that the patch adds or changes, at least half must have run and have an effect (an
  attribute that no code reads has none). If the patch changes none inside functions, one outside must run.
- Other statements that did nothing, such as an untaken branch, are *idle*: they are reported, not refused.

Two kinds of statements do not count. A healthy run never reaches `raise` and the inside of `except`. A run that is
short of time does not reach the lines after the place where a function was stopped, and the functions called from
there.

A smoke trial builds the model, trains two epochs (or as much of them as its time allows) and scores. A patch that
takes effect later, or behind a switch that is off, is therefore refused. That is intended, as nobody has measured it.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from diagnosis.syntax import parsed
from evolution.proposers.coding.statements import FunctionLines, Statement, functions, statements
from evolution.proposers.coding.views import place


@dataclass(frozen=True, kw_only=True)
class SmokeRun:
    """Which lines ran in a smoke trial.

    executed: path -> lines that ran.
    stopped: (path, line) of each function that was stopped because time ran out.
    """

    executed: Mapping[str, frozenset[int]]
    stopped: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Idle:
    """Lines of a patch that did nothing, with their text and the reason."""

    path: str
    start: int
    end: int
    text: str
    why: str

    def __str__(self) -> str:
        return f"{place(self.path, self.start, self.end)}: {self.why}\n{self.text}"


@dataclass(frozen=True, kw_only=True)
class Liveness:
    """The verdict on a patch.

    refusal: why the patch is dead code, "" if it is not.
    idle: lines that did nothing, whether or not the patch is refused.
    unseen: places of the patch that may yet run, as time ended the smoke trial before them.
    """

    refusal: str
    idle: tuple[Idle, ...]
    unseen: tuple[str, ...] = ()


def judge(before: Mapping[str, str], after: Mapping[str, str], run: SmokeRun) -> Liveness:
    """Find patch lines that never run, or have no effect.

    `before` and `after` map path to text; files that are missing from `after` or unchanged are skipped. Of a file that
    our own parser cannot read, because it is of a later Python, no statements are known: some changed line must have run.
    """
    changed = {path: text for path, text in after.items() if before.get(path) != text}
    python = [path for path in sorted(changed) if path.endswith(".py")]
    if len(python) == len(changed) and not any(_means_more(before.get(p, ""), changed[p]) for p in python):
        return Liveness(refusal="the patch changes comments, docstrings or layout only, and no code", idle=())
    files = [_File(path, before.get(path, ""), changed[path], run) for path in python]
    read = _attributes_read({**before, **after})
    idle = [found for file in files for found in file.idle(read)]
    unseen = [found for file in files for found in file.unseen()]
    return Liveness(refusal=_refusal(files, read), idle=tuple(idle), unseen=tuple(unseen))


def _refusal(files: Sequence["_File"], read: set[str]) -> str:
    uncalled = [name for file in files for name in file.uncalled()]
    if uncalled:
        return f"nothing calls {_listed(uncalled)}: the patch adds code that never runs"
    without_effect = [said for file in files for said in file.without_effect()]
    if without_effect:
        return f"the patch adds code without effect: {'; '.join(without_effect)}"
    inside = [(file, s) for file in files for s in file.counted() if s.function is not None]
    dead = sum(not file.works(s, read) for file, s in inside)
    if 2 * dead > len(inside):
        return f"{dead} of the {len(inside)} statements that the patch adds or changes did not run, or are read by nothing"
    outside = [(file, s) for file in files for s in file.counted() if s.function is None]
    if not inside and outside and not any(file.works(s, read) for file, s in outside):
        return f"nothing imports {_listed([file.path for file in files])}: no line of the patch ran"
    unread = [file for file in files if file.unread]
    if unread and not inside and not outside and not any(file.ran_or_was_stopped() for file in unread):
        return f"no changed line of {_listed([file.path for file in unread])} ran"
    return ""


class _File:
    """One changed Python file."""

    def __init__(self, path: str, before: str, after: str, run: SmokeRun) -> None:
        self.path, self.lines = path, after.split("\n")
        self.tree, self.unread = _parsed(after), parsed(after) is None
        self.ran = run.executed.get(path, frozenset())
        self.all = statements(self.tree)
        self.changed = _changed_lines(before, after)
        known = {function.name for function in functions(_parsed(before))}
        self.functions = functions(self.tree)
        self.added = [function for function in self.functions if function.name not in known]
        self.was_stopped = path in {stopped for stopped, _ in run.stopped}
        self.later = self._later([line for stopped, line in run.stopped if stopped == path])

    def ran_or_was_stopped(self) -> bool:
        """Whether a changed line ran, or time kept one from it."""
        return not self.ran.isdisjoint(self.changed) or self.was_stopped

    def counted(self) -> list[Statement]:
        """Statements of the patch that had the time and reason to run."""
        return [
            s
            for s in self.all
            if not self.changed.isdisjoint(s.lines) and not s.error_path and s not in self.later
        ]

    def unseen(self) -> list[str]:
        """Places of the patch's statements that did not run because time ended the smoke trial before them."""
        return [
            place(self.path, s.start, s.end)
            for s in self.later
            if not self.changed.isdisjoint(s.lines) and not s.error_path
        ]

    def runs(self, statement: Statement) -> bool:
        """Whether a statement ran. A compound one ran if anything inside ran, because not every header is traced."""
        if not self.ran.isdisjoint(statement.lines):
            return True
        end = statement.node.end_lineno or statement.end
        inner = (s for s in self.all if statement.end < s.start <= end)
        return any(not self.ran.isdisjoint(s.lines) for s in inner)

    def works(self, statement: Statement, read: set[str]) -> bool:
        """Whether a statement ran and its result is read. read: names of attributes that some code reads."""
        return self.runs(statement) and not self._unread_attribute(statement, read)

    def idle(self, read: set[str]) -> Iterator[Idle]:
        """Counted statements that did not run, or whose result nothing reads."""
        for statement in self.counted():
            unread = self._unread_attribute(statement, read)
            if not self.runs(statement):
                yield self._said(statement, "did not run")
            elif unread:
                yield self._said(statement, f"ran, but nothing reads .{unread}")

    def uncalled(self) -> Iterator[str]:
        """Added functions of which no statement ran, though time allowed it."""
        for function in self.added:
            own = [s for s in self.all if s.function == function and not s.error_path]
            if own and not any(self.runs(s) or s in self.later for s in own):
                yield f"{function.name} ({place(self.path, function.start, function.end)})"

    def without_effect(self) -> Iterator[str]:
        """Counted statements that assign a local variable which nothing reads, or drop a value."""
        for statement in self.counted():
            where = place(self.path, statement.start, statement.end)
            name = _local_target(statement)
            if name and not _reads(statement.function, name):
                yield f"{where} assigns {name}, which nothing reads"
            elif _drops_its_value(statement.node):
                yield f"the value of {where} is dropped"

    def _unread_attribute(self, statement: Statement, read: set[str]) -> str:
        """The attribute that the statement assigns and no code reads; "" if there is none."""
        target = _target(statement.node)
        if not isinstance(target, ast.Attribute) or statement.function is None or target.attr in read:
            return ""
        return target.attr

    def _later(self, stops: Sequence[int]) -> list[Statement]:
        """Statements that time kept from running: those below a stop in the same function, and functions that these
        call by name.
        """
        later = [s for line in stops for s in self._below(line)]
        waiting = list(later)
        while waiting:
            names = set(_names(waiting.pop().node))
            called = [s for s in self.all if s.function and s.function.name.split(".")[-1] in names]
            fresh = [s for s in called if s not in later and not self.runs(s)]
            later += fresh
            waiting += fresh
        return later

    def _below(self, line: int) -> list[Statement]:
        """Statements after a line in the same function that did not run."""
        around = [function for function in self.functions if function.start <= line <= function.end]
        innermost = max(around, key=lambda function: function.start, default=None)
        return [s for s in self.all if s.function == innermost and s.start > line and not self.runs(s)]

    def _said(self, statement: Statement, why: str) -> Idle:
        text = "\n".join(self.lines[statement.start - 1 : statement.end])
        return Idle(path=self.path, start=statement.start, end=statement.end, text=text, why=why)


def _means_more(before: str, after: str) -> bool:
    return parsed(after) is None or _meaning(before) != _meaning(after)


def _meaning(text: str) -> str:
    """The syntax tree without docstrings."""
    tree = _parsed(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            body[:] = body[1:] or [ast.Pass()]
    return ast.dump(tree)


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _parsed(text: str) -> ast.Module:
    """The syntax tree; an empty one for text that does not parse."""
    return parsed(text) or ast.Module(body=[], type_ignores=[])


def _changed_lines(before: str, after: str) -> set[int]:
    """Lines of `after`, from 1, that a diff with `before` shows as new."""
    matcher = SequenceMatcher(None, before.split("\n"), after.split("\n"), autojunk=False)
    return {
        line + 1
        for tag, _, _, start, end in matcher.get_opcodes()
        if tag != "equal"
        for line in range(start, end)
    }


def _target(node: ast.stmt) -> ast.expr | None:
    """What a statement assigns to, if that is one target."""
    if isinstance(node, ast.Assign):
        return node.targets[0] if len(node.targets) == 1 else None
    return node.target if isinstance(node, (ast.AnnAssign, ast.AugAssign)) else None


def _local_target(statement: Statement) -> str:
    """The local variable that a statement of a function assigns; "" if there is none, or its name begins with "_"."""
    target = _target(statement.node)
    if statement.function is None or not isinstance(target, ast.Name) or target.id.startswith("_"):
        return ""
    return target.id


def _reads(function: FunctionLines | None, name: str) -> bool:
    """Whether a function, or one inside it, may read a name. True outside of functions.

    A wider scope (`global`, `nonlocal`), a class inside, or `locals()` counts as reading.
    """
    for node in ast.walk(function.node) if function else ():
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Store):
            return True
        if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
            return True
        if isinstance(node, ast.ClassDef) or _is_call_of(node, "locals"):
            return True
    return function is None


def _is_call_of(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _drops_its_value(node: ast.stmt) -> bool:
    """Whether the statement is an expression without a call, whose value nothing receives."""
    kept = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.Constant)
    return isinstance(node, ast.Expr) and not isinstance(node.value, kept)


def _attributes_read(files: Mapping[str, str]) -> set[str]:
    """Names that a Python file reads as an attribute, or holds as a string (for `getattr` and dataclasses).

    A file that our own parser cannot read may read every word in it.
    """
    read: set[str] = set()
    for path, text in files.items():
        tree = parsed(text) if path.endswith(".py") else ast.Module(body=[], type_ignores=[])
        if tree is None:
            read.update(re.findall(r"\w+", text))
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Store):
                read.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                read.add(node.value)
    return read


def _names(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
