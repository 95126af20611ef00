"""What comes of carrying out an idea: a patch that runs, or why there is none; and each round on the way there."""

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
    """An idea, and the program it is for.

    sources: path -> text of the files that may be edited. findings, critiques: those that the idea addresses.
    entry: "module:function" of the program. guidance: what the planner knows of how to do it, "" for nothing.
    data: the data in a sentence ("300 users, 120 items, ..."), "" to say nothing of it.
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
    debug_rounds: int = MAX_DEBUG_ROUNDS
    changed_lines: int = MAX_CHANGED_LINES


class Rung(StrEnum):
    """Where a patch was found wanting, in the order of the checks."""

    ANSWER = "answer"  # its edits cannot be read
    APPLY = "apply"  # its edits do not fit the files
    LOOKS = "looks"  # too large, or lines that only look different
    PARSE = "parse"  # a changed file is no Python
    SMOKE = "smoke"  # import, contract, first steps, first epochs
    DEAD = "dead code"  # it runs, and the patch does nothing
    IDLE = "idle lines"  # parts of it did nothing; reported, not refused


@dataclass(frozen=True, kw_only=True)
class Problem:
    """message: one line, or several, as the debugger is told; of a failed trial with its traceback."""

    rung: Rung
    message: str


@dataclass(frozen=True, kw_only=True)
class CodingRound:
    """One answer of the model. prompt: what it was asked with. words: its own, on what it did and why.
    edits: against the files as they were then. problem None: none was found."""

    prompt: str
    words: str
    edits: tuple[Edit, ...]
    problem: Problem | None


@dataclass(frozen=True, kw_only=True)
class Coded:
    """A patch of which the smoke trial is complete. edits: against the task's sources. files: the changed ones, whole.
    notes: what a reader should know, such as lines that did not run."""

    edits: tuple[Edit, ...]
    files: Mapping[str, str]
    smoke: Trial
    rounds: tuple[CodingRound, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GaveUp:
    """reason: one sentence. rounds: all that was tried; the last one's problem is what was left."""

    reason: str
    rounds: tuple[CodingRound, ...]
