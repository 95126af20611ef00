"""What a comparison hands to a library's process, and what it gets back: the same split, and a score for every item.

A folder holds training.npz, validation.npz with its targets, test.npz without them, and items.json with what is known of
items in words. Scores come back as float32 (Q, n_items + 1) in .npy; an item that a library does not know has -inf. All
are ranked here, by `seeds.metrics`, so that no difference of evaluation is left.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Float32, Int64, Interactions, Questions
from seeds.metrics import seen_mask, top_lists, user_metrics
from seeds.references.ranking import padded_histories
from seeds.split import Split

METRIC = "NDCG@10"
AT_ONCE = 256  # questions
WORDS = ("title", "categories", "store")


class Scorer(Protocol):
    """What answers questions: a trained recommender of the contract."""

    def score(self, users: Int64, histories: Int64) -> Any:
        """users (B,), histories (B, L) left-padded with 0 -> scores (B, n_items + 1), a tensor or an array."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Handed:
    """training: what `build` of a seed takes. test: its targets are 0, as they are not handed over."""

    training: Any
    validation: Questions
    test: Questions


def write_split(parts: Split, folder: Path) -> None:
    """Write the files of a split to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    data = parts.training
    np.savez(
        folder / "training.npz",
        users=data.users,
        items=data.items,
        offsets=data.offsets,
        n_users=np.int64(data.n_users),
        n_items=np.int64(data.n_items),
    )
    for name, questions in (("validation", parts.validation), ("test", parts.test)):
        shown = questions.targets if name == "validation" else np.zeros_like(questions.targets)
        np.savez(
            folder / f"{name}.npz",
            users=questions.users,
            items=questions.items,
            offsets=questions.offsets,
            targets=shown,
        )
    words = {name: getattr(data.item_columns, name) for name in WORDS}
    (folder / "items.json").write_text(json.dumps(words), encoding="utf-8")


def read_split(folder: Path) -> Handed:
    """What `write_split` wrote."""
    with np.load(folder / "training.npz") as stored:
        arrays = {name: stored[name] for name in ("users", "items", "offsets")}
        sizes = {name: int(stored[name]) for name in ("n_users", "n_items")}
    words = json.loads((folder / "items.json").read_text(encoding="utf-8"))
    training = SimpleNamespace(
        **arrays, **sizes, timestamps=None, ratings=None, item_columns=SimpleNamespace(**words)
    )
    return Handed(
        training=training, validation=_questions(folder, "validation"), test=_questions(folder, "test")
    )


def _questions(folder: Path, name: str) -> Questions:
    with np.load(folder / f"{name}.npz") as stored:
        return Questions(**{field: stored[field] for field in ("users", "items", "offsets", "targets")})


def places(training: Interactions | Any) -> Int64:
    """The place of each event in its user's history, from 0: int64 (N,). It stands for the time, so that ties keep file order."""
    return np.arange(len(training.users)) - np.asarray(training.offsets)[training.users]


def windows_of(training: Interactions | Any, max_len: int) -> tuple[Int64, Int64]:
    """The windows that our sequential seeds train on, for a library that would read a user's newest events alone.

    Returns the event at each place of all windows, and the window that the place belongs to, both int64 (M,). A window has at
    most max_len + 1 events, cut from the newest backwards; its first event is the last target of the window before.
    """
    counts = np.diff(training.offsets)[1:]  # (n_users,)
    places_of: list[Int64] = []
    owners: list[Int64] = []
    n_windows = 0
    for start, count in zip(np.asarray(training.offsets)[1:-1].tolist(), counts.tolist()):
        newest = start + count - 1
        while newest > start:
            first = max(newest - max_len, start)
            places_of.append(np.arange(first, newest + 1))
            n_windows += 1
            owners.append(np.full(newest + 1 - first, n_windows))
            newest = first
    return np.concatenate(places_of), np.concatenate(owners)


def answers(scorer: Scorer, questions: Questions, n_items: int, *, max_history: int) -> Float32:
    """Scores for all questions: float32 (Q, n_items + 1)."""
    scores = np.empty((len(questions), n_items + 1), np.float32)
    for rows in _batches(len(questions)):
        found = scorer.score(questions.users[rows], padded_histories(questions, rows, max_history))
        scores[rows] = np.asarray(found)
    return scores


def ndcg(scores: Float32, questions: Questions) -> NDArray[np.float64]:
    """NDCG@10 of each question, full ranking of the unseen items, ties in expectation: float64 (Q,).

    Raises ValueError if there is not one row of scores for each question.
    """
    if len(scores) != len(questions):
        raise ValueError(
            f"{len(scores)} rows of scores for {len(questions)} questions; expected one for each"
        )
    found = []
    for rows in _batches(len(questions)):
        offsets = questions.offsets[rows[0] : rows[-1] + 2]
        top = top_lists(
            scores[rows], seen_mask(questions.items, offsets, scores.shape[1] - 1), seed=int(rows[0])
        )
        found.append(user_metrics(top.items, top.scores, top.ties, questions.targets[rows])[METRIC])
    return np.concatenate(found)


def _batches(n: int) -> Iterator[Int64]:
    for start in range(0, n, AT_ONCE):
        yield np.arange(start, min(start + AT_ONCE, n))
