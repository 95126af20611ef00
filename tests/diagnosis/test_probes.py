"""Every probe: silent on a healthy trial, speaks on the defect that it is for."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from diagnosis.evidence import Evidence
from diagnosis.findings import Measurement, Severity
from diagnosis.measure import measure
from diagnosis.probes import batches, not_converged
from diagnosis.probes.embedding_collapse import mean_cosine, rank_me
from diagnosis.probes.popularity_bias import popularity_quantiles
from diagnosis.probes.probe import Probe
from diagnosis.streams.rows import Passes, Rows
from seeds.metrics.intervals import mean_over_users
from seeds.metrics.lists import gini
from tests.diagnosis.conftest import N_ITEMS, WIDTH
from tests.diagnosis.test_reading_traces import op

Scored = Callable[..., Evidence]


def by_code(evidence: Evidence) -> dict[str, Measurement]:
    return {m.code: m for m in measure(evidence)}


def unhealthy(evidence: Evidence) -> set[str]:
    return {m.code for m in measure(evidence) if m.healthy is False}


def test_a_healthy_model_gets_no_finding_and_every_probe_answers(healthy: Evidence) -> None:
    measured = by_code(healthy)
    assert unhealthy(healthy) == set()
    without_columns = {
        "off-category",
        "off-price",
        "stale-lists",
    }  # this log has no prices and times, and chance categories
    assert {code for code, m in measured.items() if m.healthy is None} <= without_columns
    assert {"embedding-collapse", "order-ignored", "same-list", "weaker-than-ease"} <= set(measured)


def test_intervals_hold_their_value(healthy: Evidence) -> None:
    for m in measure(healthy):
        if m.low is not None and m.high is not None:
            assert m.low <= m.value <= m.high, m.code


def test_embeddings_on_one_line_are_collapsed(scored: Scored, healthy: Evidence) -> None:
    before = healthy.artifacts.untrained_item_embeddings
    assert before is not None
    line = np.outer(np.linspace(-1, 1, len(before)), np.ones(before.shape[1])).astype(np.float32)
    found = by_code(scored(item_embeddings=line + 0.001 * before))["embedding-collapse"]
    assert found.healthy is False
    assert found.severity is Severity.ERROR


def test_equal_embeddings_are_collapsed_and_not_a_crash(scored: Scored, healthy: Evidence) -> None:
    flat = np.ones_like(healthy.artifacts.item_embeddings)
    assert by_code(scored(item_embeddings=flat))["embedding-collapse"].healthy is False


def test_a_table_that_starts_collapsed_is_no_excuse(scored: Scored, healthy: Evidence) -> None:
    flat = np.ones_like(healthy.artifacts.item_embeddings)
    found = by_code(scored(item_embeddings=flat, untrained_item_embeddings=flat))["embedding-collapse"]
    assert found.healthy is False
    assert "random" in found.reference_name


def test_one_direction_that_all_items_share_is_seen_and_called_no_fault(
    scored: Scored, healthy: Evidence
) -> None:
    table = healthy.artifacts.item_embeddings
    assert table is not None
    found = by_code(scored(item_embeddings=table + 4.0))["embedding-collapse"]
    assert found.details["mean_abs_cosine_uncentred"] > 0.9 and found.details["mean_abs_cosine"] < 0.3
    assert (found.healthy, found.severity) == (False, Severity.INFORMATION)
    assert by_code(scored(item_embeddings=table + 0.5))["embedding-collapse"].healthy is True


def test_a_swapped_sign_is_an_error_of_the_margin(scored: Scored, healthy: Evidence) -> None:
    found = by_code(scored(-healthy.artifacts.dense_scores))["ranking-margin"]
    assert (found.healthy, found.severity) == (False, Severity.ERROR)


def test_low_margins_name_the_category_that_is_missed(scored: Scored, healthy: Evidence) -> None:
    scores = healthy.artifacts.dense_scores.copy()
    scores[:, 1::3] -= 20.0  # "books" are ids 1, 4, 7, ...
    details = by_code(scored(scores))["ranking-margin"].details
    assert details["low_margin_categories"][0]["category"] == "books"


def test_random_scores_are_weaker_than_every_reference(scored: Scored) -> None:
    noise = np.random.default_rng(0).standard_normal((400, 121))
    assert {"weaker-than-popularity", "weaker-than-markov"} <= unhealthy(scored(noise))


def popularity_scores(evidence: Evidence) -> np.ndarray:
    return np.bincount(evidence.training.items, minlength=evidence.training.n_items + 1).astype(np.float32)


def test_bestsellers_for_everyone_are_biased_concentrated_and_the_same_list(
    scored: Scored, healthy: Evidence
) -> None:
    evidence = scored(popularity_scores(healthy), dense_shuffled=None)
    assert {"popularity-bias", "exposure-concentration", "same-list"} <= unhealthy(evidence)


def test_the_least_popular_items_are_reversed_popularity(scored: Scored, healthy: Evidence) -> None:
    found = unhealthy(scored(-popularity_scores(healthy)))
    assert "popularity-reversed" in found
    assert "popularity-bias" not in found


def test_a_model_deaf_to_order_is_found(scored: Scored, healthy: Evidence) -> None:
    found = by_code(scored(dense_shuffled=healthy.artifacts.dense_scores))
    # No part of this model was seen to read an order: that it does not is a choice, and no line is to blame for it.
    assert found["order-ignored"].healthy is None
    assert (found["order-unused"].healthy, found["order-unused"].severity) == (False, Severity.INFORMATION)


def test_a_young_model_that_reads_a_little_of_the_order_is_not_said_to_ignore_it(
    scored: Scored, healthy: Evidence
) -> None:
    looked_up = op("embedding", "", "p0", phase="score", shapes=[[4, 7], [N_ITEMS + 1, WIDTH]])
    answer = {"sources": ["o2"], "shape": [4, N_ITEMS + 1], "requires_grad": False}
    calls = [looked_up, op("gru", "o0", phase="score"), op("matmul", "o1", phase="score")]
    trace = {"ops": calls, "parameters": [], "score": answer}
    scores = healthy.artifacts.dense_scores
    noise = np.random.default_rng(0).standard_normal(scores.shape).astype(np.float32)
    little = scores + 1e-4 * scores.std(axis=1, keepdims=True) * noise
    rising = curves([1, 0.8, 0.7, 0.6, 0.5, 0.4], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert "order-ignored" in unhealthy(scored(dense_shuffled=little, trace=trace))
    assert "order-ignored" not in unhealthy(scored(dense_shuffled=little, trace=trace, curves=rising))
    assert "order-ignored" in unhealthy(scored(dense_shuffled=scores, trace=trace, curves=rising))


def test_order_is_not_judged_where_the_data_has_none(healthy: Evidence) -> None:
    rng = np.random.default_rng(0)
    items = rng.permutation(healthy.training.items)
    training = replace(healthy.training, items=items)
    questions = replace(healthy.questions, items=items, targets=rng.permutation(healthy.questions.targets))
    artifacts = replace(healthy.artifacts, dense_shuffled=healthy.artifacts.dense_scores)
    evidence = replace(healthy, training=training, questions=questions, artifacts=artifacts)
    found = by_code(evidence)["order-unused"]
    assert found.healthy is None
    assert "order says little" in found.details["reason"]


@pytest.mark.parametrize(
    ("function", "scale", "verdict"),
    [
        ("binary_cross_entropy_with_logits", 1.0, True),  # log probabilities: their sigmoid is below .5
        ("binary_cross_entropy_with_logits", -1.0, False),  # the best scores far above 0
        ("cross_entropy", 1.0, True),
        ("cross_entropy", 30.0, False),
        ("margin_ranking_loss", 1.0, None),
    ],
)
def test_overconfidence_is_judged_by_the_loss_that_was_trained(
    scored: Scored,
    healthy: Evidence,
    traced_loss: Callable[[str], dict[str, Any]],
    function: str,
    scale: float,
    verdict: bool | None,
) -> None:
    scores = healthy.artifacts.dense_scores * scale
    if scale < 0:
        scores = healthy.artifacts.dense_scores + 30
    found = by_code(scored(scores, trace=traced_loss(function)))["overconfidence"]
    assert found.healthy is verdict


def test_rows_that_never_moved_though_they_have_events_are_found(scored: Scored, healthy: Evidence) -> None:
    before, after = healthy.artifacts.untrained_item_embeddings, healthy.artifacts.item_embeddings
    assert before is not None
    assert after is not None
    half = after.copy()
    half[60:] = before[60:]
    found = by_code(scored(item_embeddings=half))["untrained-rows"]
    assert found.healthy is False
    assert found.details["unmoved_with_events"] == 61


def curves(losses: list[float], metrics: list[float]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"epoch": e + 1, "wall_s": 1.0, "reported": {"loss": x}, "metrics": {"NDCG@10": y}}
        for e, (x, y) in enumerate(zip(losses, metrics))
    )


def test_a_loss_that_does_not_fall_is_not_learning_where_ranking_is_no_better_either(
    scored: Scored, healthy: Evidence
) -> None:
    start = healthy.artifacts.untrained_dense_scores
    flat, dipped = curves([0.693] * 6, [0.1] * 6), curves([0.7, 0.5, 0.7, 0.71, 0.7, 0.7], [0.1] * 6)
    for given in (flat, dipped):
        assert "not-learning" in unhealthy(scored(dense_scores=start, curves=given))
        assert "not-learning" not in unhealthy(scored(curves=given))
    assert "not-learning" in unhealthy(scored(curves=curves([0.7, 5.0, float("nan")], [0.1] * 3)))


def test_a_loss_that_rises_is_divergence_only_where_ranking_is_lost(scored: Scored) -> None:
    losses = [1.0, 1.2, 1.6, 2.0, 2.0, 2.0]
    lost = by_code(scored(curves=curves(losses, [0.3, 0.4, 0.3, 0.1, 0.05, 0.05])))["not-learning"]
    assert lost.healthy is False and "diverges" in lost.message
    assert "not-learning" not in unhealthy(scored(curves=curves(losses, [0.1, 0.2, 0.3, 0.4, 0.4, 0.4])))


def test_a_metric_that_still_rises_is_not_converged(scored: Scored) -> None:
    rising = by_code(scored(curves=curves([1, 0.8, 0.7, 0.6, 0.5, 0.4], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])))
    assert rising["not-converged"].healthy is False
    assert rising["not-converged"].severity is Severity.INFORMATION


@pytest.mark.parametrize(
    ("steps", "losses", "fine"),
    [
        (1, [9, 8, 7, 6, 5, 4], False),
        (1, [9, 6, 5, 4.8, 4.6, 4.4], False),
        (1, [9, 4, 4, 4, 4, 4], True),
        (90, [9, 8, 7, 6, 5, 4], True),
    ],
)
def test_a_loss_that_falls_after_a_few_steps_is_not_converged_though_the_metric_wavers(
    scored: Scored, steps: int, losses: list[float], fine: bool
) -> None:
    told = curves(losses, [0.10, 0.12, 0.11, 0.12, 0.13, 0.12])
    hasty = by_code(scored(curves=tuple({**curve, "steps": steps} for curve in told)))["not-converged"]
    assert hasty.healthy is fine
    assert ("the loss was still falling" in hasty.message) is not fine


def test_before_convergence_nothing_is_said_that_more_epochs_may_mend(
    scored: Scored, healthy: Evidence
) -> None:
    popular = np.bincount(healthy.training.items, minlength=healthy.training.n_items + 1)
    weak = np.broadcast_to(popular, healthy.artifacts.dense_scores.shape).astype(np.float32)
    short = curves([1.0, 0.9, 0.8], [0.01, 0.02, 0.03])
    assert {"same-list", "popularity-bias", "weaker-than-markov"} <= unhealthy(scored(weak))
    sure = {"overconfidence"}  # it grows with training, and is advice
    assert unhealthy(scored(weak, curves=short)) - sure == {"not-converged"}
    upside_down = unhealthy(scored(-healthy.artifacts.dense_scores, curves=short))
    assert upside_down - sure == {"not-converged", "ranking-margin"}


def test_lists_that_are_popularity_s_while_the_loss_falls_are_a_first_phase(
    scored: Scored, healthy: Evidence
) -> None:
    popular = np.bincount(healthy.training.items, minlength=healthy.training.n_items + 1)
    weak = np.broadcast_to(popular, healthy.artifacts.dense_scores.shape).astype(np.float32)
    falling, flat, metric = (
        [0.69, 0.63, 0.49, 0.38, 0.35, 0.33, 0.32],
        [0.69, *[0.4] * 6],
        [0.041, *[0.034] * 6],
    )
    phase = by_code(scored(weak, curves=curves(falling, metric)))["not-converged"]
    assert phase.healthy is False and "about as good as popularity" in phase.message
    assert unhealthy(scored(weak, curves=curves(falling, metric))) - {"overconfidence"} == {"not-converged"}
    assert "not-converged" not in unhealthy(scored(weak, curves=curves(flat, metric)))
    assert "not-converged" not in unhealthy(scored(curves=curves(falling, metric)))  # far beyond popularity


def test_a_curve_that_only_trembles_has_converged(scored: Scored) -> None:
    noisy = [0.1, 0.3, 0.38, 0.41, 0.39, 0.42, 0.38, 0.43, 0.39, 0.431]
    assert by_code(scored(curves=curves([1.0] * 10, noisy)))["not-converged"].healthy is True


def test_convergence_is_judged_by_what_training_was_stopped_by(scored: Scored) -> None:
    objective = [0.1, 0.2, 0.3, 0.25, 0.2, 0.2]
    risen = tuple(
        curve | {"metrics": curve["metrics"] | {"objective": value}}
        for curve, value in zip(curves([1.0] * 6, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), objective, strict=True)
    )
    assert by_code(scored(curves=risen))["not-converged"].healthy is True


def test_lists_that_say_other_than_the_scores_of_the_same_users_are_told(
    scored: Scored, healthy: Evidence
) -> None:
    mixed = healthy.artifacts.dense_scores.copy()
    mixed[::2] = np.random.default_rng(0).permuted(mixed[::2], axis=1)
    evidence = replace(healthy, artifacts=replace(healthy.artifacts, dense_scores=mixed))
    assert "figures-disagree" in unhealthy(evidence)
    few = healthy.artifacts.dense_scores.copy()
    few[:4] = 0.0
    evidence = replace(healthy, artifacts=replace(healthy.artifacts, dense_scores=few))
    assert "figures-disagree" not in unhealthy(evidence)


def test_a_probe_that_fails_is_named_and_stops_no_other(scored: Scored, healthy: Evidence) -> None:
    bad = np.full_like(healthy.artifacts.item_embeddings, np.nan)
    measured = by_code(scored(item_embeddings=bad))
    assert measured["embedding-collapse"].healthy is None
    assert "not finite" in measured["embedding-collapse"].details["reason"]
    assert measured["same-list"].healthy is True


def test_a_probe_that_measures_no_number_loses_no_other(
    healthy: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sound,) = not_converged.PROBE.run(healthy)
    broken = Probe(
        kinds=(not_converged.KIND,), run=lambda _: [replace(sound, value=float("nan"), healthy=True)]
    )
    monkeypatch.setattr("diagnosis.measure.PROBES", (broken, not_converged.PROBE))
    first, second = measure(healthy)
    assert (first.healthy, "measured nan" in first.details["reason"]) == (None, True)
    assert second == sound


def test_an_epoch_of_which_no_row_was_kept_tells_no_order() -> None:
    rng = np.random.default_rng(0)
    none = np.empty(0, np.int64)
    whole = Rows(
        keys=rng.permutation(200), users=rng.permutation(200) + 1, lengths=none, sizes=np.full(10, 20)
    )
    passes = Passes(epochs=(whole, Rows(keys=none, users=none, lengths=none, sizes=none)), places=())
    (order,) = batches._order(passes, ())
    assert order.healthy is None


def test_rank_me_and_cosine_at_their_ends() -> None:
    rng = np.random.default_rng(0)
    assert rank_me(np.eye(8)) == pytest.approx(8)
    assert rank_me(np.outer(np.arange(5.0), np.ones(3))) == pytest.approx(1)
    assert rank_me(np.zeros((4, 3))) == 0
    assert mean_cosine(np.eye(8), rng) == pytest.approx(0)
    assert mean_cosine(np.outer([1.0, -2.0, 3.0], np.ones(3)), rng) == pytest.approx(1)


def test_gini_and_popularity_quantiles_at_their_ends() -> None:
    assert gini(np.array([5, 5, 5])) == pytest.approx(0)
    assert gini(np.array([0, 0, 0, 12])) == pytest.approx(0.75)
    assert popularity_quantiles(np.array([0, 1, 1, 2])).tolist() == [0, 0.25, 0.25, 0.75]


def test_the_bootstrap_interval_of_a_mean_agrees_with_theory() -> None:
    values = np.random.default_rng(1).random(400) < 0.2
    estimate = mean_over_users(values, seed=0)
    error = 1.96 * np.sqrt(values.mean() * (1 - values.mean()) / 400)
    assert estimate.low == pytest.approx(values.mean() - error, abs=0.006)
    assert estimate.high == pytest.approx(values.mean() + error, abs=0.006)
