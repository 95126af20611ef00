"""Figures of sessions: how much was taken, how satisfied users were, how far they went, why they left; with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seeds.interactions import Int64
from seeds.metrics.intervals import MeanInterval, mean_over_users
from simulator.sessions.records import EXITS, Exit, Sessions
from simulator.transitions import Float64

LIKED = 4  # the rating, of 1 to 5, from which a taken thing is liked
NAMES = ("view", "satisfy", "depth", "like")


@dataclass(frozen=True, kw_only=True)
class SessionFigures:
    """Means over users, each speaking for his share of all users.

    view: the share taken of what was shown
    satisfy: 1 to 10, how good the pages were: 1 like random items, 10 where everything would be taken; the first page counts most
    depth: pages looked at
    like: the share of taken things that are rated LIKED or more; None if the data has no ratings
    exits: how many left for which reason, as shares
    """

    view: MeanInterval
    satisfy: MeanInterval
    depth: MeanInterval
    like: MeanInterval | None
    exits: Mapping[Exit, MeanInterval]


def figures_of(sessions: Sessions, seed: int) -> SessionFigures:
    """Raises ValueError if there is no session."""
    per_user, shares = by_user(sessions), sessions.shares

    def mean(values: Float64) -> MeanInterval:
        return weighted_mean(values, shares, seed)

    rated = np.isfinite(per_user["like"])
    liked = weighted_mean(per_user["like"][rated], shares[rated], seed) if rated.any() else None
    exits = {one: mean((sessions.exits == place).astype(np.float64)) for place, one in enumerate(EXITS)}
    view, satisfy, depth = (mean(per_user[name]) for name in NAMES[:3])
    return SessionFigures(view=view, satisfy=satisfy, depth=depth, like=liked, exits=exits)


def by_user(sessions: Sessions) -> dict[str, Float64]:
    """One value per user and figure, (U,) each, by NAMES; "like" is NaN of who took nothing that can be rated."""
    shown = (sessions.items > 0).sum(axis=(1, 2))
    rated = np.isfinite(sessions.rating).sum(axis=(1, 2))
    liked = (sessions.rating >= LIKED).sum(axis=(1, 2)).astype(np.float64)
    return {
        "view": sessions.taken.sum(axis=(1, 2)) / np.maximum(shown, 1),
        "satisfy": satisfaction(sessions),
        "depth": sessions.depth.astype(np.float64),
        "like": np.divide(liked, rated, out=np.full(len(shown), np.nan), where=rated > 0),
    }


def satisfaction(sessions: Sessions) -> Float64:
    """1 to 10 of each user, (U,): the mean of what he felt, a page discounted by 1 / (1 + log2 of its number), as sDCG does
    with the queries of a session (Järvelin et al. 2008). Else whoever goes on to weaker pages would be the less satisfied."""
    pages = np.arange(1, sessions.felt.shape[1] + 1)
    weight = (pages <= sessions.depth[:, None]) / (1 + np.log2(pages))
    return 1 + 9 * (weight * sessions.felt).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)


def weighted_mean(values: Float64, shares: Float64, seed: int) -> MeanInterval:
    """The mean of values (U,) by shares (U,), with its 95 % interval over users."""
    return mean_over_users(spoken_for(values, shares, np.arange(len(values)), len(values)), seed)


def spoken_for(values: Float64, shares: Float64, rows: Int64, size: int) -> Float64:
    """One value for each of `size` users, whose mean is the mean of values (U,) by shares (U,), and whose spread is that mean's.

    rows: int (U,), the places of the sampled users; all others have the mean itself, by which they tell nothing. Each
    sampled one has it plus his own deviation, as many times as he speaks for others (the linearised weighted mean).
    """
    weights = shares / shares.sum()
    mean = float(weights @ values)
    spread = np.full(size, mean)
    spread[rows] = mean + size * weights * (values - mean)
    return spread
