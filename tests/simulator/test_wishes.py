"""What simulated users ask for between pages, and what becomes of it."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.catalogue import build_catalogue, label_names
from simulator.sessions.figures import weighted_mean
from simulator.sessions.listening import listening
from simulator.sessions.recommenders import asking, baselines
from simulator.sessions.sessions import gather_participants, hold_sessions, told_session
from simulator.sessions.wishes import (
    FED_UP,
    OVER,
    SPEAKS,
    Heeded,
    Wish,
    kinds_of,
    unheeded,
    wish_of,
    wishes_after,
)


@pytest.fixture(scope="module")
def shoppers(market):
    return gather_participants(training=market.training, questions=market.questions, n_users=80, seed=0)


@pytest.fixture(scope="module")
def markov(shoppers):
    return baselines(shoppers.walk.population.training, 0)["markov"]


class OneKind:
    """Recommends things of the user's last kind first, then best-sellers."""

    def __init__(self, training) -> None:
        broad = [path[:1] for path in training.item_columns.categories]
        known = sorted(set(broad))
        self.kind = np.array([known.index(path) for path in broad])
        self.count = np.bincount(training.items, minlength=training.n_items + 1)

    def score(self, users, histories):
        alike = self.kind[None] == self.kind[histories[:, -1]][:, None]
        return (alike * 1e5 + self.count[None]).astype(np.float32)


def by_popularity(training):
    """Best-sellers that the user has not had, ties by id."""
    order = np.argsort(-np.bincount(training.items, minlength=training.n_items + 1)[1:], kind="stable") + 1

    def ask(page, questions):
        had = [questions.history(row) for row in range(len(questions))]
        return np.array([order[~np.isin(order, history)][:100] for history in had])

    return ask


def test_a_user_speaks_of_the_kind_that_bores_him_beyond_what_he_is_used_to(corner):
    catalogue, names = _labels(corner)
    kinds = kinds_of(catalogue, names, corner.questions)
    of_kind = catalogue.labels > 0
    kind = int(np.flatnonzero(of_kind[1])[-1])
    items = np.array([[*np.flatnonzero(of_kind[:, kind])[:SPEAKS], 0]])
    none = np.zeros((1, len(names)), dtype=bool)
    bored, still = np.where(items > 0, 1.0, 0.0), np.ones((1, len(names)))
    unused = _with_usual(kinds, 0.0)
    wished = wishes_after(none, unused, catalogue, items, bored, still)
    assert wished.sum() == 1 and of_kind[items[0, 0], np.argmax(wished[0])]
    few = np.where(np.arange(4)[None] < SPEAKS - 1, bored, 0.0)
    assert not wishes_after(none, unused, catalogue, items, few, still).any()
    assert not wishes_after(none, unused, catalogue, items, bored * (FED_UP - 0.01), still).any()
    over = wishes_after(wished, unused, catalogue, items * 0, bored * 0, still * (OVER - 0.01))
    assert not over.any()
    assert (wishes_after(wished, unused, catalogue, items * 0, bored * 0, still * OVER) == wished).all()


def test_wishes_are_said_in_plain_sentences_with_the_datas_own_words():
    wishes = np.array([False, True, True])
    wish = wish_of(7, wishes, ("Books", "Science\nFiction", "Crime"))
    assert wish == Wish(
        user=7, kinds=(1, 2), text="No more Science Fiction for now, please. No more Crime for now, please."
    )
    assert wish_of(7, wishes & False, ("a", "b", "c")).text == ""


def test_a_recommender_is_told_once_for_each_change_and_all_is_taken_back(shoppers, markov):
    told = dict[int, list[str]]()

    def tell(wishes):
        for wish in wishes:
            told.setdefault(wish.user, []).append(wish.text)

    sessions = shoppers.walk.sessions(markov, tell)
    assert told
    for row, user in enumerate(sessions.users.tolist()):
        said = [wish_of(user, wishes, shoppers.walk.kinds.names).text for wishes in sessions.wishes[row]]
        heard = said[: sessions.depth[row] - 1]  # after the last page nothing is said
        changes = [now for before, now in zip(["", *heard], heard) if now != before]
        spoke = any(said[: sessions.depth[row]])
        assert told.get(user, []) == [*changes, *([""] if spoke else [])]


