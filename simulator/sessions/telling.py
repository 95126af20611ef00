"""One session in words: the pages as the user saw them, what he took and why, why he left. Plain text, never markup."""

from dataclasses import dataclass

import numpy as np

from simulator.behaviour import StatisticalBehaviour
from simulator.messages import kind_of, praise_item, quoted, reject_item
from simulator.pages import Page
from simulator.personas import build_personas
from simulator.population import embody
from simulator.sessions.figures import satisfaction
from simulator.sessions.records import EXITS, MOST_PAGES, Exit, Sessions
from simulator.sessions.walking import Walk
from simulator.sessions.wishes import wish_of
from simulator.shown import HISTORY, SENTENCE, TITLE, line

EVEN = 0.5  # chance from which an item fits


@dataclass(frozen=True, kw_only=True)
class ToldItem:
    """An item as the user met it. rank: from 1. rating: 1 to 5, None if he did not take it or the data has no ratings."""

    rank: int
    item: str
    title: str
    taken: bool
    rating: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class ToldPage:
    """A page. felt: 1 to 10, as in `satisfaction`. trust: in the list before the page, 0 to 1. mood: a sentence, "" for none.

    wish: what the user would say before the next page, "" for nothing, and where he left.
    """

    felt: float
    trust: float
    mood: str
    wish: str
    items: tuple[ToldItem, ...]


@dataclass(frozen=True, kw_only=True)
class ToldSession:
    """One user's session with the model.

    user: the data's own id. history: titles, newest last. satisfy: 1 to 10. left: the reason in a sentence
    heard: whether the model was told what the user wished
    """

    user: str
    persona: str
    history: tuple[str, ...]
    pages: tuple[ToldPage, ...]
    taken: int
    satisfy: float
    exit: Exit
    left: str
    heard: bool


def tell(walk: Walk, sessions: Sessions, *, heard: bool) -> ToldSession:
    """The session of the only user of a walk. heard: whether the model was told what he wished."""
    population, user = walk.population, int(sessions.users[0])
    persona = next(one for one in build_personas(population.training) if one.user == user)
    depth, history = int(sessions.depth[0]), walk.questions.history(0)
    pages = []
    for page in range(depth):
        rng = np.random.default_rng([walk.seed, 8, user, page])
        behaviour = embody(population, persona, history, rng)
        pages.append(_page(walk, sessions, page, behaviour))
        history = np.concatenate([history, sessions.items[0, page][sessions.taken[0, page]]])
    shelf, taken = population.shelf, int(sessions.taken.sum())
    before = shelf.page(user, np.zeros(0, dtype=np.int64), walk.questions.history(0), recent_events=HISTORY)
    leaving = EXITS[int(sessions.exits[0])]
    return ToldSession(
        user=population.training.user_names[user],
        persona=persona.description,
        history=tuple(line(event.shown.title, TITLE) for event in reversed(before.recent)),
        pages=tuple(pages),
        taken=taken,
        satisfy=float(satisfaction(sessions)[0]),
        exit=leaving,
        left=_left(leaving, taken, depth),
        heard=heard,
    )


def _page(walk: Walk, sessions: Sessions, page: int, behaviour: StatisticalBehaviour) -> ToldPage:
    items = sessions.items[0, page]
    shown = walk.population.shelf.page(int(sessions.users[0]), items[items > 0], behaviour.view.history)
    ratings = sessions.rating[0, page]
    return ToldPage(
        felt=float(1 + 9 * sessions.felt[0, page]),
        trust=float(sessions.trust[0, page]),
        mood=_mood(sessions, page),
        wish=_wish(walk, sessions, page),
        items=tuple(
            ToldItem(
                rank=place + 1,
                item=walk.population.training.item_names[item.item],
                title=line(item.title, TITLE),
                taken=bool(sessions.taken[0, page, place]),
                rating=int(ratings[place]) if np.isfinite(ratings[place]) else None,
                reason=line(_reason(walk, sessions, page, place, shown, behaviour), SENTENCE),
            )
            for place, item in enumerate(shown.items)
        ),
    )


def _reason(
    walk: Walk, sessions: Sessions, page: int, place: int, shown: Page, behaviour: StatisticalBehaviour
) -> str:
    """What moved the choice most: a signal of the choice model, or what the user remembers of the session."""
    minds, view, item = walk.minds, behaviour.view, shown.items[place]
    worth = sessions.worth[0, page, place].astype(np.float64)
    taken, fits = bool(sessions.taken[0, page, place]), sessions.chance[0, page, place] >= EVEN
    if taken:
        column = int(np.argmax(worth - minds.random_worth[0]))
        praise = praise_item(
            view.signals[column],
            behaviour.scene(shown, item, column),
            little=behaviour.has_little(item, column),
        )
        return praise if fits else f"Not what I usually take, but I gave it a try. {praise}"
    if fits:
        return f"{quoted(item.title)} would fit, but I let it go this time."
    lost = worth - minds.own_worth[0]
    column = int(np.argmin(lost))
    bored = walk.strength.boredom * sessions.bored[0, page, place]
    wary = walk.strength.distrust * (1 - sessions.trust[0, page])
    if bored > max(-lost[column], wary):
        return f"I have seen enough of {kind_of(item)} by now, so I pass over {quoted(item.title)}."
    if wary > -lost[column]:
        return f"The pages before showed me little, so I hardly looked at {quoted(item.title)}."
    return reject_item(
        view.signals[column], behaviour.scene(shown, item, column), little=behaviour.has_little(item, column)
    )


def _wish(walk: Walk, sessions: Sessions, page: int) -> str:
    if page + 1 == sessions.depth[0]:
        return ""
    return wish_of(int(sessions.users[0]), sessions.wishes[0, page], walk.kinds.names).text


def _mood(sessions: Sessions, page: int) -> str:
    """What the user carries along from the pages before."""
    bored = sessions.bored[0, page]
    seen_enough = int((bored >= EVEN).sum())
    if seen_enough:
        return f"{seen_enough} of {int((sessions.items[0, page] > 0).sum())} things are of a kind that I have seen enough of."
    if sessions.trust[0, page] < EVEN:
        return "I expect little of this list by now."
    return ""


def _left(leaving: Exit, taken: int, depth: int) -> str:
    took = f"with {taken} things" if taken > 1 else "with one thing" if taken else "with nothing"
    pages = f"{depth} pages" if depth > 1 else "one page"
    return {
        Exit.ENOUGH: f"I left {took} after {pages}: that is as long as I ever look.",
        Exit.DISAPPOINTED: f"I left {took} after {pages}: too little on them was for me.",
        Exit.BORED: f"I left {took} after {pages}: they showed me the same kind of thing again and again.",
        Exit.RAN_OUT: f"I left {took} after {pages}: there was nothing that I had not seen.",
        Exit.LAST_PAGE: f"I had {took.removeprefix('with ')} after {MOST_PAGES} pages, where sessions end, and would have gone on.",
    }[leaving]
