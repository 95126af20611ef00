"""The values of carrying out an idea: the task, its rounds, and the patch that runs or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from diagnosis.findings import Anchor, Finding, Site
from evolution.domain.edits import Edit
from evolution.domain.proposal import Idea
from evolution.domain.trial import Trial
from evolution.proposers.coding.patch_size import MAX_CHANGED_LINES
from simulator.critiques import Critique

MAX_DEBUG_ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Task:
    """An idea, and the program to carry it out in.

    sources: path -> text of the files that may be edited.
    findings, critiques: those that the idea addresses.
    entry: "module:function" of the program.
    guidance: the planner's description of the change, "" for none.
    data: the data in a sentence ("300 users, 120 items, ..."), "" to leave it out.
    """

    idea: Idea
    sources: Mapping[str, str]
    editable: tuple[str, ...]
    entry: str
    findings: tuple[Finding, ...] = ()
    critiques: tuple[Critique, ...] = ()
    critique_anchors: Mapping[str, tuple[Anchor, ...]] = field(default_factory=dict)
    sites: tuple[Site, ...] = ()
    guidance: str = ""
    data: str = ""


@dataclass(frozen=True, kw_only=True)
class CodingLimits:
    """Limits of one task: rounds of debugging, and lines that a patch may add plus remove."""

    debug_rounds: int = MAX_DEBUG_ROUNDS
    changed_lines: int = MAX_CHANGED_LINES


class Rung(StrEnum):
    """The check that a patch failed, in the order of the checks."""

    ANSWER = "answer"  # its edits cannot be read
    APPLY = "apply"  # its edits do not fit the files
    LOOKS = "looks"  # it is too large, or changes the layout of lines only
    PARSE = "parse"  # a changed file is no Python
    SMOKE = "smoke"  # import, contract, first steps or first epochs failed
    DEAD = "dead code"  # the program runs, but the patch does nothing in it
    VOID = "no effect"  # the patched program learns and scores what its parent does, to the bit
    IDLE = "idle lines"  # parts of the patch did nothing; they are reported, not refused


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a patch failed a check.

    message: one line or several, as the debugger reads it; for a failed trial, with the traceback.
    """

    rung: Rung
    message: str


@dataclass(frozen=True, kw_only=True)
class CodingRound:
    """One answer of the model.

    prompt: name of the prompt that it answers.
    words: the model's own account of what it did and why.
    edits: against the files as they were then.
    problem: None if no check found one.
    """

    prompt: str
    words: str
    edits: tuple[Edit, ...]
    problem: Problem | None


@dataclass(frozen=True, kw_only=True)
class Coded:
    """A patch whose smoke trial is complete.

    edits: against the task's sources.
    files: path -> whole text of the changed files.
    notes: what the user should know, such as lines that did not run.
    """

    edits: tuple[Edit, ...]
    files: Mapping[str, str]
    smoke: Trial
    rounds: tuple[CodingRound, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GaveUp:
    """A task without a patch.

    reason: one sentence.
    rounds: all attempts; the last one's problem is the one that was left.
    """

    reason: str
    rounds: tuple[CodingRound, ...]
