"""Probes that need no author: four kinds of measures, each composed with an item column or a condition.

rate         share of the page's items for which a condition on item and user holds
gap          mean of an item column over the page, less the median over the user's own events
correlation  rank correlation of the scores with an item column, over the items that may be shown
sensitivity  by how much a rate falls when the history's order is shuffled
"""

from collections.abc import Callable, Mapping

import numpy as np

from diagnosis.coevolution.features import known_or_mean, median, ranks
from diagnosis.coevolution.view import Bool, Float64, Int64, ProbeView
from diagnosis.probes.popularity_bias import popularity_quantiles

PAGE = 10
RECENT = 5  # events that count as recent

Measure = Callable[[ProbeView], Float64]
Condition = Callable[[ProbeView, int, Int64], Bool]  # view, user, items of the page -> bool (items,)


def template(kind: str, parameters: Mapping[str, str]) -> Measure:
    """The measure of a composed probe, view -> float64 (S,). Raises KeyError for an unknown kind or parameter."""
    return _KINDS[kind](parameters)


def needs_of_template(kind: str, parameters: Mapping[str, str]) -> frozenset[str]:
    """Attributes of a view that a composed probe cannot do without."""
    about = parameters.get("condition", "") + parameters.get("column", "")
    columns = {name for name in ("subcategory", "store", "price", "rating") if name in about}
    columns |= {"category"} if "category" in about.replace("subcategory", "") else set()
    return frozenset(columns | ({"shuffled_lists"} if kind == "sensitivity" else set()))


def _rate(parameters: Mapping[str, str]) -> Measure:
    condition = CONDITIONS[parameters["condition"]]
    return lambda view: _share(view, view.lists, condition, int(parameters.get("page", PAGE)))


def _sensitivity(parameters: Mapping[str, str]) -> Measure:
    condition, page = CONDITIONS[parameters["condition"]], int(parameters.get("page", PAGE))

    def measure(view: ProbeView) -> Float64:
        if view.shuffled_lists is None:
            raise ValueError("no shuffled histories were scored")
        ordered = _share(view, view.lists, condition, page)
        return ordered - _share(view, view.shuffled_lists, condition, page)

    return measure


def _share(view: ProbeView, lists: Int64, condition: Condition, page: int) -> Float64:
    return np.array([_mean(condition(view, s, _filled(row, page))) for s, row in enumerate(lists)])


def _same_as(column: str, window: str) -> Condition:
    """The item shares a code with one of the user's events: with any, a recent, or the last one."""

    def holds(view: ProbeView, user: int, items: Int64) -> Bool:
        codes = getattr(view, column)
        own = codes[_window(view.histories[user], window)]
        return np.isin(codes[items], own[own > 0])

    return holds


def _favourite(column: str) -> Condition:
    """The item has the code that most of the user's events have."""

    def holds(view: ProbeView, user: int, items: Int64) -> Bool:
        codes = getattr(view, column)
        own = codes[view.histories[user]]
        own = own[own > 0]
        return codes[items] == (np.bincount(own).argmax() if len(own) else -1)

    return holds


def _crowded(column: str) -> Condition:
    """The item has the code that is most common on the page."""

    def holds(view: ProbeView, user: int, items: Int64) -> Bool:
        codes = getattr(view, column)[items]
        known = codes[codes > 0]
        return codes == (np.bincount(known).argmax() if len(known) else -1)

    return holds


def _follows(view: ProbeView, user: int, items: Int64) -> Bool:
    """The item is among those that most often came right after the user's last event."""
    return np.isin(items, view.followers[view.histories[user][-1]])


def _beyond_own(column: str, side: str) -> Condition:
    """The item lies beyond ("above", "below", "outside") the middle four fifths of the user's own events."""

    def holds(view: ProbeView, user: int, items: Int64) -> Bool:
        values = getattr(view, column).astype(np.float64)
        own = values[view.histories[user]]
        own = own[np.isfinite(own)]
        low, high = np.quantile(own, (0.1, 0.9)) if len(own) else (np.nan, np.nan)
        above, below = values[items] > high, values[items] < low
        return {"above": above, "below": below, "outside": above | below}[side]

    return holds


def _near_targets(view: ProbeView, user: int, items: Int64) -> Bool:
    """The item is of the kind that the user really took next."""
    return view.subcategory[items] == view.subcategory[view.targets[user]]


CONDITIONS: Mapping[str, Condition] = {
    **{
        f"{column}-of-{window}": _same_as(column, window)
        for column in ("category", "subcategory", "store")
        for window in ("history", "recent", "last")
    },
    **{f"favourite-{column}": _favourite(column) for column in ("category", "subcategory", "store")},
    **{f"crowded-{column}": _crowded(column) for column in ("category", "subcategory", "store")},
    **{
        f"{column}-{side}-own": _beyond_own(column, side)
        for column in ("price", "rating", "popularity")
        for side in ("above", "below", "outside")
    },
    "follows-last": _follows,
    "subcategory-of-next": _near_targets,
}


def _gap(parameters: Mapping[str, str]) -> Measure:
    """Mean over the page less the median over the user's events; with parameters["absolute"], without its sign."""
    column, page = parameters["column"], int(parameters.get("page", PAGE))
    window, absolute = parameters.get("window", "history"), "absolute" in parameters

    def measure(view: ProbeView) -> Float64:
        values = _amounts(view, column)
        shown = np.array([_known_mean(values[_filled(row, page)]) for row in view.lists])
        own = np.array([_known_median(values[_window(h, window)]) for h in view.histories])
        return np.abs(shown - own) if absolute else shown - own

    return measure


def _correlation(parameters: Mapping[str, str]) -> Measure:
    column = parameters["column"]

    def measure(view: ProbeView) -> Float64:
        values = known_or_mean(_amounts(view, column))
        found = np.full(len(view.lists), np.nan)
        for s, row in enumerate(view.scores):
            allowed = np.isfinite(row)
            found[s] = _spearman(row[allowed], values[allowed])
        return found

    return measure


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation of two columns, -1..1; 0 if either is constant or they have fewer than three values."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(ranks(first), ranks(second))[0, 1])


def _amounts(view: ProbeView, column: str) -> Float64:
    """A column as numbers: prices as logarithms, because they compare by ratio; popularity as quantiles of training
    events, because shops differ in size.
    """
    if column == "price":
        return np.log(np.where(view.price > 0, view.price, np.nan))
    if column == "popularity":
        return popularity_quantiles(view.popularity)
    return getattr(view, column).astype(np.float64)


def _window(history: Int64, window: str) -> Int64:
    return {"history": history, "recent": history[-RECENT:], "last": history[-1:]}[window]


def _filled(row: Int64, page: int) -> Int64:
    """The items in the first `page` places of a list, empty places left out."""
    return row[:page][row[:page] > 0]


def _mean(values: Bool) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _known_mean(values: Float64) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


_known_median = median

_KINDS: Mapping[str, Callable[[Mapping[str, str]], Measure]] = {
    "rate": _rate,
    "gap": _gap,
    "correlation": _correlation,
    "sensitivity": _sensitivity,
}
