"""Whole sessions of simulated users, with recommenders of known makes."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from seeds.interactions import Interactions, Questions
from simulator.personas import Level
from simulator.population import personas_with_question
from simulator.sessions.draws import draws
from simulator.sessions.figures import by_user, figures_of, satisfaction, spoken_for, weighted_mean
from simulator.sessions.memory import Strength, after, boredom, fresh
from simulator.sessions.recommenders import asking, baselines
from simulator.sessions.records import EXITS, MOST_PAGES, Exit
from simulator.sessions.sessions import (
    NoSessions,
    gather_participants,
    hold_sessions,
    questions_of,
    told_session,
)
from simulator.sessions.walking import next_page, reasons


class OwnKind:
    """Recommends the kind that the user keeps to, then its neighbours: the best that can be done in the corner shop."""

    def __init__(self, corner) -> None:
        labels = corner.training.item_columns.categories
        known = sorted({*labels})
        self.kind = np.array([known.index(path) for path in labels])

    def score(self, users, histories):
        own = self.kind[histories[:, -1]]
        return (self.kind[None] == own[:, None]).astype(np.float32)


@pytest.fixture(scope="module")
def participants(corner):
    return gather_participants(training=corner.training, questions=corner.questions, n_users=24, seed=0)


@pytest.fixture(scope="module")
def shoppers(market):
    return gather_participants(training=market.training, questions=market.questions, n_users=60, seed=0)


@pytest.fixture(scope="module")
def good(corner):
    return asking(OwnKind(corner), corner.training.n_items)


@pytest.mark.slow
def test_users_are_the_more_satisfied_the_more_a_recommender_knows(shoppers):
    """First-order Markov in the place of a trained model: the market's users go by what follows from their last picks."""
    training = shoppers.walk.population.training
    outcome = hold_sessions(shoppers, baselines(training, 0)["markov"])
    model, *others = outcome.compared
    assert [one.name for one in others] == ["markov", "popularity", "random"]
    same, popular, random = others
    assert model.figures.satisfy == same.figures.satisfy and same.ahead is not None and same.ahead.high == 0
    assert model.figures.satisfy.low > popular.figures.satisfy.high > random.figures.satisfy.high
    assert model.figures.view.value > popular.figures.view.value > random.figures.view.value
    assert model.figures.depth.value > popular.figures.depth.value > random.figures.depth.value
    assert random.ahead is not None and random.ahead.low > 0 and model.ahead is None
    assert random.figures.exits[Exit.DISAPPOINTED].low > model.figures.exits[Exit.DISAPPOINTED].high
    for one in outcome.compared:
        assert sum(share.value for share in one.figures.exits.values()) == pytest.approx(1.0)
        assert 1.0 <= one.figures.satisfy.low <= one.figures.satisfy.value <= one.figures.satisfy.high <= 10.0


def test_nothing_is_shown_twice_and_nothing_that_the_user_had(participants, good):
    sessions = participants.walk.sessions(good)
    for row in range(len(sessions.users)):
        shown = sessions.items[row][sessions.items[row] > 0]
        assert len(set(shown.tolist())) == len(shown)
        assert not set(shown.tolist()) & set(participants.walk.questions.history(row).tolist())


def test_the_recommender_is_asked_again_with_what_was_taken(participants, good):
    asked: list[tuple[int, Questions]] = []

    def noting(page, questions):
        asked.append((page, questions))
        return good(page, questions)

    sessions = participants.walk.sessions(noting)
    assert [page for page, _ in asked] == list(range(1, len(asked) + 1))
    users = sessions.users.tolist()
    for page, questions in asked:
        assert not questions.targets.any()
        for place, user in enumerate(questions.users.tolist()):
            row = users.index(user)
            taken = sessions.items[row, : page - 1][sessions.taken[row, : page - 1]]
            expected = [*participants.walk.questions.history(row), *taken]
            assert questions.history(place).tolist() == [int(item) for item in expected]
    last = asked[-1][1].users
    assert len(last) < len(users)  # who has left is asked for no more


def test_the_same_seed_gives_the_same_sessions_and_another_seed_others(corner, participants, good):
    first, again = (participants.walk.sessions(good) for _ in range(2))
    assert (first.taken == again.taken).all() and (first.felt == again.felt).all()
    other = replace(participants.walk, seed=1).sessions(good)
    assert (first.taken != other.taken).any()


