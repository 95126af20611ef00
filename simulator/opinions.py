"""What one user holds against his page, or likes in it, judged against pages of his own choice.

Overused: more of a signal than on 95 of 100 pages of his own choice, and than on his best page, at the cost of
the other signals. Missed: a
signal he chooses by is worth less to him there than on 95 of 100 such pages and on his best page, and what is
lost matters. Liked: a signal that matters to him is worth at least what it is on his own pages.
"""

from dataclasses import dataclass

import numpy as np

from simulator.viewpoint import PageStatistics, Viewpoint

MATERIAL = 0.1  # of what choosing is worth to a user at all: his own pages over a random one
OVERUSABLE = ("popularity", "sequence")  # judged by amount
UNIFORM = (("category", 0), ("store", 1))  # judged by sameness: signal and its column there


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """code: "overused-...", "missed-..." or "liked-..." and a signal. strength: how far outside (liked:
    above the middle of) his own pages, in widths of the band that holds 90 of 100 of them."""

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
    found, own, least = [], view.own_pages, _material_worth(view)
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
    """Whether the other signals together are worth materially less than on his own pages."""
    others = np.array([other != signal for other in view.signals])
    lost = view.own_pages.mean.worth[0, others].sum() - page.worth[0, others].sum()
    return bool(lost >= _material_worth(view))


def _material_worth(view: Viewpoint) -> float:
    gain = view.own_pages.mean.worth.sum() - view.typical_worth.sum()
    return MATERIAL * max(float(gain), 1e-6)


def _complaint(kind: str, signal: str, strength: float) -> Opinion:
    return Opinion(code=f"{kind}-{signal}", signal=signal, positive=False, strength=float(strength))
