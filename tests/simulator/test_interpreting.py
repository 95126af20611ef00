"""What users say comes to a status, a main failure and things to measure, by rules whose figures are shown."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator import viewpoint
from simulator.behaviour import Answer, Judgement, Remark
from simulator.critique import aggregate
from simulator.critiques import Critique, Fidelity, Interpretation, Status
from simulator.interpreting import interpret, judge_status
from simulator.opinions import Opinion
from simulator.pages import Page
from simulator.simulate import simulate
from simulator.viewpoint import describe
from tests.golden import assert_as_golden

GOLDEN = Path(__file__).parent / "golden" / "interpretation.txt"
FIDELITY = Fidelity(auc=0.8, low=0.7, high=0.9, users=20)


def voice(user: int, fits: str, *codes: str) -> Judgement:
    """fits: one letter per item, y or n."""
    remarks = tuple(
        Remark(
            opinion=Opinion(
                code=code, signal=code.split("-")[1], positive=code.startswith("liked"), strength=1.0
            ),
            text=f"{code}, says user {user}.",
        )
        for code in codes
    )
    answers = tuple(
        Answer(item=item, align=letter == "y", rating=None, reason="") for item, letter in enumerate(fits, 1)
    )
    return Judgement(user=user, persona="comes rarely", answers=answers, remarks=remarks)


def conclude(judgements: list[Judgement]) -> tuple[tuple[Critique, ...], Interpretation]:
    critiques = aggregate(judgements, controls={}, fidelity=FIDELITY)
    return critiques, interpret(judgements, critiques, np.random.default_rng(0))


def test_a_critique_tells_whose_it_is_where_users_of_one_trait_say_it_far_more_often():
    judgements = [voice(u, "y", *(["missed-price"] if u < 30 else [])) for u in range(40)]
    others = [
        replace(voice(u, "y", *(["missed-price"] if u < 52 else [])), persona="comes all the time")
        for u in range(40, 100)
    ]
    (critique,) = aggregate([*judgements, *others], controls={}, fidelity=FIDELITY)
    (cell,) = critique.cells
    assert (cell.trait, cell.count, cell.users, cell.others) == ("comes rarely", 30, 40, 12 / 60)
    assert cell.low < cell.share < cell.high
    alike = [replace(one, persona=f"trait {u % 2}") for u, one in enumerate([*judgements, *others])]
    (critique,) = aggregate(alike, controls={}, fidelity=FIDELITY)
    assert critique.cells == ()
    few = [replace(one, persona="rare" if u < 9 else "usual") for u, one in enumerate([*judgements, *others])]
    (critique,) = aggregate(few, controls={}, fidelity=FIDELITY)
    assert critique.cells == ()


def test_few_fitting_items_and_a_complaint_of_most_users_are_critical():
    _, said = conclude([voice(u, "nnnny", "missed-category") for u in range(20)])
    assert said.status is Status.CRITICAL
    assert "20 % [20, 20] of the shown items fit" in said.because
    assert "100 % [84, 100] of the users share missed-category" in said.because


def test_a_complaint_of_some_or_pages_that_half_fit_need_improvement():
    _, some = conclude([voice(u, "yyyyn", *(["missed-price"] if u < 8 else [])) for u in range(20)])
    assert some.status is Status.NEEDS_IMPROVEMENT
    _, half = conclude([voice(u, "yyynn" if u % 2 else "yynnn") for u in range(20)])
    assert half.status is Status.NEEDS_IMPROVEMENT
    assert "users agree on no complaint" in half.because


def test_pages_that_fit_without_complaint_are_stable_and_nothing_fails_at_the_top():
    _, said = conclude([voice(u, "yyyyn", "liked-category") for u in range(20)])
    assert said.status is Status.STABLE
    assert said.main_failure == said.main_failure_code == ""
    assert said.wrong == said.track == ()
    assert [pattern.code for pattern in said.right] == ["liked-category"]


def test_nobody_shown_anything_is_not_called_stable():
    assert judge_status((0.0, 0.0, 1.0), [])[0] is Status.NEEDS_IMPROVEMENT


def test_the_main_failure_is_what_those_say_whom_the_first_items_let_down():
    let_down = [voice(u, "nnnyyyyyyy", "missed-sequence") for u in range(8)]
    content = [voice(u, "yyyyyyynnn", "overused-popularity") for u in range(8, 20)]
    critiques, said = conclude(let_down + content)
    assert critiques[0].code == "overused-popularity"
    assert said.main_failure_code == "missed-sequence"
    assert "8 of the 8 users" in said.main_failure
    assert said.fit_at_top[0] == pytest.approx(0.6)


def test_overused_and_missed_are_the_wrong_ones_by_kind_and_each_is_worth_measuring():
    critiques, said = conclude(
        [voice(u, "nn", "overused-popularity", "missed-price", "overused-price") for u in range(9)]
    )
    assert [p.code for p in said.overused] == ["overused-popularity", "overused-price"]
    assert [p.code for p in said.missed] == ["missed-price"]
    assert [(t.signal, t.codes) for t in said.track] == [
        ("price", ("missed-price", "overused-price")),
        ("popularity", ("overused-popularity",)),
    ]
    assert {p.code: (p.count, p.low) for p in said.wrong} == {c.code: (c.count, c.low) for c in critiques}


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_users_say_hangs_on_the_last_digit_of_what_they_see(corner, monkeypatch, seed):
    def told() -> list[tuple[int, bool, str] | str]:
        said: list[tuple[int, bool, str] | str] = []

        def listen(_: Page, judgement: Judgement) -> None:
            said.extend((answer.item, answer.align, answer.reason) for answer in judgement.answers)
            said.extend(remark.text for remark in judgement.remarks)

        pages = corner.wrong_pages
        simulate(training=corner.training, questions=corner.questions, top_items=pages, witness=listen)
        return said

    def shaken(*asked: Any) -> np.ndarray:
        features = describe(*asked)
        return features * (1 + rng.uniform(-1, 1, features.shape) * np.finfo(np.float32).eps)

    before, rng = told(), np.random.default_rng(seed)
    monkeypatch.setattr(viewpoint, "describe", shaken)
    assert told() == before


def test_the_statistical_users_of_a_small_shop_are_interpreted_as_before(corner):
    simulation = simulate(training=corner.training, questions=corner.questions, top_items=corner.wrong_pages)
    said = simulation.interpretation
    assert said is not None
    assert simulation.kind == "statistical" and simulation.no_vote == ""
    lines = [f"{said.status}: {said.because}", f"intent: {said.reads_intent}", f"top: {said.main_failure}"]
    lines += [f"right: {p.sentence} ({p.count} of {p.users})" for p in said.right]
    lines += [f"wrong: {p.sentence} ({p.count} of {p.users})" for p in said.wrong]
    lines += [f"track {t.signal}: {t.sentence} <- {', '.join(t.codes)}" for t in said.track]
    assert_as_golden("\n".join(lines) + "\n", GOLDEN)
