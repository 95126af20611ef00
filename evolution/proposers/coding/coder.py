"""Turns an idea into a patch that runs: code it, check it, reflect on it where the checks leave a doubt, debug it for a few rounds.

Nothing is trained or stored here. The caller gives the functions that reach outside: `ask`, which asks a model, `smoke`,
which runs the cheap rungs on a program, and `hindrance`, which asks the interpreter that runs the repo about syntax.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolution.base.errors import LlmError
from evolution.proposers.coding.asking import code_values, reflect_values
from evolution.proposers.coding.checks import Checked, Hindrance, Smoke, check, for_our_parser, idle_problem
from evolution.proposers.coding.debugger import debugged
from evolution.proposers.coding.draft import PatchInProgress
from evolution.proposers.coding.patching import edits_between
from evolution.proposers.coding.records import Coded, CodingLimits, GaveUp, Problem, Rung, Task
from evolution.proposers.coding.replies import CodeReply, ReflectReply

if TYPE_CHECKING:
    from evolution.llm.asking import Ask

DEFAULT_LIMITS = CodingLimits()


def carry_out(
    task: Task,
    *,
    ask: "Ask",
    smoke: Smoke,
    hindrance: Hindrance = for_our_parser,
    limits: CodingLimits = DEFAULT_LIMITS,
) -> Coded | GaveUp:
    """The patch that carries out the task's idea, or why there is none; see `Coding`."""
    return Coding(task, ask=ask, smoke=smoke, hindrance=hindrance, limits=limits).run()


@dataclass(frozen=True, kw_only=True)
class _Accepted:
    """A patch that passed all checks; it is kept while idle lines are being debugged."""

    files: dict[str, str]
    checked: Checked


class Coding:
    """One task while it is carried out.

    Bad answers of the model, and exchanges that fail, end in GaveUp. Both methods raise Cancelled, and whatever `smoke`
    raises.
    """

    def __init__(
        self,
        task: Task,
        *,
        ask: "Ask",
        smoke: Smoke,
        hindrance: Hindrance = for_our_parser,
        limits: CodingLimits = DEFAULT_LIMITS,
    ) -> None:
        self._task, self._ask, self._smoke, self._hindrance = task, ask, smoke, hindrance
        self._draft = PatchInProgress(task, limits)
        self._accepted: _Accepted | None = None
        self._reflected = self._told_of_idle = False
        self._notes: list[str] = []

    def run(self) -> Coded | GaveUp:
        """The first patch that passes all checks."""
        return self._until_settled(lambda: self._settled(self._code()))

    def again(self, why: str) -> Coded | GaveUp:
        """Another patch than the one that passed, which was trained and is void. why: in words, for the debugger."""
        self._accepted = None
        problem = Problem(rung=Rung.VOID, message=why)
        self._draft.found(problem)
        return self._until_settled(lambda: problem)

    def _until_settled(self, first: Callable[[], Problem | None]) -> Coded | GaveUp:
        try:
            left_over = debugged(first(), self._draft, self._ask, self._settled)
        except LlmError as error:
            left_over = str(error)
        if self._accepted is not None:
            return self._coded(self._accepted)
        return GaveUp(reason=left_over, rounds=tuple(self._draft.rounds))

    def _code(self) -> Problem | None:
        reply = self._ask("code", code_values(self._task, self._draft.limits), CodeReply)
        return self._draft.take("code", reply.approach, reply.edits, reply.patch)

    def _settled(self, problem: Problem | None) -> Problem | None:
        """The draft's problem after all checks that it gets to; None if it has none."""
        if problem is not None:
            return problem
        checked = self._checked()
        if checked.problem is None and checked.doubt and not self._reflected:
            self._accepted = _Accepted(files=self._draft.changed(), checked=checked)
            self._reflect()
            checked = checked if self._draft.changed() == self._accepted.files else self._checked()
        problem = checked.problem
        if problem is None:
            self._accepted = _Accepted(files=self._draft.changed(), checked=checked)
            problem = idle_problem(checked.idle) if checked.idle and not self._told_of_idle else None
            self._told_of_idle |= problem is not None
        if problem is not None:
            self._draft.found(problem)
        return problem

    def _checked(self) -> Checked:
        return check(self._task.sources, self._draft.changed(), self._smoke, self._hindrance)

    def _reflect(self) -> None:
        """Let the model look once at its own diff, of which the checks could not see everything. A correction that does not fit is undone, so the draft cannot get
        worse.
        """
        self._reflected = True
        try:
            reply = self._ask("code-reflect", reflect_values(self._draft), ReflectReply)
        except LlmError as error:
            self._notes.append(f"the coder did not look at its patch again: {error}")
            return
        if reply.verdict == "fine" or not (reply.edits or reply.patch.strip()):
            return
        if self._draft.take("code-reflect", " ".join(reply.faults), reply.edits, reply.patch):
            self._draft.undo()

    def _coded(self, accepted: _Accepted) -> Coded:
        assert accepted.checked.smoke is not None
        return Coded(
            edits=edits_between(self._task.sources, accepted.files),
            files=accepted.files,
            smoke=accepted.checked.smoke,
            rounds=tuple(self._draft.rounds),
            notes=(*self._notes, *(str(lines) for lines in accepted.checked.idle)),
        )
