"""The seed itself, with torch, through a whole trial."""

from dataclasses import replace

import pytest

from diagnosis.evidence import load_artifacts
from evolution.domain.trial import TrialStatus
from evolution.repo.config import read_config
from evolution.trials.frozen import read_test
from evolution.trials.request import Supervision
from evolution.trials.run import run_trial
from tests.evolution.seed import SASREC


@pytest.mark.training
def test_the_seed_keeps_its_contract_learns_and_leaves_a_trace(bench):
    config = read_config(SASREC)
    request = bench.request(max_epochs=4, timeout_s=240.0)
    own = request.config.model_copy(
        update={"recommender": config.recommender.model_copy(update={"max_history": 50})}
    )
    request = replace(request, config=own, checkout=SASREC)
    trial = run_trial(request, Supervision())
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert all(check.passed for check in trial.contract), trial.contract
    losses = [epoch.reported["loss"] for epoch in trial.epochs]
    assert losses[-1] < losses[0]
    assert trial.cost.parameters > 1000
    artifacts = load_artifacts(request.folder / "artifacts")
    assert artifacts.trace["kind"] == "torch"
    assert artifacts.trace["steps"] >= 1
    assert artifacts.item_embeddings.shape == artifacts.untrained_item_embeddings.shape
    assert (artifacts.item_embeddings != artifacts.untrained_item_embeddings).any()
    assert read_test(request, trial, Supervision()).failure is None
    shorter = own.model_copy(update={"training": own.training.model_copy(update={"max_epochs": 2})})
    again = run_trial(replace(request, config=shorter), Supervision())
    assert [dict(epoch.metrics) for epoch in again.epochs] == [
        dict(epoch.metrics) for epoch in trial.epochs[:2]
    ]
