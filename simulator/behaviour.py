"""A simulated user's judgement of a page: per item fit, rating and reason, and remarks on the whole page.

`Behaviour` is the interface of simulated users; `StatisticalBehaviour` answers from a fitted choice model.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from seeds.interactions import Int64
from simulator.messages import Scene, praise_item, reject_item, remark_on_page
from simulator.opinions import Opinion, form_opinions
from simulator.pages import Page, PageItem, PageMaker
from simulator.transitions import Float64
from simulator.viewpoint import Viewpoint, measure_shown


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to one item.

    align: whether the user would take the item
    rating: 1 to 5, None if the user would not take the item or the data has no ratings
    reason: one sentence
    """

    item: int
    align: bool
    rating: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Remark:
    """An opinion on the whole page, in the user's own words."""

    opinion: Opinion
    text: str


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """All of one user's answers and remarks on one page.

    persona: one line of description
    words: further free sentences, () for a user who answers by rules
    """

    user: int
    persona: str
    answers: tuple[Answer, ...]
    remarks: tuple[Remark, ...]
    words: tuple[str, ...] = ()


class Behaviour(Protocol):
    """A simulated user of any kind, who knows only his own past, never his next choice."""

    def judge(self, page: Page) -> Judgement:
        """Judge every item of the page, and the page as a whole."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class StatisticalBehaviour:
    """A simulated user who answers from a fitted choice model.

    usual_rating: how far above (or below) an item's average this user rates, None if the data has no ratings
    rating_range: lowest and highest rating in the data
    """

    persona: str
    view: Viewpoint
    shelf: PageMaker
    usual_rating: float | None
    rating_range: tuple[float, float]

    def judge(self, page: Page) -> Judgement:
        """An item fits if its utility is above that of the lowest quarter of items on the user's own pages."""
        rows = self.view.rows(np.array([item.item for item in page.items], dtype=np.int64))
        shown = {int(self.view.items[row]): int(row) for row in rows}
        answers = tuple(
            self._answer(page, item, shown[item.item]) for item in page.items if item.item in shown
        )
        return Judgement(
            user=self.view.user, persona=self.persona, answers=answers, remarks=self._remarks(page, rows)
        )

    def _answer(self, page: Page, item: PageItem, row: int) -> Answer:
        view = self.view
        worth = view.worth(view.features[row])  # (S,)
        align = bool(view.utility[row] >= view.fitting_utility)
        compared = view.typical_worth if align else view.own_pages.mean.worth[0]
        column = int(np.argmax(worth - compared) if align else np.argmin(worth - compared))
        scene = self.scene(page, item, column)
        sentence = praise_item if align else reject_item
        reason = sentence(view.signals[column], scene, little=self.has_little(item, column))
        return Answer(
            item=item.item, align=align, rating=self._rating(item) if align else None, reason=reason
        )

    def _rating(self, item: PageItem) -> int | None:
        """The item's average plus this user's own habit, on a scale of 1 to 5."""
        if self.usual_rating is None or item.average_rating is None:
            return None
        low, high = self.rating_range
        place = (item.average_rating + self.usual_rating - low) / max(high - low, 1e-6)
        return int(np.clip(round(1 + 4 * place), 1, 5))

    def _remarks(self, page: Page, rows: Int64) -> tuple[Remark, ...]:
        if not len(rows):
            return ()
        remarks = []
        for opinion in form_opinions(self.view, measure_shown(self.shelf.catalogue, self.view, rows)):
            column = self.view.signals.index(opinion.signal)
            told = self._telling(opinion, rows, column)
            scene = self.scene(page, self.shelf.show(told), column)
            remarks.append(Remark(opinion=opinion, text=remark_on_page(opinion.code, scene)))
        return tuple(remarks)

    def _telling(self, opinion: Opinion, rows: Int64, column: int) -> int:
        """The item of the page that is the best example of an opinion."""
        view = self.view
        if opinion.code.startswith("overused"):
            value: Float64 = view.amount(view.features[rows])[:, column]
        else:
            value = view.worth(view.features[rows])[:, column] * (1 if opinion.positive else -1)
        return int(view.items[rows[int(np.argmax(value))]])

    def has_little(self, item: PageItem, column: int) -> bool:
        """Whether an item that the user never touched has less of a signal than his usual choices. column: of the signal."""
        row = self.view.rows(np.array([item.item]))[0]
        amount = self.view.amount(self.view.features[row])[column]
        return bool(amount < self.view.own_pages.mean.amount[0, column])

    def scene(self, page: Page, shown: PageItem, column: int) -> Scene:
        """What a sentence about an item and a signal may mention. column: of the signal."""
        return Scene(
            page=page,
            shown=shown,
            wished=self.shelf.show(self._wished({item.item for item in page.items}, column)),
            usual_store=self._usual_store,
            usual_price=self._usual_price,
        )

    def _wished(self, on_page: set[int], column: int) -> int:
        """Among the user's best ten items that are not on the page, the one worth most in a signal."""
        view = self.view
        away = [int(item) for item in view.best_items if int(item) not in on_page]
        best = np.array(away or view.best_items, dtype=np.int64)
        return int(best[int(np.argmax(view.worth(view.features[view.rows(best)])[:, column]))])

    @cached_property
    def _usual_store(self) -> str:
        codes = self.shelf.catalogue.store[self.view.history]
        codes = codes[codes > 0]
        if not len(codes):
            return ""
        usual = int(np.argmax(np.bincount(codes)))
        return self.shelf.training.item_columns.store[int(np.argmax(self.shelf.catalogue.store == usual))]

    @cached_property
    def _usual_price(self) -> float | None:
        paid = self.shelf.catalogue.log_price[self.view.history]
        paid = paid[np.isfinite(paid)]
        return float(np.exp(np.median(paid))) if len(paid) else None
