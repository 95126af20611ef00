"""Forms one user's opinions on a page by comparing it with pages of the user's own choice (see `viewpoint`).

Overused: the page has more of a signal than 95 of 100 own pages and than the user's best page, at the cost of the
other signals, and is worth less to him than halfway from his own pages to his best page.
Missed: a signal that the user chooses by is worth less to him there than on 95 of 100 own pages and on his best page,
and the loss is material.
Liked: a signal that matters to the user is worth at least as much as on his own pages.
"""

from dataclasses import dataclass

import numpy as np

from simulator.viewpoint import PageStatistics, Viewpoint

MATERIAL = 0.1  # a loss is material from this share of the utility of the user's own pages above random ones
# A loss in one signal is material from this share. It is smaller, since a page that ignores one reason of choice, as the price,
# can cost no more than what that reason brings, while sequence and category bring most.
MATERIAL_OF_ONE = 0.03
OVERUSABLE = ("popularity", "sequence")  # judged by `PageStatistics.amount`
UNIFORM = (("category", 0), ("store", 1))  # judged by `PageStatistics.sameness`: signal, column


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """One user's complaint or praise about a page.

    code: "overused-", "missed-" or "liked-", and the signal
    strength: distance from the band of own pages (if liked: above their mean), in widths
        of the band that holds 90 of 100
    """

    code: str
    signal: str
    positive: bool
    strength: float


def form_opinions(view: Viewpoint, page: PageStatistics) -> tuple[Opinion, ...]:
    """All opinions on one page (B = 1), complaints first."""
    complaints = {o.code: o for o in (*_overused(view, page), *_uniform(view, page), *_missed(view, page))}
    blamed = {opinion.signal for opinion in complaints.values()}
    return (*complaints.values(), *(o for o in _liked(view, page) if o.signal not in blamed))


def _overused(view: Viewpoint, page: PageStatistics) -> list[Opinion]:
    found, own = [], view.own_pages
    for signal in OVERUSABLE:
        column = view.signals.index(signal)
        shown, high = page.amount[0, column], own.high.amount[0, column]
        if shown > max(high, view.best_page.amount[0, column]) and _crowds_out(view, page, signal):
            strength = (shown - high) / _width(own.low.amount[0, column], high)
            found.append(_complaint("overused", signal, strength))
    return found


def _uniform(view: Viewpoint, page: PageStatistics) -> list[Opinion]:
    found, own = [], view.own_pages
    for signal, column in UNIFORM:
        if signal not in view.signals:
            continue
        shown, high = page.sameness[0, column], own.high.sameness[0, column]
        if shown > max(high, view.best_page.sameness[0, column]) and _crowds_out(view, page, signal):
            strength = (shown - high) / _width(own.low.sameness[0, column], high)
            found.append(_complaint("overused", signal, strength))
    return found


def _missed(view: Viewpoint, page: PageStatistics) -> list[Opinion]:
    found, own, least = [], view.own_pages, MATERIAL_OF_ONE * _gain(view)
    for column, signal in enumerate(view.signals):
        shown, low = page.worth[0, column], own.low.worth[0, column]
        lost = own.mean.worth[0, column] - shown
        if shown < min(low, view.best_page.worth[0, column]) and lost >= least:
            too_much = page.amount[0, column] > own.mean.amount[0, column]
            strength = (low - shown) / _width(low, own.high.worth[0, column])
            found.append(_complaint("overused" if too_much else "missed", signal, strength))
    return found


def _liked(view: Viewpoint, page: PageStatistics) -> list[Opinion]:
    found, own, least = [], view.own_pages, _material_worth(view)
    for column, signal in enumerate(view.signals):
        shown, usual = page.worth[0, column], own.mean.worth[0, column]
        if usual - view.typical_worth[column] >= least and shown >= usual:
            strength = (shown - usual) / _width(own.low.worth[0, column], own.high.worth[0, column])
            code = f"liked-{signal}"
            found.append(Opinion(code=code, signal=signal, positive=True, strength=float(strength)))
    return found


def _width(low: float, high: float) -> float:
    return max(float(high - low), 1e-6)


def _crowds_out(view: Viewpoint, page: PageStatistics, signal: str) -> bool:
    """Whether the other signals together are worth materially less than on the user's own pages, and the page is not nearer
    to the user's best one all the same: whoever gets nearly all that he could get is not shown too much of anything."""
    others = np.array([other != signal for other in view.signals])
    lost = view.own_pages.mean.worth[0, others].sum() - page.worth[0, others].sum()
    halfway = (view.own_pages.mean.worth.sum() + view.best_page.worth.sum()) / 2
    return bool(lost >= _material_worth(view) and page.worth.sum() < halfway)


def _material_worth(view: Viewpoint) -> float:
    return MATERIAL * _gain(view)


def _gain(view: Viewpoint) -> float:
    """The utility of the user's own pages above random ones, above 0."""
    return max(float(view.own_pages.mean.worth.sum() - view.typical_worth.sum()), 1e-6)


def _complaint(kind: str, signal: str, strength: float) -> Opinion:
    return Opinion(code=f"{kind}-{signal}", signal=signal, positive=False, strength=float(strength))
