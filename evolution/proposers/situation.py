"""What a proposer is given, and what it gives back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from evolution.domain.archive import Archive
from evolution.domain.feedback import Feedback
from evolution.domain.proposal import Idea
from evolution.domain.run import Node
from evolution.laboratory.candidates import Candidate
from evolution.proposers.strategies import Strategy


@dataclass(frozen=True, kw_only=True, eq=False)
class Situation:
    """One parent, at one moment of a run.

    feedback: of the parent; for a strategy that is not directional only its `sites` are there. count: how many
    candidates are wanted. drafts: whether they are first drafts, which should differ. progress: 0 at the start
    of the run, 1 at the end of its budget. rng: the only source of chance a proposer may use.
    """

    strategy: Strategy
    archive: Archive
    parent: Node
    feedback: Feedback
    count: int
    drafts: bool
    progress: float
    rng: np.random.Generator


@dataclass(frozen=True, kw_only=True)
class NotMade:
    """An idea that never became a candidate. rounds: what was tried, in words."""

    idea: Idea
    why: str
    rounds: tuple[str, ...] = ()


Attempt = Candidate | NotMade


class Proposer(Protocol):
    def propose(self, situation: Situation) -> Sequence[Attempt]:
        """At most `situation.count` candidates, none of which is in the archive; fewer where nothing is left."""
        ...
