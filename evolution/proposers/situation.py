"""The input and output of a proposer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
    """One parent at one moment of a run: the input of a proposer.

    feedback: of the parent; for a strategy that is not directional it holds only `sites`.
    count: how many candidates are wanted.
    drafts: whether they are first drafts, which should differ from each other.
    progress: 0 at the start of the run, 1 at the end of its budget.
    rng: the only source of chance that a proposer may use.
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
    """An idea that did not become a candidate.

    rounds: what was tried, in words.
    """

    idea: Idea
    why: str
    rounds: tuple[str, ...] = ()


Attempt = Candidate | NotMade


@dataclass(frozen=True, kw_only=True)
class Revisable(Candidate):
    """A candidate whose author can mend it.

    again: told why the patch is void, its author's next attempt at the same idea. Raises Cancelled.
    """

    again: Callable[[str], Attempt] = field(compare=False)


class Proposer(Protocol):
    """Makes candidates for a parent."""

    def propose(self, situation: Situation) -> Sequence[Attempt]:
        """At most `situation.count` candidates, none of which is in the archive; fewer if nothing is left to try."""
        ...
