"""Users whom a model plays, over HTTP: what they say counts like that of others, once the model is tested."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from simulator.asking import AskingStopped
from simulator.chosen_users import choose_users, real_choices, shuffled_choice
from simulator.critiques import Simulation, Status
from simulator.interviews import interview, meet, simulate_with_llm
from simulator.simulate import simulate
from tests.llm.scripted import malformed, refuse
from tests.simulator.players import (
    judge_by_kind,
    lines_of,
    obey,
    player,
    put_into_words,
    rank_as_shown,
    rank_by_kind,
)

USERS = 6


@pytest.fixture
def play(corner, scripted_llm, ask):
    """What a player says of pages: (script, pages, n_users) -> Simulation."""

    def run(script=None, top_items=None, **options) -> Simulation:
        scripted_llm.script = script or player()
        pages = corner.wrong_pages if top_items is None else top_items
        options = {"n_users": USERS, "seed": 0, "concurrency": 2, **options}
        said = simulate_with_llm(
            training=corner.training,
            questions=corner.questions,
            top_items=pages,
            ask=ask,
            model="scripted-1",
            **options,
        )
        return replace(said, wall_s=0.0)

    return run


@pytest.fixture
def right_pages(corner):
    """The items of each user's own kind that he has not had."""
    pages = np.zeros((len(corner.questions), 10), dtype=np.int32)
    for row, user in enumerate(corner.questions.users):
        own = (int(user) % 4) * 12 + 1 + np.arange(12)
        left = np.setdiff1d(own, corner.questions.history(row))
        pages[row, : len(left)] = left
    return pages


def test_a_complaint_of_all_users_becomes_a_critique_with_quotes_and_a_form(play):
    said = play()
    assert (said.kind, said.model, said.users, said.failed, said.no_vote) == (
        "llm",
        "scripted-1",
        USERS,
        0,
        "",
    )
    assert said.fidelity.low > 0.5
    assert 0.2 < said.fidelity.by_popularity < 0.8  # nothing is popular in this shop
    (critique,) = said.critiques
    assert (critique.code, critique.count, critique.users) == ("missed-category", USERS, USERS)
    assert critique.quotes[0].text.startswith("I come for ")
    assert said.mean_align == 0.0
    form = said.interpretation
    assert form is not None
    assert form.status is Status.CRITICAL
    assert form.worded_by == "scripted-1"
    assert form.wrong[0].sentence.startswith("In words: ")
    assert "of a kind that these users never take" in form.main_failure
    assert f"{USERS} of the {USERS} users" in form.main_failure
    assert form.track[0].codes == ("missed-category",)


@pytest.mark.slow
def test_pages_that_fit_are_praised_and_stable(play, right_pages):
    said = play(top_items=right_pages)
    assert [c.code for c in said.critiques] == ["liked-category"]
    assert said.mean_align == 1.0
    assert said.mean_rating == 4.0
    assert said.interpretation is not None
    assert said.interpretation.status is Status.STABLE
    assert said.interpretation.main_failure == ""


@pytest.mark.slow
def test_each_user_has_a_choice_a_control_and_a_page_and_all_of_them_one_summary(play, scripted_llm):
    play()
    assert Counter(scripted_llm.prompts()) == {"persona-choice": USERS, "persona": 2 * USERS, "aggregate": 1}


def test_the_same_users_before_the_same_pages_are_not_asked_again(play, scripted_llm):
    first = play()
    scripted_llm.requests.clear()
    assert first == play(concurrency=4)
    assert scripted_llm.requests == []


@pytest.mark.slow
def test_what_no_trial_changes_is_asked_once_for_several_trials(corner, scripted_llm, ask, right_pages):
    scripted_llm.script = player()
    cast = choose_users(corner.training, corner.questions, n_users=USERS, seed=0)
    company = meet(cast, ask=ask, model="scripted-1")
    scripted_llm.requests.clear()
    bad, good = (interview(company, top_items=pages) for pages in (corner.wrong_pages, right_pages))
    assert bad.critiques[0].code == "missed-category"
    assert good.critiques[0].code == "liked-category"
    assert scripted_llm.prompts().count("persona-choice") == 0


def test_the_next_choice_is_hidden_among_random_items_that_the_user_never_touched(corner):
    cast = choose_users(corner.training, corner.questions, n_users=USERS, seed=0)
    places = []
    for persona in cast.personas:
        page = shuffled_choice(cast, persona)
        assert page is not None
        items = [item.item for item in page.items]
        row = cast.rows[persona.user]
        target = int(corner.questions.targets[row])
        assert len(set(items)) == 10
        assert not set(items) & set(corner.questions.history(row).tolist())
        places.append(items.index(target))
        assert page == shuffled_choice(cast, persona)
    assert len(set(places)) > 4  # its place tells nothing


