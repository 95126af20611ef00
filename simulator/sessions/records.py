"""Sessions as values: who saw, took and felt what, and why he left."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Int64, Questions
from simulator.pages import PAGE_SIZE
from simulator.transitions import Float64

MOST_PAGES = 10  # a list of 100 items holds them, whatever was shown before

# (page, questions) -> items (B, K), best first, none of its question's history, 0 where there are fewer. page: from 1
Ask = Callable[[int, Questions], NDArray[np.integer]]


class Exit(StrEnum):
    """Why a user left."""

    ENOUGH = "enough"  # he had looked at as many pages as he ever does, and nothing was wrong
    DISAPPOINTED = "disappointed"  # too little on the pages fitted
    BORED = "bored"  # the pages repeated a kind of thing that he had seen enough of
    RAN_OUT = "ran-out"  # the list had nothing left that he had not seen
    LAST_PAGE = "last-page"  # he would have gone on after MOST_PAGES pages


EXITS = tuple(Exit)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sessions:
    """U sessions of at most P pages with at most J items, S signals of choice.

    users: int64 (U,). shares: float64 (U,), how much of all users each speaks for
    items: int64 (U, P, J), 0 where nothing was shown
    taken: bool (U, P, J)
    chance: float64 (U, P, J), with which each item was taken
    worth: float32 (U, P, J, S), utility by signal
    bored: float64 (U, P, J), how much he had had of the item's kind, 0 to 1
    rating: float64 (U, P, J), 1 to 5, of what was taken; NaN if the data has no ratings
    felt: float64 (U, P), how good a page was: 0 like random items, 1 where the user would take everything
    trust: float64 (U, P), in the list before the page
    depth: int64 (U,), pages that were looked at
    exits: int64 (U,), places in EXITS
    wishes: bool (U, P, C), the kinds of things that the user asks to be spared after each page, which is said where he goes on
    """

    users: Int64
    shares: Float64
    items: Int64
    taken: NDArray[np.bool_]
    chance: Float64
    worth: NDArray[np.float32]
    bored: Float64
    rating: Float64
    felt: Float64
    trust: Float64
    depth: Int64
    exits: Int64
    wishes: NDArray[np.bool_]

    def only(self, row: int) -> "Sessions":
        """The session of one user alone."""
        return Sessions(**{field.name: getattr(self, field.name)[row : row + 1] for field in fields(self)})

    @classmethod
    def empty(cls, users: Int64, shares: Float64, *, signals: int, kinds: int) -> "Sessions":
        """Sessions that have not begun."""
        pages = (len(users), MOST_PAGES)
        items = (*pages, PAGE_SIZE)
        return cls(
            users=users,
            shares=shares,
            items=np.zeros(items, dtype=np.int64),
            taken=np.zeros(items, dtype=bool),
            chance=np.zeros(items),
            worth=np.zeros((*items, signals), dtype=np.float32),
            bored=np.zeros(items),
            rating=np.full(items, np.nan),
            felt=np.zeros(pages),
            trust=np.zeros(pages),
            depth=np.zeros(len(users), dtype=np.int64),
            exits=np.zeros(len(users), dtype=np.int64),
            wishes=np.zeros((*pages, kinds), dtype=bool),
        )
