"""The script keeps the contract through its adapter, unchanged."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evolution.repo.config import read_config
from seeds.shop import make
from seeds.split import LeaveLastTwoOut, split


def test_its_config_is_valid() -> None:
    config = read_config(Path(__file__).parent / "sasrec_script")
    assert config.recommender.entry == "adapter:build"


def test_it_builds_trains_and_scores(adapter: Any) -> None:
    torch.set_num_threads(1)
    assert sys.argv == ["worker", "--no-such-option", "7"]
    parts = split(make("micro").interactions, LeaveLastTwoOut())
    training, questions = parts.training, parts.validation
    recommender = adapter.build(training, device="cpu", seed=0)
    epoch = next(recommender.fit())
    assert set(epoch) == {"loss"} and np.isfinite(epoch["loss"])
    rows = [questions.history(q)[-30:] for q in range(6)]
    width = max(map(len, rows))
    histories = np.stack([np.pad(row, (width - len(row), 0)) for row in rows])
    scores = recommender.score(questions.users[:6], histories)
    assert scores.shape == (6, training.n_items + 1) and np.isfinite(scores).all()
    assert np.array_equal(scores, recommender.score(questions.users[:6], histories))
    wider = recommender.score(questions.users[:6], np.pad(histories, ((0, 0), (5, 0))))
    np.testing.assert_allclose(wider, scores, atol=1e-5)
    assert recommender.item_embeddings().shape[0] == training.n_items + 1


def test_the_same_seed_gives_the_same_model(adapter: Any) -> None:
    torch.set_num_threads(1)
    training = split(make("micro").interactions, LeaveLastTwoOut()).training

    def trained(seed: int) -> Any:
        recommender = adapter.build(training, device="cpu", seed=seed)
        next(recommender.fit())
        return recommender.score(np.array([1]), np.array([[1, 2, 3]]))

    assert np.array_equal(trained(0), trained(0))
    assert not np.array_equal(trained(0), trained(1))