def test_that_a_recommender_can_be_told_changes_nothing_for_who_has_no_wish(shoppers):
    """With a recommender whose answer to one user does not hang on the place of his question."""
    ask = by_popularity(shoppers.walk.population.training)
    silent, heard = shoppers.walk.sessions(ask), shoppers.walk.sessions(ask, lambda wishes: None)
    assert (silent.items[:, 0] == heard.items[:, 0]).all() and (silent.felt[:, 0] == heard.felt[:, 0]).all()
    mute = ~silent.wishes.any(axis=(1, 2))
    assert mute.any() and (~mute).any()
    assert (silent.felt[mute] == heard.felt[mute]).all() and (silent.depth[mute] == heard.depth[mute]).all()


def test_a_recommender_that_is_told_and_does_not_heed_loses_by_it(shoppers):
    """Users who tire soon of a kind, and stay."""
    size = len(shoppers.walk.minds)
    minds = replace(shoppers.walk.minds, tolerance=np.full(size, 0.2), patience=np.full(size, 20.0))
    walk = replace(shoppers.walk, minds=minds)
    ask = asking(OneKind(walk.population.training), walk.population.training.n_items)
    heeded = Heeded(ask, walk.population.shelf.catalogue)
    deaf, hearing = walk.sessions(ask, lambda wishes: None), walk.sessions(heeded.ask, heeded.tell)
    after = slice(2, 4)  # later on the small shop has hardly anything left
    gain = weighted_mean((hearing.felt - deaf.felt)[:, after].mean(axis=1), deaf.shares, 0)
    assert gain.low > 0 and (hearing.felt[:, :2] == deaf.felt[:, :2]).all()
    assert hearing.bored[:, after].mean() < deaf.bored[:, after].mean()


def test_heeded_lists_keep_their_order_and_end_with_what_was_to_be_spared(corner):
    catalogue, _ = _labels(corner)
    of_kind = catalogue.labels > 0
    kind = int(np.argmax(of_kind.sum(axis=0)))
    listed = np.concatenate([np.arange(1, 12), [0]])
    heeded = Heeded(lambda page, questions: np.tile(listed, (len(questions), 1)), catalogue)
    users = corner.questions.users
    heeded.tell([Wish(user=int(users[0]), kinds=(kind,), text="-")])
    lists = heeded.ask(1, corner.questions)
    spared = of_kind[listed, kind]
    assert lists[0].tolist() == [
        *[item for item, away in zip(listed, spared) if item and not away],
        *[item for item, away in zip(listed, spared) if not item or away],
    ]
    assert lists[1].tolist() == listed.tolist()
    heeded.tell([Wish(user=int(users[0]), kinds=(), text="")])
    assert heeded.ask(1, corner.questions)[0].tolist() == listed.tolist()
    wishes = np.zeros((1, of_kind.shape[1]), dtype=bool)
    wishes[0, kind] = True
    assert unheeded(wishes, catalogue, listed[None])[0].tolist() == spared.tolist()


def test_what_it_costs_that_nothing_can_be_said_is_measured_against_the_same_users(shoppers, markov):
    outcome = hold_sessions(shoppers, markov)
    heard = outcome.listening
    assert not heard.told and heard.satisfy is not None and heard.depth is not None
    assert heard.wished.value > 0 and heard.satisfy.low <= heard.satisfy.value <= heard.satisfy.high
    told = hold_sessions(shoppers, markov, lambda wishes: None).listening
    assert told.told and told.satisfy is None and not told.costs
    assert listening(shoppers.walk, outcome.own, markov, told=False) == heard


def test_a_told_session_says_what_the_user_wished(shoppers, markov, market):
    own = shoppers.walk.sessions(markov)
    goes_on = own.wishes & (np.arange(own.wishes.shape[1])[None, :, None] < own.depth[:, None, None] - 1)
    row = int(np.flatnonzero(goes_on.any(axis=(1, 2)))[0])
    told = told_session(shoppers, own, markov, market.questions, int(own.users[row]))
    said = [page.wish for page in told.pages]
    assert not told.heard and any("for now, please." in words for words in said) and said[-1] == ""


def _labels(corner):
    return build_catalogue(corner.training), label_names(corner.training.item_columns.categories)


def _with_usual(kinds, share):
    return replace(kinds, usual=np.full((1, len(kinds.names)), share))
