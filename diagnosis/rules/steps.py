"""The training steps of a repo: the loops that step an optimizer, and what one round of each does in which order, the
functions that it calls included.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.source import Function, Loop, ParsedFile, is_backward
from diagnosis.syntax import called_name, dotted

DEEPEST = 3  # functions between a loop and what it does
CLIPS = {"clip_grad_norm_", "clip_grad_value_", "clip_grad_norm", "clip_grads_with_norm_"}


class Does(Enum):
    """What a call does in a training step."""

    BACKWARD = "backward"
    STEP = "step"  # of an optimizer
    CLEAR = "zero_grad"
    CLIP = "clip"
    SCHEDULE = "scheduler.step"
    OPTIMIZER = "makes an optimizer"


@dataclass(frozen=True, kw_only=True, eq=False)
class Event:
    """Something that one round of a training loop does.

    call, file: where it is done. outer: the node in the loop's own body through which it is reached.
    receiver: of what it is a method, as it is written; "" for functions.
    guarded: a condition or an inner loop stands around it.
    """

    does: Does
    file: ParsedFile
    call: ast.Call
    outer: ast.expr
    receiver: str
    guarded: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """A loop whose rounds train, and what a round does, in the order of the text."""

    file: ParsedFile
    loop: Loop
    events: tuple[Event, ...]

    def of(self, *kinds: Does) -> list[Event]:
        """The events of these kinds."""
        return [event for event in self.events if event.does in kinds]


@once
def trainings(repo: Codebase) -> list[Training]:
    """The innermost training loops of a repo: they call `backward`, or a function of the repo that does so once."""
    return [
        Training(file=file, loop=loop, events=tuple(_events(repo, file, loop))) for file, loop in _loops(repo)
    ]


def does(repo: Codebase, file: ParsedFile, call: ast.Call) -> Does | None:
    """What a call itself does in a training step; None for all others."""
    name = called_name(call)
    if name in CLIPS:
        return Does.CLIP
    if is_backward(call) and name not in repo.functions:
        return Does.BACKWARD
    if name == "zero_grad":
        return Does.CLEAR
    full = file.full_name(call)
    if full.startswith("torch.optim.") and ".lr_scheduler." not in full and name[:1].isupper():
        return Does.OPTIMIZER
    if name == "step" and isinstance(call.func, ast.Attribute):
        return _step(repo, file, call, call.func)
    return None


def is_optimizer(full: str) -> bool:
    """Whether the full name is a class of optimizers of torch; not a method of a name that hides the module, as `optim.step()` of
    `optim = Adam(...)` beside `from torch import optim`.
    """
    beside = (".lr_scheduler.", ".swa_utils.")
    named = full.rpartition(".")[2][:1].isupper()
    return named and full.startswith("torch.optim.") and not any(word in full for word in beside)


def is_scheduler(full: str) -> bool:
    """Whether the full name is a class of schedules of torch."""
    return full.startswith("torch.optim.lr_scheduler.")


def _step(repo: Codebase, file: ParsedFile, call: ast.Call, function: ast.Attribute) -> Does | None:
    made = {m.full_name for m in repo.makers(file, function.value)}
    if any(map(is_scheduler, made)):
        return Does.SCHEDULE
    if any(map(is_optimizer, made)):
        return Does.STEP
    if repo.callee(file, call) is not None:
        return None
    return Does.STEP if not call.args or _is_given_optimizer(repo, file, call) else None


def _is_given_optimizer(repo: Codebase, file: ParsedFile, call: ast.Call) -> bool:
    """`scaler.step(optimizer)` of a gradient scaler."""
    return any(is_optimizer(m.full_name) for m in repo.makers(file, call.args[0]))


def _loops(repo: Codebase) -> list[tuple[ParsedFile, Loop]]:
    trains = {call: file for file in repo.files for call in file.calls_named("backward") if is_backward(call)}
    once: set[ast.AST] = set()
    found: dict[Loop, ParsedFile] = {}
    for _ in range(DEEPEST + 1):
        fresh = set()
        for call, file in trains.items():
            loop = _loop_around(file, call)
            if loop is not None:
                found[loop] = file
            elif (function := file.function_of(call)) and function not in once:
                fresh.add(function)
        once |= fresh
        names = {getattr(f, "name", "") for f in fresh} | {"__call__"}
        if not fresh:
            break
        trains = {
            made.call: made.file
            for made in repo.calls(*names)
            if (reached := repo.callee(made.file, made.call)) and reached.node in fresh
        }
    around = {outer for loop, file in found.items() for outer in file.around(loop)}
    return [(file, loop) for loop, file in found.items() if loop not in around]


def _loop_around(file: ParsedFile, node: ast.AST) -> Loop | None:
    for outer in file.around(node):
        if isinstance(outer, Function):
            return None
        if isinstance(outer, Loop):
            return outer
    return None


def _events(repo: Codebase, file: ParsedFile, loop: Loop) -> Iterator[Event]:
    for statement in loop.body:
        yield from _inside(repo, file, statement, loop, None, 0, False)


def _inside(
    repo: Codebase,
    file: ParsedFile,
    part: ast.AST,
    end: ast.AST,
    outer: ast.expr | None,
    depth: int,
    guarded: bool,
) -> Iterator[Event]:
    """The events in a part of the code, in the order of the text. end: where the look for conditions stops."""
    for call in file.within(part, ast.Call):
        behind = guarded or _guarded(file, call, end)
        kind = does(repo, file, call)
        if kind is not None:
            receiver = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else ""
            yield Event(
                does=kind, file=file, call=call, outer=outer or call, receiver=receiver, guarded=behind
            )
            continue
        if depth < DEEPEST and called_name(call) in repo.functions:
            reached = repo.callee(file, call)
            if reached is not None and _acts(reached):
                assert isinstance(reached.node, Function)
                for statement in reached.node.body:
                    yield from _inside(
                        repo, reached.file, statement, reached.node, outer or call, depth + 1, behind
                    )


def _acts(reached: Defined) -> bool:
    return isinstance(reached.node, Function) and reached.node.name != "__init__"


def _guarded(file: ParsedFile, call: ast.AST, end: ast.AST) -> bool:
    for outer in file.around(call):
        if outer is end:
            return False
        if isinstance(outer, ast.If | ast.IfExp | Loop | Function | ast.Lambda | ast.Try):
            return True
    return False
