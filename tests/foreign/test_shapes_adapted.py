"""The shapes under the contract: `init` drafts, an owner fills in what is left, and the repo trains and scores through the kit.

No worker is started: the adapter is imported from its repo's folder, as a worker would. What it costs: importing torch, seconds, once.
"""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evolution.adopting.init import init_repo
from seeds.interactions import Interactions, Questions
from seeds.shop import make
from seeds.split import LeaveLastTwoOut, split
from tests.foreign.shapes import HERE, SHAPES, Shape
from tests.imported import forgetting

FINISHED = HERE.parent / "bench" / "existing" / "finished"
MOST_LINES = 25
pytestmark = [
    pytest.mark.slow,
    pytest.mark.training,
    pytest.mark.filterwarnings("ignore"),  # of the repos, not ours
]


def given(training: Interactions) -> SimpleNamespace:
    """The training events as `build` gets them in a worker."""
    columns = {f.name: getattr(training.item_columns, f.name) for f in fields(training.item_columns)}
    names = ("users", "items", "timestamps", "ratings", "offsets", "n_users", "n_items")
    return SimpleNamespace(item_columns=columns, **{name: getattr(training, name) for name in names})


def padded(questions: Questions, n: int, width: int) -> np.ndarray:
    rows = [questions.history(q)[-width:] for q in range(n)]
    return np.stack([np.pad(row, (width - len(row), 0)) for row in rows])


@pytest.fixture(params=SHAPES, ids=lambda shape: shape.name)
def adapted(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The adapter of one shape, as a module."""
    shape: Shape = request.param
    repo = shape.fresh(tmp_path / shape.name, make("micro").interactions)
    drafted = init_repo(repo, data=shape.log)
    finished = FINISHED / f"{shape.name}.py"
    if drafted["missing"] or finished.exists():
        (repo / "adapter.py").write_bytes(finished.read_bytes())
    lines = [line for line in (repo / "adapter.py").read_text("utf-8").splitlines() if line.strip()]
    assert drafted["adapter_lines"] <= MOST_LINES or len(lines) <= MOST_LINES
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["worker", "--no-such-option"])
    monkeypatch.syspath_prepend(repo)
    with forgetting(repo):
        yield importlib.import_module("adapter")


def test_it_trains_and_scores(adapted: Any) -> None:
    parts = split(make("micro").interactions, LeaveLastTwoOut())
    data, questions = given(parts.training), parts.validation
    recommender = adapted.build(data, device="cpu", seed=0)
    epochs = recommender.fit()
    told = [next(epochs) for _ in range(2)]
    assert all(np.isfinite(value) for each in told for value in each.values())
    users, histories = questions.users[:12], padded(questions, 12, 30)
    scores = np.asarray(asked(recommender, users, histories))
    assert scores.shape == (12, data.n_items + 1)
    known = np.unique(data.items)
    assert np.isfinite(scores[:, known]).all() and scores[:, known].std(axis=1).min() > 0
    np.testing.assert_allclose(asked(recommender, users, histories), scores)
    np.testing.assert_allclose(
        asked(recommender, users, np.pad(histories, ((0, 0), (7, 0))))[:, known], scores[:, known], atol=1e-4
    )
    np.testing.assert_allclose(
        asked(recommender, users[5:6], histories[5:6])[0, known], scores[5, known], atol=1e-4
    )
    table = recommender.item_embeddings()
    assert table is None or len(table) == data.n_items + 1
    epochs.close()


def asked(recommender: Any, users: np.ndarray, histories: np.ndarray) -> np.ndarray:
    """Scores as a worker asks for them: in evaluation mode, without gradients."""
    import torch

    if hasattr(recommender.model, "eval"):
        recommender.model.eval()
    with torch.no_grad():
        return np.asarray(recommender.score(users, histories))
