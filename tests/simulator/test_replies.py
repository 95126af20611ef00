"""A reply about other items than those shown, or other codes than those counted, is malformed."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from simulator.replies import PageReply, RankingReply, SummaryReply, page_reply, ranking_reply, summary_reply


def page(*items: int, **changes: object) -> dict[str, object]:
    answers = [{"item": item, "align": False, "rating": None, "reason": "Too dear."} for item in items]
    empty: dict[str, object] = {
        name: [] for name in ("positive_reasons", "negative_reasons", "overused", "missing")
    }
    return {"answers": answers, **empty, "summary": "It does not know me.", **changes}


def summary(wrong: list[str], codes: list[str]) -> dict[str, object]:
    return {
        "reads_intent": "By fame.",
        "right": [],
        "wrong": [{"code": code, "sentence": "Too famous."} for code in wrong],
        "main_failure": "Fame first.",
        "track": [{"signal": "popularity", "sentence": "How famous.", "codes": codes}],
    }


def test_each_item_of_the_page_is_answered_once_in_any_order():
    assert page_reply([3, 5]).model_validate(page(5, 3)).answers[0].item == 5


@pytest.mark.parametrize("items", [(), (3,), (3, 5, 5), (3, 5, 7), (3, 7)])
def test_missing_repeated_or_invented_items_are_refused(items):
    with pytest.raises(ValidationError, match=r"each of \[3, 5\] must occur exactly once"):
        page_reply([3, 5]).model_validate(page(*items))


def test_a_signal_outside_the_vocabulary_and_a_rating_off_the_scale_are_refused():
    with pytest.raises(ValidationError, match="signal"):
        page_reply([3]).model_validate(page(3, overused=[{"signal": "layout", "sentence": "Ugly."}]))
    liked = [{"item": 3, "align": True, "rating": 9, "reason": "Wow."}]
    with pytest.raises(ValidationError, match="rating"):
        page_reply([3]).model_validate(page(answers=liked))


@pytest.mark.parametrize("ranking", [[1, 2], [1, 2, 2], [1, 2, 4], []])
def test_a_ranking_holds_each_item_once(ranking):
    assert ranking_reply([1, 2, 3]).model_validate({"ranking": [3, 1, 2]}).ranking == [3, 1, 2]
    with pytest.raises(ValidationError, match="exactly once"):
        ranking_reply([1, 2, 3]).model_validate({"ranking": ranking})


def test_only_what_was_counted_can_be_worded():
    schema = summary_reply(complaints=["overused-popularity"], praise=[])
    assert schema.model_validate(summary(["overused-popularity"], ["overused-popularity"])).wrong
    for wrong, codes in (
        ([], ["overused-popularity"]),
        (["missed-price"], ["overused-popularity"]),
        (["overused-popularity"], ["missed-price"]),
        (["overused-popularity"], []),
    ):
        with pytest.raises(ValidationError):
            schema.model_validate(summary(wrong, codes))


def test_the_schema_is_the_same_for_every_page():
    """An endpoint compiles it once, and one page's ids do not leak into the schema of another."""
    assert page_reply([1]).__name__ == "PageReply"
    assert (
        page_reply([1]).model_json_schema()
        == page_reply([2, 3]).model_json_schema()
        == PageReply.model_json_schema()
    )
    assert ranking_reply([1]).model_json_schema() == RankingReply.model_json_schema()
    assert summary_reply(complaints=["x"], praise=[]).model_json_schema() == SummaryReply.model_json_schema()


def test_nothing_but_an_exchange_loads_pydantic():
    code = "import sys, simulator.interviews, simulator.simulate; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
