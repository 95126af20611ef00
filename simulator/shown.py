"""One user's page and judgement as plain text for display; nothing is computed from it.

Titles come from the shop's data and are plain text, never markup.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.behaviour import Judgement
    from simulator.pages import Page, PageItem

HISTORY = 10  # number of the user's newest items shown
TITLE, SENTENCE = 120, 300  # most characters; longer texts are cut
KEPT = 200  # most users kept of one simulation


@dataclass(frozen=True, kw_only=True)
class ShownItem:
    """One item of the page with the user's answer.

    rank: place on the page, from 1
    rating: 1..5, None if the user would not take the item or the data has no ratings
    """

    rank: int
    title: str
    align: bool
    rating: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One user's page and words.

    user: the id in the data
    persona: one line of description
    history: titles, newest last
    page: best first
    words: sentences about the whole page
    """

    user: int
    persona: str
    history: tuple[str, ...]
    page: tuple[ShownItem, ...]
    words: tuple[str, ...]


Witness = Callable[["Page", "Judgement"], None]


def nobody(page: "Page", judgement: "Judgement") -> None:
    """A witness that keeps nothing."""


def as_shown(page: "Page", judgement: "Judgement") -> Shown:
    """The page and judgement as text. Items without an answer are left out."""
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
                reason=line(answers[item.item].reason, SENTENCE),
            )
            for rank, item in enumerate(page.items, start=1)
            if item.item in answers
        ),
        words=tuple(dict.fromkeys(line(text, SENTENCE) for text in words)),
    )


def kept(shown: Sequence[Shown]) -> tuple[Shown, ...]:
    """At most KEPT of the users, spread evenly over all."""
    step = max(1.0, len(shown) / KEPT)
    return tuple(shown[int(at * step)] for at in range(min(len(shown), KEPT)))


def _title(item: "PageItem") -> str:
    return line(item.title, TITLE)


def line(text: str, limit: int) -> str:
    """The text in one line of at most `limit` characters."""
    joined = " ".join(text.split())
    return joined if len(joined) <= limit else joined[: limit - 1].rstrip() + "…"
