"""The objective is read from text without evaluating it, and means what it says."""

import numpy as np
import pytest

from evolution.domain.objective import ObjectiveError, needs_sessions, parse_expression, parse_guardrail


def test_an_expression_is_a_weighted_sum() -> None:
    objective = parse_expression("0.6*HR@5 + 0.4*NDCG@5 - .1 * MRR@10 + HR@5")
    assert objective.terms == pytest.approx({"HR@5": 1.6, "NDCG@5": 0.4, "MRR@10": -0.1})


def test_the_mean_over_users_is_the_objective_of_the_means() -> None:
    objective = parse_expression("0.6*HR@5 + 0.4*NDCG@5")
    rng = np.random.default_rng(0)
    metrics = {"HR@5": rng.random(50), "NDCG@5": rng.random(50), "MRR@5": rng.random(50)}
    means = {name: float(values.mean()) for name, values in metrics.items()}
    assert objective.per_user(metrics).mean() == pytest.approx(objective.of_means(means))


def test_figures_of_sessions_are_terms_beside_those_of_lists() -> None:
    objective = parse_expression(".5*NDCG@10 + .5*satisfy@session/10 - view@session / 4")
    assert objective.terms == pytest.approx({"NDCG@10": 0.5, "satisfy@session": 0.05, "view@session": -0.25})
    assert objective.of_sessions and objective.of_lists.terms == {"NDCG@10": 0.5}
    assert parse_expression("depth@session").of_lists.terms == {"NDCG@10": 1.0}
    lists_alone = parse_expression("HR@5/2")
    assert not lists_alone.of_sessions and lists_alone.of_lists is lists_alone


def test_sessions_are_needed_where_they_are_named() -> None:
    assert needs_sessions("satisfy@session", ())
    assert needs_sessions("HR@5", ("cost <= 2 * parent", "satisfy@session >= .98 * parent"))
    assert not needs_sessions("HR@5", ("coverage@10 >= .2",))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("satisfy@sessions", "satisfy@sessions"),
        ("NDCG@session", "depth@session"),
        ("satisfy@10", "satisfy@session"),
        ("satisfy@session/0", "divides by '0'"),
    ],
)
def test_a_wrong_name_of_a_session_figure_is_told_with_those_there_are(text: str, names: str) -> None:
    with pytest.raises(ObjectiveError, match=names):
        parse_expression(text)


@pytest.mark.parametrize(
    "text", ["", "HR", "HR@5 * 2", "__import__('os')", "HR@5 +", "coverage@10", "HR@5 NDCG@5"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ObjectiveError):
        parse_expression(text)


@pytest.mark.parametrize(
    ("text", "value", "parent", "holds"),
    [
        ("coverage@10 >= 0.2", 0.2, 0.9, True),
        ("coverage@10 >= 0.2", 0.19, 0.9, False),
        ("cost <= 2 * parent", 2.0, 1.0, True),
        ("cost <= 2 * parent", 2.1, 1.0, False),
        ("NDCG@10 >= .95*parent", 0.94, 1.0, False),
    ],
)
def test_a_guardrail_holds_or_breaks(text: str, value: float, parent: float, holds: bool) -> None:
    assert parse_guardrail(text).holds(value, parent) is holds


@pytest.mark.parametrize(
    "text", ["cost", "cost < 2", "speed >= 1", "coverage@7 >= 1", "cost <= two * parent"]
)
def test_a_guardrail_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ObjectiveError):
        parse_guardrail(text)