def test_a_session_does_not_depend_on_who_else_is_there(corner, participants, good):
    """With a recommender whose answer to one user does not hang on the place of his question."""
    items = np.arange(corner.training.n_items, 0, -1)

    def fixed(page, questions):
        had = [set(questions.history(q).tolist()) for q in range(len(questions))]
        return np.array([[item * (item not in own) for item in items] for own in had])

    together = participants.walk.sessions(fixed)
    alone = participants.walk.only(7).sessions(fixed)
    assert (alone.items[0] == together.items[7]).all() and (alone.taken[0] == together.taken[7]).all()
    assert alone.exits[0] == together.exits[7] and (alone.felt[0] == together.felt[7]).all()


def test_the_place_on_a_page_does_not_decide_whether_an_item_is_taken(corner, participants):
    items = np.arange(1, corner.training.n_items + 1)

    def pages(turned: bool):
        def ask(page, questions):
            had = [set(questions.history(q).tolist()) for q in range(len(questions))]
            first = np.array([[item for item in items if item not in own][:10] for own in had])
            return first[:, ::-1] if turned else first

        return ask

    up, down = (participants.walk.sessions(pages(turned)) for turned in (False, True))
    assert (up.items[:, 0] == down.items[:, 0, ::-1]).all()
    assert (up.taken[:, 0] == down.taken[:, 0, ::-1]).all() and (up.felt[:, 0] == down.felt[:, 0]).all()


@pytest.mark.slow
def test_memory_makes_more_of_the_same_less_welcome(shoppers):
    """On later pages: on the first page nobody remembers anything."""
    walk, ask = shoppers.walk, baselines(shoppers.walk.population.training, 0)["markov"]
    forgetful = replace(walk, strength=Strength(boredom=0.0, distrust=0.0)).sessions(ask)
    minding = walk.sessions(ask)
    assert (forgetful.felt[:, 0] == minding.felt[:, 0]).all()
    assert by_user(minding)["satisfy"].mean() < by_user(forgetful)["satisfy"].mean()
    assert (minding.bored[:, 0] == 0).all() and (minding.bored[:, 1] > 0).any()


def test_boredom_needs_sameness_beyond_what_the_user_is_used_to(participants):
    catalogue = participants.walk.population.shelf.catalogue
    page = np.array([[1, 2, 3, 13, 25]] * 2)  # three of one kind, one of its neighbour, one of another
    memory = after(fresh(2, catalogue), catalogue, page[:, :3], fits=np.array([1.0, 0.0]))
    bored = boredom(memory, catalogue, page, tolerance=np.array([0.2, 1.0]))
    assert (bored[0, :3] > bored[0, 3]).all() and bored[0, 3] > bored[0, 4] == 0
    assert (bored[1] == 0).all()
    assert memory.trust[0] == 1.0 > memory.trust[1] > 0


def test_a_user_leaves_for_what_took_most_of_his_patience():
    spent = np.array([[3.0, 1.0, 0.0], [2.0, 2.5, 0.0], [1.0, 0.5, 1.5]])
    assert [EXITS[place] for place in reasons(spent)] == [Exit.ENOUGH, Exit.DISAPPOINTED, Exit.BORED]


def test_a_list_that_ends_is_a_reason_and_so_is_the_last_page(corner, participants):
    def nothing(page, questions):
        return np.zeros((len(questions), 10), dtype=np.int64)

    ended = participants.walk.sessions(nothing)
    assert (ended.depth == 0).all() and {EXITS[place] for place in ended.exits} == {Exit.RAN_OUT}
    assert satisfaction(ended) == pytest.approx(np.ones(len(ended.users)))
    minds = replace(participants.walk.minds, patience=np.full(len(participants.walk.minds), 1e9))
    asked = asking(OwnKind(corner), corner.training.n_items)
    stayed = replace(participants.walk, minds=minds).sessions(asked)
    assert {EXITS[place] for place in stayed.exits} <= {Exit.LAST_PAGE, Exit.RAN_OUT}
    assert stayed.depth.max() <= MOST_PAGES


