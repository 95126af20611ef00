"""Trains a planted repo without the product, to see that it runs and what its defect changes: one JSON document on stdout."""

import importlib
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from evolution.repo.config import read_config
from evolution.worker.guest.training_data import Columns
from seeds.metrics import user_metrics
from seeds.references.ranking import padded_histories, rank
from seeds.shop import make
from seeds.split import LeaveLastTwoOut, split

COLUMNS = ("title", "categories", "price", "store", "average_rating")


class Cut:
    """A recommender as a reference ranker: histories no longer than `max_history`."""

    def __init__(self, recommender: Any, max_history: int) -> None:
        self.recommender = recommender
        self.max_history = max_history

    def score(self, users: Any, histories: Any) -> Any:
        return np.asarray(self.recommender.score(users, histories[:, -self.max_history :]))


def train(repo: Path, epochs: int) -> dict[str, Any]:
    """seconds, metrics on validation, losses, and the scores of 50 users after every epoch, rounded."""
    torch.set_num_threads(1)
    config = read_config(repo).recommender
    parts = split(make("micro").interactions, LeaveLastTwoOut())
    training, questions = parts.training, parts.validation
    columns = Columns({name: getattr(training.item_columns, name) for name in COLUMNS})
    names = ("users", "items", "timestamps", "ratings", "offsets", "n_users", "n_items")
    data = SimpleNamespace(**{name: getattr(training, name) for name in names}, item_columns=columns)
    sys.path.insert(0, str(repo))
    module, entry = config.entry.split(":")
    started = time.monotonic()
    recommender = getattr(importlib.import_module(module), entry)(data, device="cpu", seed=0)
    ranker = Cut(recommender, config.max_history)
    rows = np.arange(50)
    histories = padded_histories(questions, rows, config.max_history)
    losses, scores = [], []
    for epoch, report in enumerate(recommender.fit(), start=1):
        losses.append(float(next(v for k, v in report.items() if k != "epoch")))
        scores.append(np.round(ranker.score(questions.users[rows], histories)[:, 1::20], 4).tolist())
        if epoch >= epochs:
            break
    seconds = time.monotonic() - started
    top = rank(ranker, questions, training.n_items)
    metrics = user_metrics(top.items, top.scores, top.ties, questions.targets)
    return {
        "seconds": round(seconds, 2),
        "losses": losses,
        "HR@10": round(float(metrics["HR@10"].mean()), 4),
        "NDCG@10": round(float(metrics["NDCG@10"].mean()), 4),
        "scores": scores,
    }
