"""Walks through the sessions of all users at once, page by page, until each has left.

A page is the first PAGE_SIZE items of the list that were not shown before; after it the recommender is asked again, with
what the user took at the end of his history.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from seeds.interactions import Int64, Questions
from simulator.catalogue import label_names
from simulator.crowd import Crowd
from simulator.features import compute_features
from simulator.pages import PAGE_SIZE
from simulator.population import Population
from simulator.sessions.draws import draws
from simulator.sessions.memory import (
    ASSUMED,
    BORES,
    DISAPPOINTS,
    PLEASES,
    Memory,
    Strength,
    after,
    boredom,
    boredom_with,
    fresh,
)
from simulator.sessions.minds import Minds, chance, grouping_of
from simulator.sessions.records import EXITS, MOST_PAGES, Ask, Exit, Sessions
from simulator.sessions.wishes import Kinds, Tell, Wish, Wishes, kinds_of, unheeded, wish_of, wishes_after
from simulator.transitions import Float64
from simulator.viewpoint import rounded


@dataclass(frozen=True, kw_only=True, eq=False)
class Walk:
    """What sessions need to know besides the recommender.

    questions: of each mind, in the minds' order; their histories are what the users bring along
    """

    population: Population
    minds: Minds
    questions: Questions
    seed: int
    strength: Strength = ASSUMED

    @cached_property
    def kinds(self) -> Kinds:
        """The kinds of things that users may ask to be spared."""
        names = label_names(self.population.training.item_columns.categories)
        return kinds_of(self.population.shelf.catalogue, names, self.questions)

    def sessions(self, ask: Ask, tell: Tell | None = None) -> Sessions:
        """The users' sessions with one recommender. What a user does depends on what he is shown and on nobody else.

        tell: told what users wish from the next page on; None where the recommender cannot be told anything. All wishes are
        taken back in the end.
        """
        minds, catalogue = self.minds, self.population.shelf.catalogue
        signals = grouping_of(self.population.model.columns).shape[1]
        kept = Sessions.empty(minds.users, minds.shares, signals=signals, kinds=catalogue.labels.shape[1])
        memory, spent = fresh(len(minds), catalogue), np.zeros((len(minds), 3))
        present = np.arange(len(minds))
        for page in range(MOST_PAGES):
            histories = [self._history(kept, int(row)) for row in present]
            listed = np.asarray(ask(page + 1, _asked(minds.users[present], histories)), dtype=np.int64)
            items = next_page(listed, kept.items[present].reshape(len(present), -1))
            there = np.any(items > 0, axis=1)
            kept.exits[present[~there]] = EXITS.index(Exit.RAN_OUT)
            present, items = present[there], items[there]
            if not len(present):
                break
            histories = [history for history, stays in zip(histories, there.tolist()) if stays]
            own = Memory(seen=memory.seen[present], trust=memory.trust[present])
            said = self._said(kept, page, present) if tell is not None else None
            fits, costs = self._look(kept, page, present, items, histories, own, said)
            spent[present] += costs
            then = after(own, catalogue, items, fits)
            memory.seen[present], memory.trust[present] = then.seen, then.trust
            kept.depth[present] = page + 1
            leaves = spent[present].sum(axis=1) >= minds.patience[present]
            kept.exits[present[leaves]] = reasons(spent[present[leaves]])
            kept.wishes[present, page] = self._wishes(kept, page, present, then)
            present = present[~leaves]
            if not len(present):
                break
            if tell is not None:
                self._say(kept, page, present, tell)
        else:
            kept.exits[present] = EXITS.index(Exit.LAST_PAGE)
        spoke = np.flatnonzero(kept.wishes.any(axis=(1, 2)))
        if tell is not None and len(spoke):
            tell([Wish(user=int(minds.users[row]), kinds=(), text="") for row in spoke])
        return kept

    def _wishes(self, kept: Sessions, page: int, present: Int64, memory: Memory) -> Wishes:
        """What the present users wish after a page, (B, C). memory: theirs, after the page."""
        kinds = replace(self.kinds, usual=self.kinds.usual[present])
        still = boredom_with(memory, kinds.typical, self.minds.tolerance[present])
        before = self._said(kept, page, present)
        items, bored = kept.items[present, page], kept.bored[present, page]
        return wishes_after(before, kinds, self.population.shelf.catalogue, items, bored, still)

    def _said(self, kept: Sessions, page: int, present: Int64) -> Wishes:
        """What the present users wished before a page, (B, C)."""
        none = np.zeros((len(present), kept.wishes.shape[2]), dtype=bool)
        return kept.wishes[present, page - 1] if page else none

    def _say(self, kept: Sessions, page: int, present: Int64, tell: Tell) -> None:
        """Tell the wishes of those whose wishes have changed with the page."""
        now, before = kept.wishes[present, page], self._said(kept, page, present)
        changed = np.flatnonzero((now != before).any(axis=1))
        if len(changed):
            users = self.minds.users[present]
            tell([wish_of(int(users[row]), now[row], self.kinds.names) for row in changed])

    def only(self, row: int) -> "Walk":
        """The walk of one of the users alone."""
        return self.of(
            np.array([row]), _asked(self.minds.users[row : row + 1], [self.questions.history(row)])
        )

    def of(self, rows: Int64, questions: Questions) -> "Walk":
        """The walk of some of the users, from other histories. rows: places among the minds. questions: of each row."""
        minds = Minds(**{field.name: getattr(self.minds, field.name)[rows] for field in fields(Minds)})
        return replace(self, minds=minds, questions=questions)

    def _history(self, kept: Sessions, row: int) -> Int64:
        """What the recommender is told: what the user had before, and what he took since, in this order."""
        return np.concatenate([self.questions.history(row), kept.items[row][kept.taken[row]]])

    def _look(
        self,
        kept: Sessions,
        page: int,
        present: Int64,
        items: Int64,
        histories: list[Int64],
        memory: Memory,
        said: Wishes | None,
    ) -> tuple[Float64, Float64]:
        """Record one page of the present users. How well it fits, (B,) from 0, like random items, to 1, like the users' own
        choices; and what it cost of their patience, (B, 3). said: what they have asked to be spared, (B, C), None for nothing."""
        model, catalogue = self.population.model, self.population.shelf.catalogue
        minds, shown = self.minds, items > 0
        crowd = Crowd.of(histories, items)
        features = model.standardise(compute_features(catalogue, crowd, model.columns))
        parts = features * minds.weights[present][:, None]  # (B, J, F)
        bored = np.where(shown, boredom(memory, catalogue, items, minds.tolerance[present]), 0.0)
        if said is not None:  # who is shown what he has asked to be spared wants none of it
            bored[shown & unheeded(said, catalogue, items)] = 1.0
        above = rounded(parts.sum(axis=-1)) - minds.threshold[present][:, None]
        above -= self.strength.boredom * bored
        above -= self.strength.distrust * (1 - memory.trust)[:, None]
        takes = np.where(shown, chance(above), 0.0)
        users = minds.users[present]
        taken = shown & (draws(self.seed, users[:, None], items) < takes)
        number = shown.sum(axis=1)
        kept.items[present, page], kept.taken[present, page] = items, taken
        kept.chance[present, page], kept.bored[present, page] = takes, bored
        kept.worth[present, page] = parts @ grouping_of(model.columns)
        kept.rating[present, page] = np.where(taken, self._ratings(items, minds.habit[present]), np.nan)
        kept.trust[present, page] = memory.trust
        low, high = minds.takes_random[present], minds.takes_own[present]
        better = np.maximum(rounded(takes.sum(axis=1) / number - low), 0.0)  # than random items
        kept.felt[present, page] = better / (1.0 - low)
        fits = np.minimum(better / (high - low), 1.0)
        pleased = PLEASES * taken.sum(axis=1) / number
        costs = [1.0 - pleased, DISAPPOINTS * (1.0 - fits), BORES * bored.sum(axis=1) / number]
        return fits, np.stack(costs, axis=1)

    def _ratings(self, items: Int64, habit: Float64) -> Float64:
        """What the users would give the items, 1 to 5, NaN where it cannot be known: their averages and the users' habits."""
        catalogue, (low, high) = self.population.shelf.catalogue, self.population.rating_range
        rated = catalogue.rating_count[items]
        mean = np.where(rated > 0, catalogue.rating_sum[items] / np.maximum(rated, 1.0), np.nan)
        place = (mean + habit[:, None] - low) / max(high - low, 1e-6)
        return np.clip(np.round(1 + 4 * rounded(place)), 1, 5)