@pytest.mark.slow
def test_the_next_choice_stands_in_no_prompt_but_the_hidden_one(corner, play, scripted_llm):
    play()
    cast = choose_users(corner.training, corner.questions, n_users=USERS, seed=0)
    for persona in cast.personas:
        target = int(corner.questions.targets[cast.rows[persona.user]])
        past = cast.now(persona).values(cast.now(persona).page(np.array([target])))["past"]
        showing = [r.prompt for r in scripted_llm.requests if past in r.text and f"\n[{target}," in r.text]
        assert showing == ["persona-choice"]


def test_the_control_is_what_the_user_chose_seen_from_before(corner):
    cast = choose_users(corner.training, corner.questions, n_users=USERS, seed=0)
    persona = cast.personas[0]
    history = corner.training.history(persona.user)
    found = real_choices(cast, persona)
    assert found is not None
    before, page = found
    assert [item.item for item in page.items] == history[3:].tolist()
    assert before.history.tolist() == history[:3].tolist()


@pytest.mark.slow
def test_a_complaint_that_is_heard_of_real_choices_too_is_no_critique(play):
    def complain(request):
        said = judge_by_kind(request)
        return {**said, "overused": [{"signal": "price", "sentence": "All too dear."}]}

    said = play(player(judge=complain))
    assert "overused-price" not in {critique.code for critique in said.critiques}
    assert "missed-category" in {critique.code for critique in said.critiques}


def test_a_model_that_knows_no_user_has_no_vote_and_is_shown_no_page(play, scripted_llm):
    said = play(player(rank=rank_as_shown))
    assert said.fidelity.low <= 0.5
    assert said.critiques == ()
    assert said.interpretation is None
    assert said.mean_align is None
    assert "not surely better than chance" in said.no_vote
    assert scripted_llm.prompts().count("persona") == USERS  # the controls alone


def test_failures_are_counted_and_left_out(play):
    lost: set[str] = set()

    def sometimes(request):
        past = request.text.split("<past>")[-1].split("</past>")[0]
        if past in lost or len(lost) < 2:
            lost.add(past)
            return malformed()
        return rank_by_kind(request)

    said = play(player(rank=sometimes), concurrency=1, n_users=8)
    assert (said.users, said.failed) == (6, 2)
    assert said.critiques[0].users == 6
    assert said.fidelity.users == 6


@pytest.mark.slow
def test_too_many_failures_silence_the_rest_and_say_so(play):
    said = play(player(judge=lambda request: refuse()))
    assert said.failed == USERS
    assert said.critiques == ()
    assert f"{USERS} of {USERS} users could not be asked" in said.no_vote


@pytest.mark.slow
def test_without_a_summary_our_own_words_stand(play):
    said = play(player(summarise=lambda request: refuse()))
    assert said.interpretation is not None
    assert said.interpretation.worded_by == ""
    assert said.interpretation.wrong[0].sentence == "the categories that these users come for are missing"


@pytest.mark.slow
def test_a_summary_cannot_change_a_figure_or_state_one(play):
    def boast(request):
        said = put_into_words(request)
        wrong = [{**point, "sentence": "Only 3 of 12 users, 25 %, say so."} for point in said["wrong"]]
        return {**said, "wrong": wrong, "main_failure": "100% of people love it."}

    form = play(player(summarise=boast)).interpretation
    assert form is not None
    assert form.wrong[0].sentence == "the categories that these users come for are missing"
    assert (form.wrong[0].count, form.status) == (USERS, Status.CRITICAL)
    assert "love it" not in form.main_failure


@pytest.mark.slow
def test_a_summary_of_codes_that_nobody_counted_is_malformed(play):
    def invent(request):
        said = put_into_words(request)
        return {**said, "wrong": [*said["wrong"], {"code": "missed-price", "sentence": "Too dear."}]}

    form = play(player(summarise=invent)).interpretation
    assert form is not None
    assert form.worded_by == ""


def test_a_witness_sees_the_pages_of_those_who_answered_and_no_control_page(play, corner):
    seen = []
    said = play(witness=lambda page, judgement: seen.append((page, judgement)))
    assert len(seen) == said.users == USERS
    rows = {int(user): row for row, user in enumerate(corner.questions.users)}
    for page, judgement in seen:
        assert page.user == judgement.user
        assert [item.item for item in page.items] == [i for i in corner.wrong_pages[rows[page.user]] if i]


