"""Selects the program that the next idea builds on, and other programs that may inspire it."""

from collections.abc import Callable, Mapping
from enum import StrEnum

import numpy as np

from evolution.domain.archive import Archive, objective_of
from evolution.domain.run import Node

INSPIRATIONS = 3
# The weight of a parent falls by this factor for every idea tried on it: the easy gains are found first.
WORN = 0.7
SHARPNESS = 4.0  # log of how much likelier the best parent is than one without a gain


class Selection(StrEnum):
    """How a parent is selected."""

    PARETO = "pareto"  # from the Pareto fronts of objective, open findings and open critiques, by `promise`
    TOURNAMENT = "tournament"  # two at random, the better one (regularised evolution's way)
    BEST = "best"  # always the best so far
    ROOT = "root"  # always the user's version


def select_parent(archive: Archive, how: Selection, rng: np.random.Generator) -> Node:
    """A parent from the archive. rng: used by the ways that draw."""
    return _WAYS[how](archive, rng)


def _pareto(archive: Archive, rng: np.random.Generator) -> Node:
    parents = archive.parents
    weights = np.array([promise(archive, node) for node in parents])
    return parents[int(rng.choice(len(parents), p=weights / weights.sum()))]


def promise(archive: Archive, node: Node) -> float:
    """Sampling weight of a parent: exp(SHARPNESS * gain share) * WORN ** number of children already tried.

    The gain share is the part of the run's best gain over the user's version that the parent has; while nothing has gained, of
    its worst loss, so that what is worse than the user's version is built on less.
    """
    own = objective_of(archive.root)
    high, low = objective_of(archive.best), min(objective_of(one) for one in archive.complete)
    spread = high - own if high > own else own - low
    gained = (objective_of(node) - own) / spread if spread > 0 else 0.0
    return float(np.exp(SHARPNESS * np.clip(gained, -1.0, 1.0)) * WORN ** archive.tries()[node.program])


def _tournament(archive: Archive, rng: np.random.Generator) -> Node:
    parents = sorted(archive.complete, key=lambda node: -node.order)[: archive.population]
    drawn = rng.choice(len(parents), size=min(2, len(parents)), replace=False)
    return max((parents[int(place)] for place in drawn), key=lambda node: (objective_of(node), -node.order))


def _best(archive: Archive, rng: np.random.Generator) -> Node:
    return archive.best


def _root(archive: Archive, rng: np.random.Generator) -> Node:
    return archive.root


_WAYS: Mapping[Selection, Callable[[Archive, np.random.Generator], Node]] = {
    Selection.PARETO: _pareto,
    Selection.TOURNAMENT: _tournament,
    Selection.BEST: _best,
    Selection.ROOT: _root,
}


def inspirations(archive: Archive, parent: Node, limit: int = INSPIRATIONS) -> list[Node]:
    """Other complete programs, best first; of those with the same ideas only the best one."""
    found: list[Node] = []
    seen = {frozenset(ideas(archive, parent))}
    for node in sorted(archive.complete, key=lambda node: (-objective_of(node), node.order)):
        own = frozenset(ideas(archive, node))
        if node.program not in (parent.program, archive.root.program) and own not in seen:
            seen.add(own)
            found.append(node)
    return found[:limit]


def ideas(archive: Archive, node: Node) -> list[str]:
    """Codes of the ideas that made a program, newest first."""
    return [known.idea.code for known in archive.lineage(node) if known.idea]
