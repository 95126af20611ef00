"""Which ideas may be tried, and in which order: checked in code."""

import pytest

from evolution.proposers.planning.eligibility import Open, objection, out_of_reach, ranked, worth
from evolution.proposers.planning.replies import PlannedIdea, Scores

OPEN = Open(findings={"f1", "f2"}, critiques={"c1", "c2", "c3"}, tried={"old"})


def idea(code="new", addresses=("f1", "c1", "c2"), **scores):
    even = dict.fromkeys(("originality", "potential", "user_alignment", "model_alignment", "ease"), 5)
    return PlannedIdea(
        code=code,
        title=code,
        change="Do it.",
        why="Because.",
        addresses=list(addresses),
        sources=[],
        scores=Scores(**{**even, **scores}),
        con="",
    )


def test_two_open_critiques_and_one_open_finding_are_enough():
    assert objection(idea(), OPEN, directional=True) == ""


@pytest.mark.parametrize(
    ("addresses", "why"),
    [
        (("f1", "c1"), "it addresses 1 critiques and 1 findings; at least 2 and 1"),
        (("c1", "c2"), "it addresses 2 critiques and 0 findings; at least 2 and 1"),
        (("c1", "c1", "f1"), "it addresses 1 critiques"),
        (("f1", "c1", "c2", "gone"), "it addresses gone, which is not open here"),
        ((), "it addresses 0 critiques and 0 findings"),
    ],
)
def test_less_is_refused_with_the_reason(addresses, why):
    assert why in objection(idea(addresses=addresses), OPEN, directional=True)


def test_where_less_is_open_less_is_needed():
    only = Open(findings=(), critiques={"c1"}, tried=())
    assert objection(idea(addresses=("c1",)), only, directional=True) == ""
    assert objection(idea(addresses=()), only, directional=True)


def test_what_was_tried_here_is_not_tried_again():
    assert objection(idea(code="old"), OPEN, directional=True) == "old was tried here already"
    assert objection(idea(code="old", addresses=()), OPEN, directional=False)


def test_a_strategy_without_feedback_needs_no_addresses():
    assert objection(idea(addresses=()), OPEN, directional=False) == ""


def test_an_idea_without_a_change_is_none():
    assert objection(idea().model_copy(update={"change": " "}), OPEN, directional=False)


def test_early_what_is_feasible_comes_first_and_late_what_is_bold():
    easy, bold = idea("easy", ease=10, originality=1), idea("bold", ease=1, originality=10, potential=9)
    assert [i.code for i in ranked([bold, easy], "", 0.0)] == ["easy", "bold"]
    assert [i.code for i in ranked([easy, bold], "", 1.0)] == ["bold", "easy"]


def test_the_chosen_one_comes_first_and_a_code_only_once():
    found = ranked([idea("a", ease=9), idea("b"), idea("b", ease=10)], "b", 0.0)
    assert [i.code for i in found] == ["b", "a"]
    assert found[0].scores.ease == 5  # the first of two with one code counts


def test_scores_beyond_the_scale_buy_nothing():
    assert worth(idea(potential=1000), 0.5) == worth(idea(potential=10), 0.5)


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("Set lr to .01 in config.toml.", True),
        ("In model.py read the rate that config.toml sets.", False),
        ("In encoder.py, `forward` adds a term.", False),  # src/encoder.py, by its name alone
        (
            "Warm the rate up over 100 steps, as papers.txt of the authors says.",
            False,
        ),  # no file of the program
    ],
)
def test_an_idea_that_only_names_files_that_may_not_be_edited_is_refused(change, refused):
    said = out_of_reach(
        idea().model_copy(update={"change": change}), ["model.py", "src/encoder.py"], ["config.toml"]
    )
    assert bool(said) is refused


def test_an_idea_whose_patch_was_void_is_refused_in_true_words():
    said = objection(
        idea("again"), Open(findings={"f1"}, critiques=(), tried=(), void={"again"}), directional=True
    )
    assert "changed nothing that is computed" in said and "tried" not in said
