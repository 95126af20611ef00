"""What users ask for between two pages: to be spared a kind of thing of which they have seen too much, until that is over.

A wish is said in fixed plain sentences. The user is bored with the kind whether or not anybody can be told, so a list that
heeds the wish is the better for it only as far as it bores less. Who told it and is shown the kind again wants none of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Float32, Int64, Questions
from simulator.catalogue import Catalogue
from simulator.sessions.memory import unit_rows
from simulator.sessions.records import Ask
from simulator.shown import line
from simulator.transitions import Float64

FED_UP = 0.5  # boredom with an item from which the user has seen enough of it
OVER = 0.25  # boredom with a kind below which a wish is no longer held
SPEAKS = 3  # such items of one kind on a page, from which he says so
LONGEST_KIND = 80  # characters

Wishes = NDArray[np.bool_]  # (U, C), the kinds that each user asks to be spared


@dataclass(frozen=True, kw_only=True)
class Wish:
    """All that one user asks for at a moment. kinds: columns of `Catalogue.labels`. text: "" where he asks for nothing."""

    user: int
    kinds: tuple[int, ...]
    text: str


# Told what users wish whenever that changes; what is asked afterwards may heed it.
Tell = Callable[[Sequence[Wish]], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Kinds:
    """The kinds of things in a catalogue, and how used each user is to them.

    names: of each, (C,). typical: float32 (C, C), the unit row of labels of a typical item of each kind, 0 where none is
    usual: float64 (U, C), the share of the user's own things that are of each kind
    """

    names: tuple[str, ...]
    typical: Float32
    usual: Float64


def kinds_of(catalogue: Catalogue, names: tuple[str, ...], questions: Questions) -> Kinds:
    """The kinds, as the users who ask these questions know them. names: of the columns of `catalogue.labels`."""
    has = catalogue.labels > 0  # (n_items + 1, C)
    typical = unit_rows(has.T.astype(np.float32) @ catalogue.labels)
    histories = [questions.history(row) for row in range(len(questions))]
    usual = [has[history].mean(axis=0) if len(history) else np.zeros(has.shape[1]) for history in histories]
    return Kinds(
        names=names, typical=typical, usual=np.array(usual, dtype=np.float64).reshape(-1, has.shape[1])
    )


def wishes_after(
    wishes: Wishes, kinds: Kinds, catalogue: Catalogue, items: Int64, bored: Float64, still: Float64
) -> Wishes:
    """The wishes after a page, (B, C): a new one of each user at most, and none any more that is over.

    kinds: of these users. items: (B, J), 0 for none. bored: (B, J), with each item, 0 to 1. still: (B, C), how bored the
    user is by now with a typical item of each kind.
    """
    of_kind = catalogue.labels[items] > 0  # (B, J, C)
    number = ((bored >= FED_UP)[:, :, None] & of_kind).sum(axis=1)  # (B, C)
    beyond = number / np.maximum((items > 0).sum(axis=1), 1)[:, None] - kinds.usual
    beyond = np.where((number >= SPEAKS) & ~wishes, np.round(beyond, 9), -np.inf)
    kind, speaks = np.argmax(beyond, axis=1), np.isfinite(beyond.max(axis=1))
    after = wishes & (still >= OVER)
    after[speaks, kind[speaks]] = True
    return after


def unheeded(wishes: Wishes, catalogue: Catalogue, items: Int64) -> NDArray[np.bool_]:
    """Which items are of a kind that the user has asked to be spared: (B, J). wishes: (B, C). items: (B, J)."""
    of_kind = (catalogue.labels[items] > 0).astype(np.float32)
    return np.einsum("bjc,bc->bj", of_kind, wishes.astype(np.float32)) > 0


def wish_of(user: int, wishes: Wishes, names: tuple[str, ...]) -> Wish:
    """What a user says. wishes: bool (C,)."""
    kinds = tuple(int(kind) for kind in np.flatnonzero(wishes))
    text = " ".join(f"No more {line(names[kind], LONGEST_KIND)} for now, please." for kind in kinds)
    return Wish(user=user, kinds=kinds, text=text)


class Heeded:
    """A recommender whose lists end with what the user asked to be spared, in whatever it ranks by itself.

    Shows what a recommender loses that cannot be told anything. `ask` and `tell` are those of a session.
    """

    def __init__(self, ask: Ask, catalogue: Catalogue) -> None:
        self._ask, self._has = ask, catalogue.labels > 0
        self._wishes: dict[int, tuple[int, ...]] = {}

    def tell(self, wishes: Sequence[Wish]) -> None:
        """See `Tell`."""
        self._wishes |= {wish.user: wish.kinds for wish in wishes}

    def ask(self, page: int, questions: Questions) -> Int64:
        """See `Ask`."""
        listed = np.asarray(self._ask(page, questions), dtype=np.int64)
        spared = np.zeros(listed.shape, dtype=bool)
        for row, user in enumerate(questions.users.tolist()):
            kinds = self._wishes.get(user, ())
            spared[row] = self._has[listed[row]][:, list(kinds)].any(axis=1)
        order = np.argsort(spared | (listed == 0), axis=1, kind="stable")  # what is no item stays last
        return np.take_along_axis(listed, order, axis=1)
