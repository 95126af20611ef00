"""Drafts of an adapter, what is wrong with them, and what came of completing one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Step(IntEnum):
    """How far a draft came in the checks; a later one is further."""

    TEXT = 0
    GAP = 1
    DATA = 2
    TRIAL = 3


@dataclass(frozen=True, kw_only=True)
class AdapterDraft:
    """text: of the adapter. config: of evolverec.toml, without the line that init keeps for itself."""

    text: str
    config: str


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """What a check refuses. message: may have several lines. passed: how many contract checks passed before."""

    step: Step
    message: str
    passed: int = 0

    @property
    def first_line(self) -> str:
        return f"{self.step.name.lower()}: {self.message.partition(chr(10))[0]}"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One answer of the model, and what was wrong with it; None where nothing was."""

    draft: AdapterDraft
    wrong: Wrong | None


@dataclass(frozen=True, kw_only=True)
class Task:
    """What the model is shown. path: of the adapter. entry: "module:function".

    found: sentences on what init read. files: path -> text of the repo's code; wanted: those to show first.
    modules: what may be imported. may_set: whether evolverec.toml may change.
    """

    path: str
    entry: str
    found: tuple[str, ...]
    files: Mapping[str, str]
    wanted: tuple[str, ...]
    modules: frozenset[str]
    may_set: bool


@dataclass(frozen=True, kw_only=True)
class Completion:
    """passed: the draft that passes all checks; None where there is none, and then `stopped` says why.

    was_whole: the draft that init wrote passed as it was, and no model was asked. attempts: in order.
    """

    passed: AdapterDraft | None
    stopped: str = ""
    was_whole: bool = False
    attempts: tuple[Attempt, ...] = field(default=())

    @property
    def best(self) -> Attempt | None:
        """Of the attempts that failed, the one that came furthest; the later of two that came as far."""
        failed = [one for one in self.attempts if one.wrong is not None]
        return max(reversed(failed), key=_reached, default=None)


def _reached(attempt: Attempt) -> tuple[int, int]:
    return (attempt.wrong.step, attempt.wrong.passed) if attempt.wrong is not None else (len(Step), 0)
