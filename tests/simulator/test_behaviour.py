"""A page is shown in words, and every item is answered with fit, rating and a reason that names it."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.behaviour import Judgement, StatisticalBehaviour
from simulator.critique import aggregate, wilson_interval
from simulator.critiques import Fidelity
from simulator.fidelity import measure_fidelity, user_auc
from simulator.messages import MESSAGES, Scene, remark_on_page
from simulator.pages import Page
from simulator.population import build_population, embody


@pytest.fixture(scope="module")
def behaviour(market, population) -> StatisticalBehaviour:
    persona = population.personas[0]
    row = int(np.flatnonzero(market.questions.users == persona.user)[0])
    return embody(population, persona, market.questions.history(row), np.random.default_rng(0))


@pytest.fixture(scope="module")
def page(population, behaviour) -> Page:
    return population.shelf.page(behaviour.view.user, behaviour.view.items[5:15], behaviour.view.history)


@pytest.fixture(scope="module")
def judgement(behaviour, page) -> Judgement:
    return behaviour.judge(page)


def test_a_page_shows_what_the_data_says_of_an_item(market, page):
    shown, columns = page.items[0], market.training.item_columns
    assert shown.title == columns.title[shown.item]
    assert shown.categories == columns.categories[shown.item]
    assert shown.price == pytest.approx(columns.price[shown.item])
    assert shown.popularity == int((market.training.items == shown.item).sum())
    assert 0 <= shown.popularity_rank < 1


def test_recent_events_come_newest_first_with_time_and_own_rating(market, page):
    history = market.training.history(page.user)
    events = slice(market.training.offsets[page.user], market.training.offsets[page.user + 1])
    assert [event.shown.item for event in page.recent] == history[::-1][:5].tolist()
    assert page.recent[0].timestamp == market.training.timestamps[events][-1]
    assert page.recent[0].rating == market.training.ratings[events][-1]


def test_every_item_gets_an_answer_that_names_it(page, judgement):
    assert [answer.item for answer in judgement.answers] == [item.item for item in page.items]
    for answer, item in zip(judgement.answers, page.items, strict=True):
        assert item.title in answer.reason
        assert answer.rating is None or (answer.align and 1 <= answer.rating <= 5)


def test_an_item_fits_when_it_is_worth_what_most_own_choices_are(behaviour, judgement):
    view = behaviour.view
    for answer in judgement.answers:
        row = view.rows(np.array([answer.item]))[0]
        assert view.utility[row] == pytest.approx(view.worth(view.features[row]).sum(), abs=0.01)
        assert answer.align == (view.utility[row] >= view.fitting_utility)


def test_the_item_that_sets_the_mark_fits_whatever_the_last_digit_of_its_worth(corner):
    """The mark is a quartile of items' worth, so that on a small shop's pages it is often the worth of one of them."""
    population = build_population(corner.training, corner.questions, n_users=24, seed=0)
    at_the_mark = 0
    for row, user in enumerate(corner.questions.users):
        persona = next(persona for persona in population.personas if persona.user == user)
        history = corner.questions.history(row)
        behaviour = embody(population, persona, history, np.random.default_rng(0))
        view = behaviour.view
        items = view.items[np.isclose(view.utility, view.fitting_utility, rtol=1e-12)]
        answers = behaviour.judge(population.shelf.page(persona.user, items, history)).answers
        assert all(answer.align for answer in answers)
        at_the_mark += len(answers)
    assert at_the_mark > 5


def test_items_of_which_the_same_is_known_are_worth_the_same_to_the_last_digit(corner):
    unpriced = replace(corner.training.item_columns, price=np.full(corner.training.n_items + 1, np.nan))
    training = replace(corner.training, item_columns=unpriced, ratings=None)
    population = build_population(training, corner.questions, n_users=24, seed=0)
    kinds = 0
    for persona in population.personas:
        view = embody(population, persona, training.history(persona.user), np.random.default_rng(0)).view
        of_kind = [view.utility[np.all(view.features == one, axis=1)] for one in view.features]
        assert all(len(np.unique(worth)) == 1 for worth in of_kind)
        kinds += sum(len(worth) > 1 for worth in of_kind)
    assert kinds > 100


def test_items_the_user_already_had_are_passed_over(population, behaviour):
    history = behaviour.view.history
    page = population.shelf.page(behaviour.view.user, history[:3], history)
    assert behaviour.judge(page).answers == ()
    assert behaviour.judge(page).remarks == ()


@pytest.mark.parametrize("code", MESSAGES)
def test_every_opinion_has_words(page, code):
    scene = Scene(page=page, shown=page.items[0], wished=page.items[1], usual_store="Oak", usual_price=12.0)
    assert remark_on_page(code, scene).endswith(".")


def test_wilson_interval_is_that_of_the_textbook():
    assert wilson_interval(10, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_a_complaint_heard_as_often_of_real_choices_is_no_critique(market, behaviour, random_pages):
    fidelity = Fidelity(auc=0.9, low=0.8, high=0.95, users=1)
    row = int(np.flatnonzero(market.questions.users == behaviour.view.user)[0])
    shelf = behaviour.shelf
    page = shelf.page(behaviour.view.user, random_pages[row].astype(np.int64), behaviour.view.history)
    judgements = [behaviour.judge(page)] * 50
    complaint = next(remark.opinion.code for remark in judgements[0].remarks if not remark.opinion.positive)
    heard = aggregate(judgements, controls={}, fidelity=fidelity)
    assert complaint in {critique.code for critique in heard}
    unheard = aggregate(judgements, controls={complaint: (50, 50)}, fidelity=fidelity)
    assert complaint not in {critique.code for critique in unheard}


def test_auc_counts_ties_half():
    assert user_auc(1.0, np.array([0.0, 1.0, 2.0, 0.5])) == pytest.approx(0.625)


def test_fidelity_at_chance_is_not_trusted():
    assert not measure_fidelity(np.array([0.2, 0.8] * 20), np.random.default_rng(0)).beats_chance
    assert measure_fidelity(np.full(40, 0.9), np.random.default_rng(0)).beats_chance


def test_fidelity_of_nobody_is_chance():
    assert not measure_fidelity(np.zeros(0), np.random.default_rng(0)).beats_chance