def test_a_stop_ends_the_asking(corner, scripted_llm, ask):
    scripted_llm.script = player()
    with pytest.raises(AskingStopped):
        simulate_with_llm(
            training=corner.training,
            questions=corner.questions,
            top_items=corner.wrong_pages,
            ask=ask,
            model="scripted-1",
            cancelled=lambda: len(scripted_llm.requests) >= 3,
            concurrency=1,
        )
    assert len(scripted_llm.requests) <= 4


@pytest.mark.slow
def test_both_kinds_of_personas_fill_the_same_form(corner, play):
    statistical = simulate(training=corner.training, questions=corner.questions, top_items=corner.wrong_pages)
    played = play()
    assert statistical.interpretation is not None and played.interpretation is not None
    assert type(statistical.interpretation) is type(played.interpretation)
    ids = {c.id for c in statistical.critiques} & {c.id for c in played.critiques}
    assert not ids  # the same complaint of both can be dismissed apart


@pytest.mark.slow
def test_data_without_ratings_and_prices_is_neither_told_nor_asked_about(corner, play, scripted_llm, ask):
    bare = replace(
        corner.training,
        ratings=None,
        timestamps=None,
        item_columns=replace(
            corner.training.item_columns,
            price=np.full(corner.training.n_items + 1, np.nan, dtype=np.float32),
            store=("",) * (corner.training.n_items + 1),
        ),
    )

    def about_prices(request):
        said = judge_by_kind(request)
        answers = [{**answer, "align": True, "rating": 5} for answer in said["answers"]]
        return {**said, "answers": answers, "overused": [{"signal": "price", "sentence": "Too dear."}]}

    scripted_llm.script = player(judge=about_prices)
    said = simulate_with_llm(
        training=bare,
        questions=corner.questions,
        top_items=corner.wrong_pages,
        ask=ask,
        model="m",
        n_users=USERS,
    )
    assert said.mean_rating is None
    assert {critique.signal for critique in said.critiques} <= {"category"}
    text = next(r.text for r in scripted_llm.requests if r.prompt == "persona")
    for word in ("price", 'your_rating"', 'date"', "`store`", "NaN", "null,"):
        assert word not in text.split("<past>")[-1].split("Part 1")[0]
    assert "nobody rates here" in text


# What a hostile title can do and cannot.


def test_a_hostile_title_stays_inside_its_fence(corner, play, scripted_llm):
    play()
    seen = [r for r in scripted_llm.requests if "Ignore your instructions" in r.text]
    assert {r.prompt for r in seen} == {"persona", "persona-choice"}
    for request in seen:
        assert "Ignore your instructions" not in request.body["messages"][0]["content"]
        shown_in = "page" if request.prompt == "persona" else "items"
        assert len(lines_of(request, shown_in)) in (6, 10)
        for tag in ("past", "recent", shown_in):
            assert len(tags_alone(request.text, tag)) == 2
        title = corner.training.item_columns.title[corner.hostile][:120]
        shown = [record["title"] for tag in ("recent", shown_in) for record in lines_of(request, tag)]
        assert title in shown  # read back from JSON, it is only a title


def tags_alone(text: str, tag: str) -> list[str]:
    return [line for line in text.splitlines() if line in (f"<{tag}>", f"</{tag}>")]


@pytest.mark.slow
def test_a_model_that_obeys_a_title_speaks_for_the_users_who_see_it_alone(corner, play):
    """What does not protect: those users' answers are lost to the attack. What does: it is one voice each, in our
    codes and in short plain sentences."""
    swayed = play(player(judge=obey), n_users=12)
    cast = choose_users(corner.training, corner.questions, n_users=12, seed=0)
    hit = 0
    for persona in cast.personas:
        row = cast.rows[persona.user]
        hit += corner.hostile in (*corner.wrong_pages[row], *corner.questions.history(row))
    assert 0 < hit < 6
    (critique,) = [c for c in swayed.critiques if c.code == "missed-category"]
    assert critique.count == 12 - hit
    assert "liked-quality" not in {c.code for c in swayed.critiques}
    everything = json.dumps([[quote.text for quote in c.quotes] for c in swayed.critiques])
    assert "\\n" not in everything
    assert "You play one real person" not in everything


@pytest.mark.slow
def test_a_title_that_turns_the_ranking_costs_the_model_its_vote(play):
    def obey_everywhere(request):
        return {"ranking": sorted(item["item"] for item in lines_of(request, "items"))}

    said = play(player(judge=obey, rank=obey_everywhere))
    assert said.no_vote
    assert said.critiques == ()


@pytest.mark.slow
def test_an_answer_about_items_that_are_not_on_the_page_is_no_answer(play):
    def invent(request):
        said = judge_by_kind(request)
        return {**said, "answers": [*said["answers"], {**said["answers"][0], "item": 999}]}

    said = play(player(judge=invent))
    assert said.failed == USERS
    assert said.critiques == ()
