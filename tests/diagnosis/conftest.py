"""A small synthetic trial: a log where order and taste matter, and models that are good or bad at it.

What the fixtures cost: a second, once in a process. Nothing is trained and no process is started.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from diagnosis.evidence import Artifacts, Evidence, TopLists
from seeds.interactions import Interactions, ItemColumns, Questions
from seeds.metrics import seen_mask, top_lists
from seeds.references import fit, rank

N_USERS, N_ITEMS, WIDTH = 400, 120, 16


def _log(rng: np.random.Generator) -> list[np.ndarray]:
    """Each user walks within a group of items; the next item is mostly a fixed successor of the last."""
    successor = np.concatenate([[0], (np.arange(1, N_ITEMS + 1) + 6) % N_ITEMS + 1])
    popular = 1 / np.arange(1, N_ITEMS + 1) ** 0.7
    histories = []
    for _ in range(N_USERS):
        walk = [int(rng.choice(N_ITEMS, p=popular / popular.sum())) + 1]
        while len(walk) < 9:
            follow = rng.random() < 0.6
            step = successor[walk[-1]] if follow else int(rng.choice(N_ITEMS, p=popular / popular.sum())) + 1
            if step not in walk:
                walk.append(int(step))
            elif follow:
                walk.append(int(rng.choice([i for i in range(1, N_ITEMS + 1) if i not in walk])))
        histories.append(np.array(walk))
    return histories


def _training(histories: list[np.ndarray]) -> Interactions:
    kept = [h[:-1] for h in histories]
    offsets = np.concatenate([[0, 0], np.cumsum([len(h) for h in kept])]).astype(np.int64)
    empty = ("",) * (N_ITEMS + 1)
    return Interactions(
        users=np.repeat(np.arange(1, N_USERS + 1), [len(h) for h in kept]).astype(np.int64),
        items=np.concatenate(kept).astype(np.int64),
        timestamps=None,
        ratings=None,
        offsets=offsets,
        n_users=N_USERS,
        n_items=N_ITEMS,
        item_columns=ItemColumns(
            title=empty,
            categories=((), *((("books", "toys", "tools")[i % 3],) for i in range(N_ITEMS))),
            price=np.full(N_ITEMS + 1, np.nan, np.float32),
            store=empty,
            average_rating=np.full(N_ITEMS + 1, np.nan, np.float32),
        ),
        user_names=("", *(f"u{i}" for i in range(N_USERS))),
        item_names=("", *(f"i{i}" for i in range(N_ITEMS))),
    )


@pytest.fixture(scope="session")
def log() -> tuple[Interactions, Questions]:
    histories = _log(np.random.default_rng(7))
    training = _training(histories)
    questions = Questions(
        users=np.arange(1, N_USERS + 1),
        items=training.items,
        offsets=training.offsets[1:],
        targets=np.array([h[-1] for h in histories]),
    )
    return training, questions


@pytest.fixture(scope="session")
def sequential_scores(log: tuple[Interactions, Questions]) -> Callable[[np.ndarray], np.ndarray]:
    """The good model: log of the smoothed Markov ranker, from the last item of each history: (Q,) -> scores."""
    ranker = fit("markov", log[0])

    def scores(last: np.ndarray) -> np.ndarray:
        return np.log(ranker.score(last, last[:, None]) + 1e-9).astype(np.float32)

    return scores


@pytest.fixture(scope="session")
def healthy(
    log: tuple[Interactions, Questions], sequential_scores: Callable[[np.ndarray], np.ndarray]
) -> Evidence:
    training, questions = log
    rng = np.random.default_rng(3)
    histories = [questions.history(q) for q in range(len(questions))]
    in_order = sequential_scores(np.array([h[-1] for h in histories]))
    shuffled = sequential_scores(np.array([rng.choice(h) for h in histories]))
    before = rng.standard_normal((N_ITEMS + 1, WIDTH)).astype(np.float32)
    references = {}
    for name in ("popularity", "markov", "ease"):
        top = rank(fit(name, training), questions, N_ITEMS)
        references[name] = TopLists(items=top.items, scores=top.scores, ties=top.ties)
    artifacts = Artifacts(
        top=lists_of(in_order, questions),
        dense_rows=np.arange(len(questions), dtype=np.int32),
        dense_scores=in_order,
        dense_shuffled=shuffled,
        item_embeddings=(before + 0.3 * rng.standard_normal(before.shape)).astype(np.float32),
        untrained_dense_scores=rng.standard_normal(in_order.shape).astype(np.float32),
        untrained_item_embeddings=before,
        curves=tuple(
            {
                "epoch": e,
                "wall_s": 1.0,
                "reported": {"loss": 1.0 / min(e, 5)},
                "metrics": {"NDCG@10": min(0.1 * e, 0.4)},
            }
            for e in range(1, 9)
        ),
        trace=trace_of_loss("cross_entropy"),
        reported={},
    )
    return Evidence(
        training=training, questions=questions, artifacts=artifacts, references=references, seed=0
    )


def lists_of(scores: np.ndarray, questions: Questions) -> TopLists:
    top = top_lists(scores, seen_mask(questions.items, questions.offsets, N_ITEMS), 50)
    return TopLists(items=top.items, scores=top.scores, ties=top.ties)


def trace_of_loss(function: str) -> dict[str, Any]:
    """The smallest trace that has a loss."""
    loss = {
        "phase": "train",
        "function": function,
        "path": "m.py",
        "line": 3,
        "inputs": [],
        "in": [],
        "out": [[]],
    }
    backward = loss | {"function": "backward", "inputs": [["o0"]], "line": 4}
    return {"ops": [loss, backward], "parameters": []}


@pytest.fixture(scope="session")
def scored(healthy: Evidence) -> Callable[..., Evidence]:
    """The healthy trial with other scores, and other artifacts by name."""

    def change(scores: np.ndarray | None = None, **artifacts: Any) -> Evidence:
        if scores is not None:
            wide = np.broadcast_to(scores, healthy.artifacts.dense_scores.shape).astype(np.float32)
            artifacts = {"dense_scores": wide, "top": lists_of(wide, healthy.questions)} | artifacts
        return replace(healthy, artifacts=replace(healthy.artifacts, **artifacts))

    return change


@pytest.fixture(scope="session")
def traced_loss() -> Callable[[str], dict[str, Any]]:
    return trace_of_loss
