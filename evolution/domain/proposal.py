"""Proposals: an idea, the patch that carries it out, and the trials that measured the patch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from evolution.domain.edits import Edit

RECIPE = "recipe"
TUNER = "tuner"
TOO_SLOW = "too_slow"  # key in a proposal's details: only its cost stands against a rise of the objective
PROMISING = (
    "promising"  # key in a proposal's details: one seed rose, and further ones that decide are being trained
)
# Key in a proposal's details: after how many epochs its losses and scores were those of its parent to the bit, so that nothing
# else was trained for it; 0 or absent where it was measured.
SAME = "same"


@dataclass(frozen=True, kw_only=True)
class Idea:
    """A planned change.

    code: stable; the recipe's name, or the planner's name for the idea.
    addresses: ids of findings and critiques.
    rests_on: sources ("gSASRec, 2308.07192").
    proposer: "recipe", "tuner" or the model's name.
    """

    code: str
    title: str
    rationale: str
    addresses: tuple[str, ...]
    rests_on: tuple[str, ...]
    proposer: str

    @property
    def by_llm(self) -> bool:
        """Whether an LLM had the idea."""
        return self.proposer not in (RECIPE, TUNER)


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Edits against the files of `base` (a program's tree hash)."""

    base: str
    edits: tuple[Edit, ...]


class Verified(StrEnum):
    """What the trials of a proposal prove."""

    GAIN = (
        "gain"  # lower bound of the objective's change is above 0, also as that of the best of all candidates
    )
    # a targeted measurement became healthy and the objective's lower bound is above -1 %; of a repair that had four seeds the change itself;
    # or the rules find the targeted cause no more, and every figure is the parent's to the bit
    FIX = "fix"
    NO = "no"


class ProposalState(StrEnum):
    """What the user did with a proposal."""

    OPEN = "open"
    DISMISSED = "dismissed"
    APPLIED = "applied"


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Change of a metric against the parent: `after - before` lies in [low, high] at 95 % (paired bootstrap)."""

    metric: str
    before: float
    after: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """What is left of a proposal's effect, since it was chosen among several candidates by the same users.

    candidates: how many were measured, this one among them. change, low, high: the estimate and its 95 % interval, in
    the objective's unit; high is the effect's. p: of no gain, one-sided.
    rivals: the first trials of the others that have values per user.
    """

    candidates: int
    change: float
    low: float
    high: float
    p: float
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A measured patch, with what its trials prove."""

    id: str
    idea: Idea
    patch: Patch
    parent: str  # program id (tree hash)
    child: str  # program id
    trials: tuple[str, ...]  # of the child: first seed, further seeds
    verified: Verified
    effect: Effect | None  # on the objective; None if the child was never trained to the end
    effects: Mapping[str, Effect] = field(default_factory=dict)  # on other metrics, by name
    corrected: Corrected | None = (
        None  # None for the only candidate, or one that was never trained to the end
    )
    fixed: tuple[str, ...] = ()  # codes of targeted measurements that became healthy
    why_not: str = ""  # why it is not verified
    state: ProposalState = ProposalState.OPEN
    created_at: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)
