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


def _band(own: np.ndarray) -> tuple[float, float, float]:
    low, high = np.percentile(own, [5, 95])
    return float(low), float(high), max(float(high - low), 1e-6)


def _overused(view: Viewpoint, page: PageStatistics) -> list[Opinion]:
    found = []
    for signal in OVERUSABLE:
        column = view.signals.index(signal)
        _, high, width = _band(view.own_pages.amount[:, column])
        shown, best = page.amount[0, column], view.best_page.amount[0, column]
        if shown > max(high, best) and _crowds_out(view, page, signal):
            found.append(_complaint("overused", signal, (shown - high) / width))
    return found


def _uniform(view: Viewpoint, page: PageStatistics) -> list[Opinion]:
    found = []
    for signal, column in UNIFORM:
        if signal not in view.signals:
            continue
        _, high, width = _band(view.own_pages.sameness[:, column])
        shown, best = page.sameness[0, column], view.best_page.sameness[0, column]
        if shown > max(high, best) and _crowds_out(view, page, signal):
            found.append(_complaint("overused", signal, (shown - high) / width))
    return found


def _missed(view: Viewpoint, page: PageStatistics) -> list[Opinion]:
    found, least = [], _material_worth(view)
    for column, signal in enumerate(view.signals):
        own = view.own_pages.worth[:, column]
        low, _, width = _band(own)
        shown, best = page.worth[0, column], view.best_page.worth[0, column]
        if shown < min(low, best) and own.mean() - shown >= least:
            too_much = page.amount[0, column] > view.own_pages.amount[:, column].mean()
            found.append(_complaint("overused" if too_much else "missed", signal, (low - shown) / width))
    return found


def _liked(view: Viewpoint, page: PageStatistics) -> list[Opinion]:
    found, least = [], _material_worth(view)
    for column, signal in enumerate(view.signals):
        own = view.own_pages.worth[:, column]
        matters = own.mean() - view.typical_worth[column] >= least
        if matters and page.worth[0, column] >= own.mean():
            strength = (page.worth[0, column] - own.mean()) / _band(own)[2]
            found.append(
                Opinion(code=f"liked-{signal}", signal=signal, positive=True, strength=float(strength))
            )
    return found


def _crowds_out(view: Viewpoint, page: PageStatistics, signal: str) -> bool:
    """Whether the other signals together are worth materially less than on his own pages."""
    others = np.array([other != signal for other in view.signals])
    lost = view.own_pages.worth[:, others].sum(axis=1).mean() - page.worth[0, others].sum()
    return bool(lost >= _material_worth(view))


def _material_worth(view: Viewpoint) -> float:
    gain = view.own_pages.worth.mean(axis=0).sum() - view.typical_worth.sum()
    return MATERIAL * max(float(gain), 1e-6)


def _complaint(kind: str, signal: str, strength: float) -> Opinion:
    return Opinion(code=f"{kind}-{signal}", signal=signal, positive=False, strength=float(strength))
