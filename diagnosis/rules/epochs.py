"""What a repo runs once in each epoch of its training: the body of the loop over epochs, and the functions that it calls."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.repeated import callee, trains
from diagnosis.rules.source import Function, Loop, ParsedFile, is_backward
from diagnosis.rules.values import words_of
from diagnosis.rules.written_steps import moves_rows

DEEPEST = 2  # functions between the loop and what it runs
GUARDS = (ast.If, ast.IfExp, ast.Try, ast.ExceptHandler, ast.Lambda, ast.ClassDef, ast.comprehension)


@dataclass(frozen=True, kw_only=True, eq=False)
class Round:
    """Code that runs once an epoch.

    body: its statements. function: the function they are of, where the loop calls one; None for the loop's own body.
    loop, above: the loop, and the rounds that led here, the loop's own first.
    """

    file: ParsedFile
    body: list[ast.stmt]
    function: Function | None
    loop: Loop
    above: tuple["Round", ...] = ()

    @property
    def node(self) -> ast.AST:
        """What is around its statements."""
        return self.function or self.loop

    def plainly(self, node: ast.AST) -> bool:
        """Whether it runs a node once, whatever happens: no condition, loop or function of its own stands around it."""
        for outer in self.file.around(node):
            if outer is self.node:
                return True
            if isinstance(outer, (*GUARDS, Loop, Function)):
                return False
        return False

    def assigned(self) -> Iterator[tuple[list[ast.expr], ast.expr, ast.Assign]]:
        """(targets, value, statement) of all that it assigns plainly."""
        for statement in self.file.within(self.node, ast.Assign):
            if self.plainly(statement):
                yield statement.targets, statement.value, statement


@once
def rounds(repo: Codebase) -> list[Round]:
    """All code of a repo that runs once an epoch of a training."""
    found: dict[ast.AST, Round] = {}
    for file in repo.files:
        for loop in file.loops:
            if is_of_epochs(file, loop) and _trains(repo, file, loop):
                _follow(repo, Round(file=file, body=loop.body, function=None, loop=loop), found)
    return list(found.values())


def is_of_epochs(file: ParsedFile, loop: Loop) -> bool:
    """Whether a loop goes through epochs, in its author's words or as `fit` yields them."""
    if _says_epoch(loop):
        return not any(
            _says_epoch(inner) for inner in file.within(loop, ast.For, ast.While) if inner is not loop
        )
    function = file.function_of(loop)
    outer = next((o for o in file.around(loop) if isinstance(o, Loop | Function)), None)
    return (
        function is not None
        and function is outer
        and function.name == "fit"
        and any(file.function_of(y) is function for y in file.within(loop, ast.Yield))
    )


def _says_epoch(loop: Loop) -> bool:
    head = [loop.test] if isinstance(loop, ast.While) else [loop.target, loop.iter]
    counts = isinstance(loop, ast.While) or isinstance(
        loop.iter, ast.Call
    )  # a list of numbers of epochs is a search
    return counts and any("epoch" in word.lower() for part in head for word in words_of(part))


def _trains(repo: Codebase, file: ParsedFile, loop: Loop) -> bool:
    reached = (callee(repo, file, call) for call in file.calls_in(*loop.body))
    return (
        any(is_backward(call) for call in file.calls_in(*loop.body))
        or any(place is not None and place.node in trains(repo) for place in reached)
        or any(moves_rows(file, statement) for statement in loop.body)
    )


def _follow(repo: Codebase, begun: Round, found: dict[ast.AST, Round]) -> None:
    if begun.node in found:
        return
    found[begun.node] = begun
    if len(begun.above) >= DEEPEST:
        return
    for call in begun.file.calls_in(*begun.body):
        reached = callee(repo, begun.file, call) if begun.plainly(call) else None
        if reached is None or not isinstance(reached.node, Function) or reached.node.name == "__init__":
            continue
        if not any(
            is_of_epochs(reached.file, loop) for loop in reached.file.within(reached.node, ast.For, ast.While)
        ):
            inner = Round(
                file=reached.file,
                body=reached.node.body,
                function=reached.node,
                loop=begun.loop,
                above=(*begun.above, begun),
            )
            _follow(repo, inner, found)
