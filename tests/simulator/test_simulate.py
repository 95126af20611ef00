"""What simulated users say of pages whose faults are known."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from seeds.loading import load
from seeds.split import LeaveLastTwoOut, split
from simulator.critiques import Simulation
from simulator.fidelity import TESTED
from simulator.population import embody
from simulator.simulate import ask, simulate

pytestmark = pytest.mark.slow


def shares(simulation: Simulation) -> dict[str, float]:
    return {critique.code: critique.share for critique in simulation.critiques}


@pytest.fixture(scope="session")
def tell(market, population) -> Callable[[NDArray[np.int32]], Simulation]:
    """What the same hundred users say of other pages."""
    return lambda top: ask(population, questions=market.questions, top_items=top, seed=0)


@pytest.fixture(scope="session")
def on_popular(tell, popular_pages) -> Simulation:
    return tell(popular_pages)


@pytest.fixture(scope="session")
def on_random(tell, random_pages) -> Simulation:
    return tell(random_pages)


@pytest.fixture(scope="session")
def on_following(tell, following_pages) -> Simulation:
    return tell(following_pages)


def test_popular_pages_are_called_too_popular_by_most_and_out_of_sequence(on_popular):
    said = shares(on_popular)
    assert said["overused-popularity"] > 0.5
    assert said["missed-sequence"] > 0.5


def test_random_pages_miss_what_people_choose_by(on_random):
    said = shares(on_random)
    assert said["missed-category"] > 0.3
    assert said["missed-sequence"] > 0.5
    assert said["missed-popularity"] > 0.3
    assert not any(code.startswith("liked-") for code in said)


def test_pages_of_true_followers_are_not_out_of_sequence(on_following, on_random):
    assert shares(on_following).get("missed-sequence", 0.0) < 0.3 * shares(on_random)["missed-sequence"]
    assert on_following.mean_align > on_random.mean_align + 0.3


def test_pages_of_the_users_own_best_items_draw_no_complaint(market, population, tell):
    top = market.pages(lambda history: np.arange(market.training.n_items + 1))
    rng = np.random.default_rng(0)
    row_of = {int(user): row for row, user in enumerate(market.questions.users)}
    for persona in population.personas:
        row = row_of[persona.user]
        view = embody(population, persona, market.questions.history(row), rng).view
        top[row] = view.best_items
    simulation = tell(top)
    assert [critique.code for critique in simulation.critiques if not critique.positive] == []
    assert any(critique.positive for critique in simulation.critiques)
    assert simulation.mean_align > 0.9


def test_users_of_a_trait_at_chance_level_have_no_vote(
    population, tell, popular_pages, on_popular, monkeypatch
):
    assert on_popular.silent == ()
    (rare, users), *_ = Counter(one.traits[0] for one in population.personas).most_common()
    assert TESTED <= users < len(population.personas)
    asked = iter(population.personas)  # one after the other

    def guessing(view, target, rng):
        return float(rng.integers(2)) if rare in next(asked).traits else 0.9

    monkeypatch.setattr("simulator.simulate.next_choice_auc", guessing)
    told = tell(popular_pages)
    silent = next(one for one in told.silent if one.trait == rare)
    assert silent.fidelity.low <= 0.5 <= silent.fidelity.high and silent.fidelity.users == users
    assert silent.line.startswith(f"users with the trait “{rare}” have no vote: AUC ")
    mute = {one.trait for one in told.silent}
    voting = sum(mute.isdisjoint(one.traits) for one in population.personas)
    assert 0 < voting <= len(population.personas) - users
    assert {critique.users for critique in told.critiques} == {voting}
    quoted = {quote.persona for critique in told.critiques for quote in critique.quotes}
    assert quoted and not any(rare in traits for traits in quoted)

    monkeypatch.setattr(
        "simulator.simulate.next_choice_auc", lambda view, target, rng: float(rng.integers(2))
    )
    alike = tell(popular_pages)
    assert alike.no_vote and alike.critiques == () and alike.silent == ()


def test_the_same_seed_gives_the_same_answer_and_another_seed_other_users(market, popular_pages, on_popular):
    again, other = (
        simulate(
            training=market.training,
            questions=market.questions,
            top_items=popular_pages,
            n_users=100,
            seed=seed,
        )
        for seed in (0, 1)
    )
    assert replace(again, wall_s=0.0) == replace(on_popular, wall_s=0.0)
    assert other.critiques[0].quotes != on_popular.critiques[0].quotes
    assert other.critiques[0].id == on_popular.critiques[0].id


def test_a_critique_says_how_many_with_an_interval_and_two_quotes_of_different_personas(on_popular):
    critique = next(c for c in on_popular.critiques if c.code == "missed-sequence")
    assert critique.users == on_popular.users == 100
    assert critique.low < critique.share == critique.count / critique.users < critique.high
    assert re.match(rf"{critique.count} % \[\d+, \d+\] of 100 users: ", critique.message)
    first, second = critique.quotes
    assert first.persona != second.persona
    assert first.text != second.text
    assert "would have made sense next" in first.text


def test_personas_know_their_users_next_choice_better_than_chance(on_popular):
    assert on_popular.fidelity.low > 0.6
    assert all(critique.fidelity == on_popular.fidelity for critique in on_popular.critiques)


def test_personas_at_chance_have_no_vote(market, population, popular_pages):
    rng = np.random.default_rng(3)
    targets = rng.integers(1, market.training.n_items + 1, size=len(market.questions))
    questions = replace(market.questions, targets=targets)
    simulation = ask(population, questions=questions, top_items=popular_pages, seed=0)
    assert simulation.fidelity.low <= 0.5
    assert simulation.critiques == ()


def test_a_witness_sees_every_page_with_what_was_said_of_it(market, population, popular_pages):
    seen = []
    simulation = ask(
        population,
        questions=market.questions,
        top_items=popular_pages,
        seed=0,
        witness=lambda page, judgement: seen.append((page, judgement)),
    )
    assert len(seen) == simulation.users
    aligned = [answer.align for _, judgement in seen for answer in judgement.answers]
    assert np.mean(aligned) == simulation.mean_align
    assert all(page.user == judgement.user and len(page.items) == 10 for page, judgement in seen)


def test_labels_reach_nothing_but_fidelity(market, popular_pages, on_popular):
    questions = replace(market.questions, targets=np.roll(market.questions.targets, 1))
    simulation = simulate(training=market.training, questions=questions, top_items=popular_pages, n_users=100)
    assert simulation.mean_align == on_popular.mean_align
    assert simulation.fidelity.auc < on_popular.fidelity.auc


def test_data_without_ratings_prices_categories_and_stores_is_never_filled_in(market, popular_pages):
    training = market.training
    size = training.n_items + 1
    bare = replace(
        training,
        ratings=None,
        item_columns=replace(
            training.item_columns,
            title=("",) * size,
            categories=((),) * size,
            price=np.full(size, np.nan, dtype=np.float32),
            store=("",) * size,
        ),
    )
    simulation = simulate(training=bare, questions=market.questions, top_items=popular_pages, n_users=30)
    assert simulation.mean_rating is None
    assert {critique.signal for critique in simulation.critiques} <= {"popularity", "sequence"}
    said = simulation.critiques[0].quotes[0]
    assert "unknown (no ratings in the data)" in said.persona
    assert "item-" in said.text  # the source's own id where there is no title


def test_empty_and_short_pages_are_answered(tell, popular_pages):
    short = popular_pages.copy()
    short[:, 3:] = 0
    short[::2] = 0
    simulation = tell(short)
    assert 0 < simulation.mean_align < 1


def test_pages_of_another_number_of_questions_are_refused(tell, popular_pages):
    with pytest.raises(ValueError, match="one row for each of"):
        tell(popular_pages[:-1])


def test_personas_of_real_viewers_beat_chance(shared_data):
    divided = split(load("ml-100k", root=shared_data), LeaveLastTwoOut())
    training, questions = divided.training, divided.validation
    popular = np.argsort(-np.bincount(training.items, minlength=training.n_items + 1), kind="stable")
    top = np.tile(popular[:10].astype(np.int32), (len(questions), 1))
    simulation = simulate(training=training, questions=questions, top_items=top, n_users=60)
    assert simulation.fidelity.low > 0.5
    assert "overused-popularity" in shares(simulation)
