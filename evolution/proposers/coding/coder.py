"""Turns an idea into a patch that runs: code it, reflect on it once, check it, debug it for a few rounds.

Nothing is trained or stored here. The caller gives the functions that reach outside: `ask`, which asks a model, `smoke`,
which runs the cheap rungs on a program, and `hindrance`, which asks the interpreter that runs the repo about syntax.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolution.base.errors import LlmError
from evolution.proposers.coding.asking import code_values, reflect_values
from evolution.proposers.coding.checks import Checked, Hindrance, Smoke, check, for_our_parser, idle_problem
from evolution.proposers.coding.debugger import debugged
from evolution.proposers.coding.draft import PatchInProgress
from evolution.proposers.coding.patching import edits_between
from evolution.proposers.coding.records import Coded, CodingLimits, GaveUp, Problem, Task
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
    """The patch that carries out the task's idea, or why there is none.

    Bad answers of the model, and exchanges that fail, end in GaveUp. Raises Cancelled, and whatever `smoke` raises.
    """
    return _Carrying(task, ask, smoke, hindrance, limits).run()


@dataclass(frozen=True, kw_only=True)
class _Accepted:
    """A patch that passed all checks; it is kept while idle lines are being debugged."""

    files: dict[str, str]
    checked: Checked


class _Carrying:
    """One task while it is carried out."""

    def __init__(
        self, task: Task, ask: "Ask", smoke: Smoke, hindrance: Hindrance, limits: CodingLimits
    ) -> None:
        self._task, self._ask, self._smoke, self._hindrance = task, ask, smoke, hindrance
        self._draft = PatchInProgress(task, limits)
        self._accepted: _Accepted | None = None
        self._reflected = False
        self._notes: list[str] = []

    def run(self) -> Coded | GaveUp:
        try:
            problem = self._settled(self._code())
            left_over = debugged(problem, self._draft, self._ask, self._settled)
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
        if not self._reflected:
            self._reflect()
        checked = check(self._task.sources, self._draft.changed(), self._smoke, self._hindrance)
        problem = checked.problem
        if problem is None:
            first = self._accepted is None
            self._accepted = _Accepted(files=self._draft.changed(), checked=checked)
            problem = idle_problem(checked.idle) if checked.idle and first else None
        if problem is not None:
            self._draft.found(problem)
        return problem

    def _reflect(self) -> None:
        """Let the model look at its own diff once. A correction that does not fit is undone, so the draft cannot get
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
