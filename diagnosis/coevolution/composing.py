"""Composes probes for a complaint from templates, without an LLM; the most direct ones come first."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from diagnosis.coevolution.complaints import Complaint
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.findings import BY_TEMPLATE


@dataclass(frozen=True, kw_only=True)
class _Draft:
    kind: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    higher_is_better: bool


def _rates(*conditions: str, higher_is_better: bool) -> tuple[_Draft, ...]:
    return tuple(
        _Draft(kind="rate", parameters={"condition": condition}, higher_is_better=higher_is_better)
        for condition in conditions
    )


def _losses(*conditions: str, higher_is_better: bool) -> tuple[_Draft, ...]:
    """Drafts that measure by how much a rate falls when the order of histories is shuffled."""
    return tuple(
        _Draft(kind="sensitivity", parameters={"condition": condition}, higher_is_better=higher_is_better)
        for condition in conditions
    )


def _amounts(column: str, *, higher_is_better: bool) -> tuple[_Draft, ...]:
    """Drafts that measure the signed gap between page and history, and the correlation of scores with the column."""
    return (
        _Draft(kind="gap", parameters={"column": column}, higher_is_better=higher_is_better),
        _Draft(kind="correlation", parameters={"column": column}, higher_is_better=higher_is_better),
    )


_PRICES = (
    *_rates("price-outside-own", higher_is_better=False),
    _Draft(kind="gap", parameters={"column": "price", "absolute": "yes"}, higher_is_better=False),
    *_rates("price-above-own", higher_is_better=False),
)
_KINDS = ("subcategory-of-recent", "subcategory-of-history", "category-of-history", "favourite-subcategory")
_STORES = ("store-of-history", "store-of-recent", "favourite-store")
_NEXT = (
    *_rates("follows-last", "subcategory-of-last", higher_is_better=True),
    *_losses("subcategory-of-last", "follows-last", "subcategory-of-recent", higher_is_better=True),
)

_FOR: Mapping[str, tuple[_Draft, ...]] = {
    "overused-popularity": (
        *_rates("popularity-above-own", higher_is_better=False),
        *_amounts("popularity", higher_is_better=False),
    ),
    "missed-popularity": (
        *_rates("popularity-below-own", higher_is_better=False),
        *_amounts("popularity", higher_is_better=True),
        *_rates("popularity-outside-own", higher_is_better=False),
    ),
    "overused-category": _rates(
        "crowded-subcategory", "favourite-subcategory", "crowded-category", higher_is_better=False
    ),
    "missed-category": _rates(*_KINDS, higher_is_better=True),
    "overused-store": _rates("crowded-store", "favourite-store", higher_is_better=False),
    "missed-store": _rates(*_STORES, higher_is_better=True),
    "overused-sequence": (
        *_rates("subcategory-of-last", "follows-last", higher_is_better=False),
        *_losses("subcategory-of-last", "follows-last", higher_is_better=False),
    ),
    "missed-sequence": _NEXT,
    "overused-variety": _rates("subcategory-of-last", "subcategory-of-recent", higher_is_better=True),
    "missed-variety": _rates(
        "subcategory-of-recent", "subcategory-of-last", "crowded-subcategory", higher_is_better=False
    ),
    "overused-price": _PRICES,
    "missed-price": _PRICES,
    "overused-quality": (
        *_rates("rating-above-own", higher_is_better=False),
        *_amounts("rating", higher_is_better=False),
    ),
    "missed-quality": (
        *_rates("rating-below-own", higher_is_better=False),
        *_amounts("rating", higher_is_better=True),
    ),
    "track-recency": (
        *_losses("subcategory-of-recent", "subcategory-of-last", higher_is_better=True),
        *_rates("subcategory-of-last", higher_is_better=True),
    ),
    "track-repetition": _rates("crowded-subcategory", "crowded-store", higher_is_better=False),
}
# A signal that users want watched is measured as if they had complained of this.
_AS = {
    "track-popularity": "overused-popularity",
    "track-category": "missed-category",
    "track-store": "missed-store",
    "track-price": "missed-price",
    "track-quality": "missed-quality",
    "track-sequence": "missed-sequence",
    "track-variety": "missed-variety",
}


def compose(complaint: Complaint) -> list[ProbeSpec]:
    """The probes to try for a complaint; [] if no template fits it."""
    drafts = _FOR.get(_AS.get(complaint.code, complaint.code), ())
    return [_spec(draft, complaint) for draft in drafts]


def _spec(draft: _Draft, complaint: Complaint) -> ProbeSpec:
    what = draft.parameters.get("condition") or draft.parameters["column"]
    absolute = " distance" if "absolute" in draft.parameters else ""
    definition, unit = {
        "rate": (f"Share of the first ten items for which it holds: {_words(what)}.", "share of the page"),
        "sensitivity": (
            f"Share of the first ten items for which it holds: {_words(what)}; less the same when the history "
            "is given in random order.",
            "share of the page",
        ),
        "gap": (
            f"Mean {what}{absolute} of the first ten items beside the median of the user's own events"
            f"{' (logarithm)' if what == 'price' else ''}.",
            {"price": "log price", "rating": "rating"}.get(what, "quantile of training events"),
        ),
        "correlation": (
            f"Rank correlation of the scores with {what} over all items that may be shown.",
            "rank correlation",
        ),
    }[draft.kind]
    tail = {"rate": "", "sensitivity": "-lost-by-shuffling"}.get(draft.kind, f"-{draft.kind}")
    return ProbeSpec(
        name=f"{complaint.code}-{what}{tail}",
        complaint=complaint.code,
        signal=complaint.signal,
        definition=definition,
        unit=unit,
        higher_is_better=draft.higher_is_better,
        author=BY_TEMPLATE,
        template=draft.kind,
        parameters=draft.parameters,
    )


def _words(condition: str) -> str:
    """A condition's name as a sentence about an item, for the probe's definition."""
    if condition == "follows-last":
        return "it often came right after the last pick"
    if condition == "subcategory-of-next":
        return "it is of the kind really taken next"
    first, _, rest = condition.partition("-")
    if first == "crowded":
        return f"its {rest} is the page's most common one"
    if first == "favourite":
        return f"its {rest} is the user's most frequent one"
    if rest.startswith("of-"):
        events = {"history": "of any", "recent": "of the five newest", "last": "of the newest"}[rest[3:]]
        return f"its {first} is that {events} of the user's events"
    side = rest.removesuffix("-own")
    return f"its {first} is {side} the middle four fifths of the user's own"
