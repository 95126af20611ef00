"""What a user remembers within a session, and what it does to him: boredom with a kind of thing, trust in the list, patience.

None of the three strengths can be estimated from a log of choices, so they are assumptions, as those of other simulated
sessions are (Agent4Rec, arXiv 2310.10108; RecoWorld, arXiv 2509.10397). `Strength` has those of the choice as values, so that what
a figure owes to them can be measured (tests/bench/sessions.py does).
"""

from dataclasses import dataclass

import numpy as np

from seeds.interactions import Float32, Int64
from simulator.catalogue import Catalogue
from simulator.transitions import Float64

LASTING = 0.7  # share of what was seen before a page that still counts after it
LEARNING = 0.4  # how far a page moves the trust that a user has in the list
DISAPPOINTS = 2.0  # pages of patience that a page without anything for the user costs, beside the one that any page costs
BORES = 2.0  # pages of patience that a page costs on which everything is of the kind that the user has seen too much of
PLEASES = 1.0  # pages of patience that a page gives back of which the user takes everything; at most 1, what it costs
BORED = 1.0  # similarity above the user's tolerance, from which he is bored altogether


@dataclass(frozen=True, kw_only=True)
class Strength:
    """How much memory counts, in log odds of taking a thing.

    boredom: taken off for a thing of which the user has seen too much, altogether
    distrust: taken off when the list has shown him nothing that fits so far
    """

    boredom: float
    distrust: float


ASSUMED = Strength(boredom=2.0, distrust=1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Memory:
    """U users at one moment of their sessions.

    seen: float32 (U, C), categories of what was shown so far, the newest page most; a unit row once something was shown
    trust: float64 (U,), 1 at first, 0 in a list that never showed anything that fits
    """

    seen: Float32
    trust: Float64


def fresh(users: int, catalogue: Catalogue) -> Memory:
    """The memory of `users` users before their first page."""
    return Memory(seen=np.zeros((users, catalogue.labels.shape[1]), dtype=np.float32), trust=np.ones(users))


def boredom(memory: Memory, catalogue: Catalogue, items: Int64, tolerance: Float64) -> Float64:
    """How much the users have had of each item's kind: (U, J) from 0 to 1. items: (U, J). tolerance: (U,)."""
    alike = np.einsum("ujc,uc->uj", catalogue.labels[items], memory.seen).astype(np.float64)
    return _beyond(alike, tolerance)


def boredom_with(memory: Memory, labels: Float32, tolerance: Float64) -> Float64:
    """The same of things with these unit rows of labels (K, C): (U, K)."""
    return _beyond((memory.seen @ labels.T).astype(np.float64), tolerance)


def _beyond(alike: Float64, tolerance: Float64) -> Float64:
    room = np.maximum(BORED - tolerance, 0.1)[:, None]
    return np.clip((alike - tolerance[:, None]) / room, 0.0, 1.0)


def after(memory: Memory, catalogue: Catalogue, items: Int64, fits: Float64) -> Memory:
    """The memory after a page. items: int64 (U, J), 0 for none. fits: (U,), how well the page fitted, from 0 to 1."""
    shown = catalogue.labels[items].sum(axis=1)  # (U, C); padding has no labels
    seen = (LASTING * memory.seen + (1 - LASTING) * unit_rows(shown)).astype(np.float32)
    return Memory(seen=unit_rows(seen), trust=memory.trust + LEARNING * (fits - memory.trust))


def unit_rows(rows: Float32) -> Float32:
    """Each row with length 1, but for rows of zeros: (N, C)."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
