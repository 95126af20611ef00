"""Checks of a patch before it is trained: it parses, its smoke trial is complete, and its lines run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from diagnosis.syntax import Unparsed, parse
from evolution.base.errors import Cancelled
from evolution.domain.trial import FailureReason, Trial
from evolution.proposers.coding.failures import told
from evolution.proposers.coding.liveness import Idle, SmokeRun, judge
from evolution.proposers.coding.records import Problem, Rung
from evolution.proposers.coding.views import excerpt
from evolution.trials.foreign_syntax import judged
from evolution.trials.interpreter import interpreter_at

Smoke = Callable[[Mapping[str, str]], Trial]  # runs the program with these files (path -> text) changed
# (a text, why our own parser has no tree of it) -> what keeps the interpreter that runs the repo from running it
Hindrance = Callable[[str, Unparsed], Unparsed | None]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The outcome of all checks.

    problem: None if nothing is refused.
    smoke: None if the patch did not get as far as a smoke trial.
    idle: lines of the patch that did nothing.
    doubt: why the checks could not see all of the patch run, "" if they could.
    """

    problem: Problem | None
    smoke: Trial | None
    idle: tuple[Idle, ...] = ()
    doubt: str = ""


def for_our_parser(text: str, fault: Unparsed) -> Unparsed | None:
    """The Hindrance where nobody else than our own parser is asked."""
    return fault


def for_interpreter(python: Path) -> Hindrance:
    """The Hindrance of the interpreter at this path, which may be of a later Python than ours."""
    return lambda text, fault: judged(interpreter_at(python), text, fault)


def check(
    sources: Mapping[str, str],
    changed: Mapping[str, str],
    smoke: Smoke,
    hindrance: Hindrance = for_our_parser,
) -> Checked:
    """Run all checks. Raises Cancelled.

    sources: path -> text before the patch.
    changed: path -> text of the files that the patch changes.
    """
    broken = _unparsable(changed, hindrance)
    if broken:
        return Checked(problem=Problem(rung=Rung.PARSE, message=broken), smoke=None)
    trial = smoke(changed)
    if trial.failure is not None:
        if trial.failure.reason is FailureReason.CANCELLED:
            raise Cancelled("cancelled")
        message = told(trial.failure, {**sources, **changed})
        return Checked(problem=Problem(rung=Rung.SMOKE, message=message), smoke=trial)
    live = judge(sources, {**sources, **changed}, run_of(trial))
    problem = Problem(rung=Rung.DEAD, message=_with_idle(live.refusal, live.idle)) if live.refusal else None
    return Checked(problem=problem, smoke=trial, idle=live.idle, doubt=_doubt(sources, changed, live.unseen))


def _doubt(sources: Mapping[str, str], changed: Mapping[str, str], unseen: Sequence[str]) -> str:
    """Why not all of a patch was seen to run: the smoke trial's time ended before it, or no lines of a changed file are counted."""
    uncounted = [
        path for path, text in changed.items() if sources.get(path) != text and not path.endswith(".py")
    ]
    said = f"time ended before {', '.join(unseen)}" if unseen else ""
    return said or (f"no lines are counted of {', '.join(uncounted)}" if uncounted else "")


def idle_problem(idle: tuple[Idle, ...]) -> Problem:
    """The problem that tells the debugger of idle lines."""
    return Problem(
        rung=Rung.IDLE, message=_with_idle("lines of the patch did nothing in the smoke trial", idle)
    )


def run_of(trial: Trial) -> SmokeRun:
    """Which lines ran, from the note of a smoke trial."""
    return SmokeRun(
        executed={path: frozenset(lines) for path, lines in dict(trial.note.get("executed", {})).items()},
        stopped=tuple((str(path), int(line)) for path, line in trial.note.get("stopped", ())),
    )


def _with_idle(words: str, idle: tuple[Idle, ...]) -> str:
    return "\n".join([words, *(str(lines) for lines in idle)])


def _unparsable(changed: Mapping[str, str], hindrance: Hindrance) -> str:
    for path, text in changed.items():
        tree = parse(text) if path.endswith(".py") else None
        fault = hindrance(text, tree) if isinstance(tree, Unparsed) else None
        if fault is not None:
            return f"{path}:{fault.line} is not valid Python: {fault.message}\n{excerpt(text, fault.line)}"
    return ""
