"""What it costs that a recommender cannot be told what its users wish."""

from dataclasses import dataclass

from seeds.metrics.intervals import MeanInterval
from simulator.sessions.figures import by_user, weighted_mean
from simulator.sessions.records import Ask, Sessions
from simulator.sessions.walking import Walk
from simulator.sessions.wishes import Heeded


@dataclass(frozen=True, kw_only=True)
class Listening:
    """What users wished in their sessions with a recommender, and whether it could be told.

    wished: the share of users who asked to be spared a kind of thing
    told: whether it was told
    satisfy, depth: what users would gain, each against himself, if it put what they asked to be spared last; None if it was told
    """

    wished: MeanInterval
    told: bool
    satisfy: MeanInterval | None
    depth: MeanInterval | None

    @property
    def costs(self) -> bool:
        """Whether users surely lose by it: satisfaction, or pages without any loss of satisfaction that is sure."""
        if self.satisfy is None or self.depth is None:
            return False
        return self.satisfy.low > 0 or (self.depth.low > 0 and self.satisfy.high >= 0)


def listening(walk: Walk, own: Sessions, ask: Ask, *, told: bool) -> Listening:
    """Of the sessions `own`, which were held with the recommender that `ask` asks; they are held once more if it was not told."""
    wished = weighted_mean(own.wishes.any(axis=(1, 2)).astype(float), own.shares, walk.seed)
    if told:
        return Listening(wished=wished, told=True, satisfy=None, depth=None)
    heeded = Heeded(ask, walk.population.shelf.catalogue)
    before, after = by_user(own), by_user(walk.sessions(heeded.ask, heeded.tell))
    satisfy, depth = (
        weighted_mean(after[name] - before[name], own.shares, walk.seed) for name in ("satisfy", "depth")
    )
    return Listening(wished=wished, told=False, satisfy=satisfy, depth=depth)
