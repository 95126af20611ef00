"""Rankings with known faults, made without training: the trained model's ranking with one fault mixed in, or the fault
alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from diagnosis.coevolution.features import (
    LATELY,
    affinity,
    favourite,
    known_or_mean,
    lookalike_scores,
    price_distance,
    ranks,
)
from diagnosis.coevolution.sampled_users import SampledUsers
from diagnosis.coevolution.view import Float32, Float64, Int64
from diagnosis.probes.popularity_bias import popularity_quantiles

MILDLY, STRONGLY = 0.5, 3.0  # weight of a fault beside the model's own order (ranks in 0..1)


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredRanking:
    """One ranker's scores for the S sampled users.

    scores: (S, n_items + 1), seen items not masked.
    shuffled: the same for histories in random order; None where unknown.
    """

    scores: Float64 | Float32
    shuffled: Float64 | Float32 | None


class FaultyModels:
    """Makes rankings with known faults by name, on demand; none is kept.

    following: the scores of the first-order Markov ranker.
    """

    def __init__(
        self, sampled: SampledUsers, model: ScoredRanking, following: ScoredRanking, seed: int
    ) -> None:
        self._sampled, self._model, self._following, self._seed = sampled, model, following, seed

    def make(self, name: str) -> ScoredRanking:
        """The ranking of this name (see `subjects.TITLES`). Raises KeyError if there is none."""
        return self._makings[name]()

    @cached_property
    def _makings(self) -> Mapping[str, Callable[[], ScoredRanking]]:
        lean, only = self._leaning, self._only
        liked, disliked, mildly = STRONGLY, -STRONGLY, MILDLY
        return {
            "popularity": lambda: only(self._popular),
            "random": lambda: only(self._noise),
            "constant": lambda: only(np.zeros(self._sampled.unseen.shape)),
            "reversed": lambda: self._mapped(lambda scores: -ranks(scores)),
            "strangers": lambda: self._mapped(lambda scores: np.roll(scores, 1, axis=0)),
            "lookalikes": lambda: only(self._lookalikes),
            "oracle": lambda: lean(self._taken_next, liked),
            "popular": lambda: lean(self._popular, liked),
            "popular-mildly": lambda: lean(self._popular, mildly),
            "unpopular": lambda: lean(self._popular, disliked),
            "unpopular-mildly": lambda: lean(self._popular, -mildly),
            "own-popularity": lambda: lean(self._popularity_distance, disliked),
            "least-popular": lambda: only(-self._popular),
            "one-kind": lambda: lean(self._favourite_kind, liked),
            "one-kind-mildly": lambda: lean(self._favourite_kind, mildly),
            "last-kind": lambda: self._last_kind_pages(liked),
            "last-kind-mildly": lambda: self._last_kind_pages(mildly),
            "last-pick-only": self._last_pick_only,
            "other-kinds": lambda: lean(self._own_kinds, disliked),
            "other-kinds-mildly": lambda: lean(self._own_kinds, -mildly),
            "one-store": lambda: lean(self._favourite_store, liked),
            "one-store-mildly": lambda: lean(self._favourite_store, mildly),
            "one-store-for-all": lambda: lean(self._largest_store, liked),
            "other-stores": lambda: lean(self._own_stores, disliked),
            "other-stores-mildly": lambda: lean(self._own_stores, -mildly),
            "other-prices": lambda: lean(self._price_distance, liked),
            "other-prices-mildly": lambda: lean(self._price_distance, mildly),
            "own-prices": lambda: lean(self._price_distance, disliked),
            "dear": lambda: lean(known_or_mean(self._sampled.columns["price"]), liked),
            "cheap": lambda: lean(known_or_mean(self._sampled.columns["price"]), disliked),
            "dearest": lambda: only(known_or_mean(self._sampled.columns["price"])),
            "off-sequence": self._off_sequence,
            "high-rated": lambda: lean(self._rated, liked),
            "high-rated-mildly": lambda: lean(self._rated, mildly),
            "best-rated": lambda: only(self._rated),
            "low-rated": lambda: lean(self._rated, disliked),
            "low-rated-mildly": lambda: lean(self._rated, -mildly),
            "worst-rated": lambda: only(-self._rated),
        }

    @cached_property
    def _order(self) -> tuple[Float64, Float64 | None]:
        """The model's scores as ranks in 0..1, for histories as they are and for shuffled ones."""
        shuffled = self._model.shuffled
        return ranks(self._model.scores), None if shuffled is None else ranks(shuffled)

    def _leaning(self, feature: Float64, weight: float) -> ScoredRanking:
        """The model's order with a fault mixed in. feature: (S, n_items + 1) or (n_items + 1,)."""
        fault = weight * np.broadcast_to(_in_unit(feature), self._sampled.unseen.shape)
        ordered, shuffled = self._order
        return ScoredRanking(scores=ordered + fault, shuffled=None if shuffled is None else shuffled + fault)

    def _only(self, feature: Float64) -> ScoredRanking:
        scores = np.broadcast_to(feature, self._sampled.unseen.shape)
        return ScoredRanking(scores=scores, shuffled=scores)

    def _mapped(self, change: Callable[[Float64], Float64]) -> ScoredRanking:
        shuffled = self._model.shuffled
        return ScoredRanking(
            scores=change(self._model.scores.astype(np.float64)),
            shuffled=None if shuffled is None else change(shuffled.astype(np.float64)),
        )

    def _last_kind_pages(self, weight: float) -> ScoredRanking:
        """The model leaning on the kind of the last event; for shuffled histories, on that of a randomly drawn event."""
        ordered, shuffled = self._order
        other = None if shuffled is None else shuffled + weight * self._of_kind(self._drawn)
        return ScoredRanking(scores=ordered + weight * self._of_kind(self._last), shuffled=other)

    def _last_pick_only(self) -> ScoredRanking:
        """Items that often follow the last event, leaning on its kind."""
        following = self._following
        assert following.shuffled is not None
        return ScoredRanking(
            scores=ranks(following.scores) + STRONGLY * self._of_kind(self._last),
            shuffled=ranks(following.shuffled) + STRONGLY * self._of_kind(self._drawn),
        )

    def _off_sequence(self) -> ScoredRanking:
        """The model leaning away from items that often follow the last event, or are of its kind."""
        following = self._following
        assert following.shuffled is not None
        ordered, shuffled = self._order
        fault = STRONGLY * (ranks(following.scores) + self._of_kind(self._last))
        other = STRONGLY * (ranks(following.shuffled) + self._of_kind(self._drawn))
        return ScoredRanking(scores=ordered - fault, shuffled=None if shuffled is None else shuffled - other)

    @cached_property
    def _popular(self) -> Float64:
        return popularity_quantiles(self._sampled.columns["popularity"])

    @property
    def _popularity_distance(self) -> Float64:
        usual = np.array([self._popular[history].mean() for history in self._sampled.histories])
        return np.abs(self._popular[None, :] - usual[:, None])

    @cached_property
    def _noise(self) -> Float64:
        return np.random.default_rng([self._seed, 1]).random(self._sampled.unseen.shape)

    @cached_property
    def _taken_next(self) -> Float64:
        taken = np.zeros(self._sampled.unseen.shape)
        taken[np.arange(len(taken)), self._sampled.questions.targets] = 1.0
        return taken

    @cached_property
    def _last(self) -> Int64:
        return np.array([history[-1] for history in self._sampled.histories], dtype=np.int64)

    @cached_property
    def _drawn(self) -> Int64:
        rng = np.random.default_rng([self._seed, 2])
        return np.array([rng.choice(history) for history in self._sampled.histories], dtype=np.int64)

    def _of_kind(self, items: Int64) -> Float64:
        """1 for items with the whole category path of `items` (S,), .5 for those that share its broadest category
        only.
        """
        codes, broad = self._sampled.columns["subcategory"], self._sampled.columns["category"]
        same = (codes[items][:, None] == codes[None, :]) & (codes > 0)
        near = (broad[items][:, None] == broad[None, :]) & (broad > 0)
        return 0.5 * same + 0.5 * near

    @property
    def _favourite_kind(self) -> Float64:
        own = favourite(self._sampled.columns["subcategory"], self._sampled.histories)
        broad = favourite(self._sampled.columns["category"], self._sampled.histories)
        same = (own[:, None] == self._sampled.columns["subcategory"][None, :]) & (own > 0)[:, None]
        near = (broad[:, None] == self._sampled.columns["category"][None, :]) & (broad > 0)[:, None]
        return 0.5 * same + 0.5 * near

    @property
    def _own_kinds(self) -> Float64:
        """Affinity to the user's categories and subcategories, those of the last events counted twice."""
        lately = [history[-LATELY:] for history in self._sampled.histories]
        return (
            affinity(self._sampled.columns["category"], self._sampled.histories)
            + affinity(self._sampled.columns["subcategory"], self._sampled.histories)
            + affinity(self._sampled.columns["subcategory"], lately)
        )

    @property
    def _favourite_store(self) -> Float64:
        own = favourite(self._sampled.columns["store"], self._sampled.histories)
        return 1.0 * ((own[:, None] == self._sampled.columns["store"][None, :]) & (own > 0)[:, None])

    @property
    def _largest_store(self) -> Float64:
        known = self._sampled.columns["store"][self._sampled.columns["store"] > 0]
        return 1.0 * (self._sampled.columns["store"] == (np.bincount(known).argmax() if len(known) else -1))

    @property
    def _own_stores(self) -> Float64:
        return affinity(self._sampled.columns["store"], self._sampled.histories)

    @property
    def _price_distance(self) -> Float64:
        return price_distance(self._sampled.columns["price"], self._sampled.histories)

    @cached_property
    def _rated(self) -> Float64:
        return known_or_mean(self._sampled.columns["rating"])

    @property
    def _lookalikes(self) -> Float64:
        """Scores of items like the user's own events: in kind first, then in store, price and popularity."""
        columns = self._sampled.columns
        log_price = np.log(np.where(columns["price"] > 0, columns["price"], np.nan))
        codes = [(columns["subcategory"], 1.0), (columns["category"], 1.0), (columns["store"], 0.25)]
        amounts = np.stack([0.5 * known_or_mean(log_price), 0.5 * self._popular], axis=1)
        rng = np.random.default_rng([self._seed, 3])
        return lookalike_scores(codes, amounts, self._sampled.unseen, self._sampled.histories, rng)


def _in_unit(feature: Float64) -> Float64:
    """Scaled to 0..1 within each row; 0 where all values are equal."""
    low, high = feature.min(axis=-1, keepdims=True), feature.max(axis=-1, keepdims=True)
    return (feature - low) / np.where(high > low, high - low, 1.0)