def test_a_page_is_the_first_ten_items_that_were_not_shown():
    listed = np.array([[*range(1, 13)], [5, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    shown = np.array([[2, 4, 0], [5, 0, 0]])
    page = next_page(listed, shown)
    assert page[0].tolist() == [1, 3, 5, 6, 7, 8, 9, 10, 11, 12]
    assert page[1].tolist() == [4, 3] + [0] * 8


def test_means_speak_for_the_shares_that_users_stand_for():
    values, shares = np.array([1.0, 2.0, 6.0]), np.array([0.5, 0.25, 0.25])
    assert weighted_mean(values, shares, 0).value == pytest.approx(2.5)
    spread = spoken_for(values, shares, np.array([1, 3, 4]), 6)
    assert spread.mean() == pytest.approx(2.5) and spread[[0, 2, 5]].tolist() == [2.5] * 3
    linear = np.sum(shares**2 * (values - 2.5) ** 2)  # variance of a weighted mean
    assert spread.var() / len(spread) == pytest.approx(linear)


@pytest.mark.slow
def test_a_sampled_persona_speaks_for_his_share_of_his_kind(market, population):
    everybody = Counter(one.cell for one in personas_with_question(market.training, market.questions))
    spoken_for_by = dict[tuple[Level, Level, Level], float]()
    for one, share in zip(population.personas, population.shares):
        spoken_for_by[one.cell] = spoken_for_by.get(one.cell, 0.0) + float(share)
    for cell, share in spoken_for_by.items():
        assert share == pytest.approx(everybody[cell] / sum(everybody[known] for known in spoken_for_by))


def test_draws_are_uniform_and_belong_to_user_and_item():
    numbers = draws(0, np.arange(200)[:, None], np.arange(200))
    assert numbers.min() >= 0 and numbers.max() < 1 and numbers.mean() == pytest.approx(0.5, abs=0.01)
    assert np.histogram(numbers, 10, (0, 1))[0] == pytest.approx(4000, rel=0.08)
    assert abs(np.corrcoef(numbers[:-1].ravel(), numbers[1:].ravel())[0, 1]) < 0.02
    assert (numbers[5, 7:9] == draws(0, 5, np.array([7, 8]))).all() and draws(1, 5, 7) != numbers[5, 7]


def test_one_session_is_told_with_titles_reasons_and_why_he_left(corner, participants, good):
    own = participants.walk.sessions(good)
    user = int(own.users[3])
    told = told_session(participants, own, good, corner.questions, user)
    assert (
        told.user == f"user-{user}" and len(told.pages) == own.depth[3] and told.exit is EXITS[own.exits[3]]
    )
    items = [item for page in told.pages for item in page.items]
    assert [item.taken for item in items] == own.taken[3][own.items[3] > 0].tolist()
    assert told.taken == own.taken[3].sum() and f"{len(told.pages)} page" in told.left.replace("one", "1")
    titles = {title for title in corner.training.item_columns.title if title}
    assert all(any(item.title in title for title in titles) for item in items if "page" not in item.title)
    assert all(item.reason and "\n" not in item.reason for item in items)
    assert 1 <= told.satisfy <= 10 and len(told.history) > 0


def test_a_user_who_was_not_sampled_is_told_too(corner, good):
    few = gather_participants(training=corner.training, questions=corner.questions, n_users=8, seed=0)
    own = few.walk.sessions(good)
    user = int(np.setdiff1d(corner.questions.users, own.users)[0])
    told = told_session(few, own, good, corner.questions, user)
    assert told.user == f"user-{user}" and told.pages
    with pytest.raises(NoSessions, match="no held-out event"):
        told_session(few, own, good, corner.questions, 999)


def test_what_the_data_lacks_is_said_and_missing_histories_are_refused(corner):
    training = corner.training
    bare = replace(
        training,
        ratings=None,
        item_columns=replace(
            training.item_columns,
            categories=tuple(() for _ in training.item_columns.categories),
            price=np.full(training.n_items + 1, np.nan, dtype=np.float32),
        ),
    )
    participants = gather_participants(training=bare, questions=corner.questions, n_users=24, seed=0)
    said = " ".join(participants.lacking)
    assert (
        "no categories" in said and "no ratings" in said and "no prices" in said and "no stores" not in said
    )
    figures = figures_of(participants.walk.sessions(baselines(bare, 0)["popularity"]), 0)
    assert figures.like is None and figures.exits[Exit.BORED].value == 0
    short = _first_events(training, 3)
    with pytest.raises(NoSessions, match="more than three different items"):
        gather_participants(training=short, questions=corner.questions, n_users=24, seed=0)
    nobody = questions_of(corner.questions, np.zeros(0, dtype=np.int64))
    with pytest.raises(NoSessions, match="nobody to simulate"):
        gather_participants(training=training, questions=nobody, n_users=24, seed=0)


def _first_events(training: Interactions, most: int) -> Interactions:
    place = np.arange(training.n_events) - training.offsets[training.users]
    kept = place < most
    lengths = np.bincount(training.users[kept], minlength=training.n_users + 1)
    return replace(
        training,
        users=training.users[kept],
        items=training.items[kept],
        timestamps=None,
        ratings=None if training.ratings is None else training.ratings[kept],
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
    )


def test_users_who_choose_like_their_models_are_told_from_chance(participants):
    assert participants.fidelity.beats_chance and participants.fidelity.users > 20
