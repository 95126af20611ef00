"""A trial of a healthy recommender: its numbers, its artifacts, and when it stops."""

import numpy as np
import pytest

from diagnosis.evidence import load_artifacts
from evolution.base import serial
from evolution.domain.trial import EpochRecord, Trial, TrialStatus
from evolution.trials.artifacts import read_per_user
from evolution.trials.request import SandboxMode, Supervision

pytestmark = pytest.mark.process


def test_a_trial_measures_every_metric_with_an_interval(bench):
    trial = bench.run()
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    for name in ("HR@5", "NDCG@10", "sampled-HR@10"):
        metric = trial.metrics[name]
        assert metric.low < metric.value < metric.high
    assert 0 < trial.metrics["coverage@10"].value <= 1
    assert trial.metrics["coverage@10"].low is None
    expected = 0.6 * trial.metrics["HR@5"].value + 0.4 * trial.metrics["NDCG@5"].value
    assert trial.objective.value == pytest.approx(expected)
    assert all(check.passed for check in trial.contract), trial.contract
    assert trial.cost.peak_memory_bytes > 1 << 20


def test_a_trial_leaves_the_artifacts_that_probes_read(bench, micro):
    trial = bench.run()
    folder = bench.request().folder
    artifacts = load_artifacts(folder / "artifacts")
    size = micro.training.n_items + 1
    assert artifacts.top.items.shape == (len(micro.validation), 100)
    assert artifacts.dense_scores.shape == (len(micro.sample), size)
    assert (
        artifacts.dense_shuffled.shape
        == artifacts.untrained_dense_scores.shape
        == artifacts.dense_scores.shape
    )
    assert artifacts.item_embeddings is None
    assert [epoch["epoch"] for epoch in artifacts.curves] == [1, 2, 3]
    assert "model.py" in artifacts.trace["executed"]
    per_user = read_per_user(folder)
    assert per_user["NDCG@10"].mean() == pytest.approx(trial.metrics["NDCG@10"].value)
    assert not (folder / "work").exists()


def test_no_list_holds_an_item_that_the_user_has_seen(bench, micro):
    bench.run()
    items = load_artifacts(bench.request().folder / "artifacts").top.items
    for q in range(0, len(micro.validation), 17):
        assert not set(items[q][items[q] > 0]) & set(micro.validation.history(q))


def test_the_same_seed_twice_gives_the_same_trial(bench):
    first, second = bench.run(), bench.run(sandbox=SandboxMode.NONE)
    assert first.metrics == second.metrics
    assert [dict(epoch.metrics) for epoch in first.epochs] == [dict(epoch.metrics) for epoch in second.epochs]
    assert bench.run(seed=1).metrics != first.metrics


def test_training_stops_when_patience_runs_out_and_goes_back_to_the_best_epoch(bench):
    worse_and_worse = bench.changed(
        ("for epoch in range(3):", "for epoch in range(50):"),
        (
            "            np.add.at",
            "            if epoch: self.table[:] = -self.table[::-1] * 0.5\n            np.add.at",
        ),
    )
    trial = bench.run(worse_and_worse, max_epochs=50, patience=2)
    assert trial.status is TrialStatus.COMPLETE
    assert len(trial.epochs) == trial.best_epoch + 2 < 50
    best = max(epoch.metrics["objective"] for epoch in trial.epochs)
    assert trial.objective.value == pytest.approx(best)


def test_without_a_state_the_last_epoch_counts(bench):
    stateless = bench.changed(
        ("def state_dict", "def no_state"),
        (
            "            np.add.at",
            "            if epoch == 2: self.table[:] = -self.table\n            np.add.at",
        ),
        ("1.0)", "0.1)"),
    )
    trial = bench.run(stateless)
    assert trial.best_epoch == 3
    assert trial.objective.value == pytest.approx(trial.epochs[-1].metrics["objective"])
    assert trial.objective.value < trial.epochs[0].metrics["objective"]


def test_only_every_nth_epoch_is_ranked_where_asked(bench):
    trial = bench.run(eval_every=2)
    assert [bool(epoch.metrics) for epoch in trial.epochs] == [False, True, True]


def test_a_loser_is_pruned_with_its_numbers_so_far(bench):
    seen: list[EpochRecord] = []
    supervision = Supervision(on_epoch=seen.append, prune=lambda epochs: len(epochs) == 2)
    trial = bench.run(supervision=supervision)
    assert trial.status is TrialStatus.PRUNED
    assert len(trial.epochs) == 2
    assert tuple(seen) == trial.epochs
    assert trial.metrics["NDCG@10"].value == pytest.approx(
        trial.epochs[trial.best_epoch - 1].metrics["NDCG@10"]
    )


def test_the_log_keeps_what_the_candidate_prints(bench):
    bench.run(
        bench.changed(
            ("for epoch in range(3):", "for epoch in range(3):\n            print('hello from fit')")
        )
    )
    assert "hello from fit" in (bench.request().folder / "worker.log").read_text()


def test_a_trial_is_a_document(bench):
    trial = bench.run()
    assert serial.loads(Trial, serial.dumps(trial)) == trial


def test_a_constant_scorer_hits_by_chance_alone(bench, micro):
    constant = bench.changed(
        ("return self.table[histories[:, -1]]", "return np.ones((len(users), self.data.n_items + 1))")
    )
    trial = bench.run(constant)
    unseen = [
        micro.training.n_items - len(set(micro.validation.history(q))) for q in range(len(micro.validation))
    ]
    lucky = float(np.mean([10 / n for n in unseen]))
    assert trial.metrics["HR@10"].value == pytest.approx(lucky, rel=0.5)


def test_a_smoke_trial_stops_before_training(bench):
    trial = bench.smoke(bench.changed())
    assert trial.status is TrialStatus.COMPLETE
    assert not trial.epochs
    assert not trial.metrics
    failed = bench.smoke(
        bench.changed(
            ("            np.add.at", "            raise RuntimeError('no')\n            np.add.at")
        )
    )
    assert failed.status is TrialStatus.FAILED
    assert "RuntimeError: no" in failed.failure.message
