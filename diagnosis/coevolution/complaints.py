"""Users' complaints, and what a probe for each must measure on models whose faults are known.

`subjects` lists the models. Every complaint names at least three models that were made bad in its way, one that is
good in that way, and the side on which the untrained model stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Side = Literal["worse", "better"]
TRACKED = "track-"


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """Something that users complain of, and who does.

    code: of a critique ("missed-price"), or `track-<signal>` for a signal that users want watched.
    complaining, content: ids of the users who were asked about this trial, and make or do not make the complaint.
    """

    code: str
    signal: str
    message: str
    complaining: tuple[int, ...] = ()
    content: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What a probe for one complaint must measure.

    worse: models made bad on purpose, the plainest first.
    better: the model that is good in this way.
    untrained: whether the untrained model must be "worse" than `better`, or "better" than the plainest bad one.
    """

    worse: tuple[str, ...]
    better: str
    untrained: Side


def _bad(*worse: str, better: str = "lookalikes", untrained: Side = "worse") -> Expectation:
    return Expectation(worse=worse, better=better, untrained=untrained)


_AWAY_FROM_PRICES = _bad("other-prices", "other-prices-mildly", "dearest", "strangers")
_BEHIND_THE_LAST_PICK = _bad("off-sequence", "strangers", "random", better="following")

EXPECTATIONS: Mapping[str, Expectation] = {
    "overused-popularity": _bad("popularity", "popular", "popular-mildly", untrained="better"),
    "missed-popularity": _bad("unpopular", "unpopular-mildly", "least-popular"),
    "overused-category": _bad("one-kind", "last-kind", "one-kind-mildly", untrained="better"),
    "missed-category": _bad("other-kinds", "other-kinds-mildly", "strangers", "random"),
    "overused-store": _bad("one-store", "one-store-mildly", "one-store-for-all", untrained="better"),
    "missed-store": _bad("other-stores", "other-stores-mildly", "random"),
    "overused-sequence": _bad("last-kind", "last-kind-mildly", "last-pick-only", untrained="better"),
    "missed-sequence": _BEHIND_THE_LAST_PICK,
    "overused-variety": _bad("other-kinds", "strangers", "random", better="last-kind"),
    "missed-variety": _bad("last-kind", "last-kind-mildly", "one-kind", better="random", untrained="better"),
    "overused-price": _AWAY_FROM_PRICES,
    "missed-price": _AWAY_FROM_PRICES,
    "overused-quality": _bad("high-rated", "high-rated-mildly", "best-rated", untrained="better"),
    "missed-quality": _bad("low-rated", "low-rated-mildly", "worst-rated", better="high-rated"),
    "track-popularity": _bad("popularity", "popular", "popular-mildly", untrained="better"),
    "track-category": _bad("other-kinds", "other-kinds-mildly", "strangers", "random"),
    "track-store": _bad("other-stores", "other-stores-mildly", "random"),
    "track-price": _AWAY_FROM_PRICES,
    "track-quality": _bad("low-rated", "low-rated-mildly", "worst-rated", better="high-rated"),
    "track-sequence": _BEHIND_THE_LAST_PICK,
    "track-recency": _BEHIND_THE_LAST_PICK,
    "track-repetition": _bad("one-kind", "last-kind", "one-kind-mildly", untrained="better"),
    "track-variety": _bad("last-kind", "last-kind-mildly", "one-kind", better="random", untrained="better"),
}

# Faults that a probe could measure by mistake: kind of fault -> models that lean towards it and away from it.
FAULTS: Mapping[str, tuple[str, ...]] = {
    "popularity": ("popular", "unpopular", "own-popularity"),
    "kind": ("one-kind", "other-kinds", "last-kind", "last-pick-only", "off-sequence"),
    "store": ("one-store", "other-stores"),
    "price": ("other-prices", "own-prices", "dear", "cheap"),
    "quality": ("high-rated", "low-rated"),
}
_OF_KIND = ("category", "sequence", "variety", "recency", "repetition")


def foreign_faults(signal: str) -> tuple[str, ...]:
    """Models whose fault has nothing to do with a signal."""
    own = "kind" if signal in _OF_KIND else signal
    return tuple(name for fault, names in FAULTS.items() if fault != own for name in names)


_WORDS: Mapping[str, tuple[str, ...]] = {
    "popularity": ("popular", "bestseller", "hype", "niche", "obscure", "mainstream", "long tail"),
    "price": ("price", "cost", "cheap", "expensive", "budget", "afford"),
    "store": ("store", "brand", "shop", "seller", "label"),
    "quality": ("rating", "rated", "quality", "stars", "review"),
    "repetition": ("repet", "repeat", "duplicate", "same kind", "redundan"),
    "variety": ("variety", "divers", "novel", "change", "explor"),
    "recency": ("recen", "latest", "newest", "session"),
    "sequence": ("sequence", "next", "follow", "order", "last pick"),
    "category": ("categor", "genre", "kind", "topic", "type"),
}


def expectation_of(complaint: Complaint) -> Expectation | None:
    """The expectation for a complaint's code, else for its signal; None if no models with such a fault are known, so
    that no probe can be admitted.
    """
    return EXPECTATIONS.get(complaint.code) or EXPECTATIONS.get(TRACKED + complaint.signal)


def signal_of_words(text: str) -> str | None:
    """The signal that a sentence mentions first; None if it mentions none."""
    lowered = text.lower()
    places = {
        signal: min(found)
        for signal, words in _WORDS.items()
        if (found := [lowered.find(word) for word in words if word in lowered])
    }
    return min(places, key=lambda signal: places[signal]) if places else None


def tracked(text: str) -> Complaint | None:
    """A complaint that stands for a signal which users want watched; None if the sentence mentions no known signal."""
    signal = signal_of_words(text)
    return None if signal is None else Complaint(code=TRACKED + signal, signal=signal, message=text)
