"""Repairs a patch that has a problem: the model gets the reason, the traceback and the lines around, and edits again."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from evolution.proposers.coding.asking import debug_values
from evolution.proposers.coding.draft import PatchInProgress
from evolution.proposers.coding.records import Problem
from evolution.proposers.coding.replies import DebugReply

if TYPE_CHECKING:
    from evolution.llm.asking import Ask

Settled = Callable[
    [Problem | None], Problem | None
]  # problem with applying the last answer -> problem of the draft after all checks


def debugged(problem: Problem | None, draft: PatchInProgress, ask: "Ask", settled: Settled) -> str:
    """Debug until there is no problem; returns "", or the problem that was left. Raises what `ask` raises.

    Stops early if the model has no edit to offer, or if the same edits lead to the same problem again.
    """
    for _ in range(draft.limits.debug_rounds):
        if problem is None:
            return ""
        edits = draft.rounds[-1].edits
        reply = ask("debug", debug_values(draft, problem), DebugReply)
        if not reply.edits and not reply.patch.strip():
            return f"the debugger has nothing to change; what was left: {_first_line(problem)}"
        now = settled(draft.take("debug", reply.cause, reply.edits, reply.patch))
        if now == problem and draft.rounds[-1].edits == edits:
            return f"the debugger repeats itself; what was left: {_first_line(problem)}"
        problem = now
    if problem is None:
        return ""
    return f"not repaired in {draft.limits.debug_rounds} rounds; what was left: {_first_line(problem)}"


def _first_line(problem: Problem) -> str:
    return f"{problem.rung.value}: {problem.message.partition(chr(10))[0]}"