def next_page(listed: Int64, shown: Int64) -> Int64:
    """The first PAGE_SIZE items of each list (B, K) that were not shown, (B, N), 0 where there are fewer: (B, PAGE_SIZE)."""
    size = int(max(listed.max(initial=0), shown.max(initial=0))) + 1
    rows = np.arange(len(listed))[:, None] * size
    fresh_one = (listed > 0) & ~np.isin(rows + listed, (rows + shown)[shown > 0])
    first = np.argsort(~fresh_one, axis=1, kind="stable")[:, :PAGE_SIZE]
    page = np.where(
        np.take_along_axis(fresh_one, first, axis=1), np.take_along_axis(listed, first, axis=1), 0
    )
    return np.pad(page, ((0, 0), (0, PAGE_SIZE - page.shape[1])))


def reasons(spent: Float64) -> Int64:
    """Why users left who spent their patience on (B, 3) time, disappointment and boredom: places in EXITS, (B,)."""
    by_cost = np.array([EXITS.index(one) for one in (Exit.ENOUGH, Exit.DISAPPOINTED, Exit.BORED)])
    return by_cost[np.argmax(rounded(spent), axis=1)]


def _asked(users: Int64, histories: list[Int64]) -> Questions:
    lengths = np.array([len(history) for history in histories], dtype=np.int64)
    return Questions(
        users=users,
        items=np.concatenate([np.zeros(0, dtype=np.int64), *histories]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        targets=np.zeros(len(users), dtype=np.int64),
    )
