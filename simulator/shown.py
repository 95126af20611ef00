"""One user's page and what he said of it, in words alone: what a reader is shown, and nothing that is computed with.

Titles are data of the shop's: plain text, never markup.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.behaviour import Judgement
    from simulator.pages import Page, PageItem

HISTORY = 10  # newest items of the user's past
TITLE, SENTENCE = 120, 300  # characters; longer ones are cut
KEPT = 200  # users of one round


@dataclass(frozen=True, kw_only=True)
class ShownItem:
    """rank: place on the page, from 1. rating: 1..5, None where he would not take it or nobody rates."""

    rank: int
    title: str
    align: bool
    rating: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """user: the id in the data. persona: one line of description. history: titles, newest last. page: best first.
    words: what he said of the whole page."""

    user: int
    persona: str
    history: tuple[str, ...]
    page: tuple[ShownItem, ...]
    words: tuple[str, ...]


Witness = Callable[["Page", "Judgement"], None]


def nobody(page: "Page", judgement: "Judgement") -> None:
    """A witness who keeps nothing."""


def as_shown(page: "Page", judgement: "Judgement") -> Shown:
    """Items that the user could not judge are left out."""
    answers = {answer.item: answer for answer in judgement.answers}
    words = (*(remark.text for remark in judgement.remarks), *judgement.words)
    return Shown(
        user=judgement.user,
        persona=judgement.persona,
        history=tuple(_title(event.shown) for event in reversed(page.recent[:HISTORY])),
        page=tuple(
            ShownItem(
                rank=rank,
                title=_title(item),
                align=answers[item.item].align,
                rating=answers[item.item].rating,
                reason=_line(answers[item.item].reason, SENTENCE),
            )
            for rank, item in enumerate(page.items, start=1)
            if item.item in answers
        ),
        words=tuple(dict.fromkeys(_line(text, SENTENCE) for text in words)),
    )


def kept(shown: Sequence[Shown]) -> tuple[Shown, ...]:
    """At most KEPT of them, spread evenly."""
    step = max(1.0, len(shown) / KEPT)
    return tuple(shown[int(at * step)] for at in range(min(len(shown), KEPT)))


def _title(item: "PageItem") -> str:
    return _line(item.title, TITLE)


def _line(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
