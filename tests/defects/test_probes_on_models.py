"""The probes on models that were really trained on the micro shop: the seed, and the seed with a planted defect."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnosis.evidence import Artifacts, Evidence, TopLists
from diagnosis.measure import measure
from evolution.worker.guest.tracing import trace_smoke
from seeds.loading import load
from seeds.metrics import seen_mask, top_lists
from seeds.references import NAMES, fit, rank
from seeds.references.ranking import padded_histories
from seeds.split import scheme_named, split

SEED = Path(__file__).parents[2] / "seeds" / "repos" / "sasrec"
EPOCHS = 12
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seed_modules() -> Iterator[tuple[Any, Any]]:
    """recommender and model of the seed, imported as its repo imports them."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    sys.path.insert(0, str(SEED))
    yield importlib.import_module("recommender"), importlib.import_module("model")
    sys.path.remove(str(SEED))
    for name in ("recommender", "model", "batches"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def trained(seed_modules: tuple[Any, Any]) -> Callable[[], Evidence]:
    """Train the seed as its modules are at the time of the call, and gather the evidence."""
    recommender = seed_modules[0]
    parts = split(load("shop-micro", root=Path()), scheme_named("leave-last-two-out"))
    training, questions = parts.training, parts.validation
    seen = seen_mask(questions.items, questions.offsets, training.n_items)
    histories = padded_histories(questions, np.arange(len(questions)), 50)
    shuffled = histories.copy()
    rng = np.random.default_rng(0)
    for row in shuffled:
        row[row > 0] = rng.permutation(row[row > 0])
    references = {}
    for name in NAMES:
        top = rank(fit(name, training), questions, training.n_items)
        references[name] = TopLists(items=top.items, scores=top.scores, ties=top.ties)

    def build() -> Any:
        return recommender.build(training, device="cpu", seed=0)

    def gather() -> Evidence:
        batch = (questions.users[:4], histories[:4])
        trace = trace_smoke(build, root=str(SEED), seconds=30.0, score_batch=batch)
        model = build()

        def scores(asked: np.ndarray) -> np.ndarray:
            return np.asarray(model.score(questions.users, asked), dtype=np.float32)

        before, table = scores(histories), model.item_embeddings().numpy().copy()
        epochs = model.fit()
        curves = tuple(
            {"epoch": e + 1, "wall_s": 1.0, "reported": next(epochs), "metrics": {}} for e in range(EPOCHS)
        )
        after = scores(histories)
        top = top_lists(after, seen, 50)
        artifacts = Artifacts(
            top=TopLists(items=top.items, scores=top.scores, ties=top.ties),
            dense_rows=np.arange(len(questions), dtype=np.int32),
            dense_scores=after,
            dense_shuffled=scores(shuffled),
            item_embeddings=model.item_embeddings().numpy().copy(),
            untrained_dense_scores=before,
            untrained_item_embeddings=table,
            curves=curves,
            trace=trace,
            reported={},
        )
        return Evidence(
            training=training, questions=questions, artifacts=artifacts, references=references, seed=0
        )

    return gather


def unhealthy(evidence: Evidence) -> set[str]:
    return {m.code for m in measure(evidence) if m.healthy is False}


def softmax_loss(self: Any, batch: Any) -> Any:
    from torch.nn import functional

    present = batch.targets != 0
    logits = self.model(batch.inputs)[present] @ self.model.item_embedding.weight.T
    return functional.cross_entropy(logits, batch.targets[present])


def test_one_negative_makes_the_seed_overconfident_and_softmax_cures_it(
    trained: Callable[[], Evidence], seed_modules: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "overconfidence" in unhealthy(trained())
    monkeypatch.setattr(seed_modules[0].Recommender, "loss", softmax_loss)
    assert unhealthy(trained()) == set()


def test_swapped_positives_and_negatives_are_an_error_of_the_margin(
    trained: Callable[[], Evidence], seed_modules: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recommender = seed_modules[0]
    right = recommender.Recommender.loss

    def swapped(self: Any, batch: Any) -> Any:
        return right(self, batch._replace(targets=batch.negatives, negatives=batch.targets))

    monkeypatch.setattr(recommender.Recommender, "loss", swapped)
    assert {"ranking-margin", "weaker-than-popularity"} <= unhealthy(trained())


def test_a_bag_of_items_is_deaf_to_order(
    trained: Callable[[], Evidence], seed_modules: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def bag(self: Any, histories: Any) -> Any:
        count = (histories != 0).cumsum(1).clamp(min=1)
        return self.item_embedding(histories).cumsum(1) / count[:, :, None]

    monkeypatch.setattr(seed_modules[1].SASRec, "forward", bag)
    assert "order-unused" in unhealthy(trained())  # no part of it reads an order, so no line is accused
