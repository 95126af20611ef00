"""The evidence that probes measure: the training log, the questions, and the artifacts of one trained model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnosis.examination import Examination, Watched
from seeds.interactions import Float32, Interactions, Questions

Int32 = NDArray[np.int32]
SHUFFLED = 10  # newest events whose order `dense_shuffled` permutes; a model reads at least that many, so none is exchanged


@dataclass(frozen=True, kw_only=True, eq=False)
class TopLists:
    """The best unseen items of every question.

    items: int32 (Q, K), best first, 0 where fewer exist.
    scores: float32 (Q, K), -inf where the item is 0.
    ties: int32 (Q, 2), how many items share the K-th score [within the list, among all unseen items].
    """

    items: Int32
    scores: Float32
    ties: Int32


@dataclass(frozen=True, kw_only=True, eq=False)
class Artifacts:
    """What a trained model left behind, read from `<trial>/artifacts/` (see `load_artifacts`).

    top: lists for all questions, by the state of the best epoch.
    dense_rows: int32 (S,), indices of the densely scored questions.
    dense_scores: float32 (S, n_items + 1), raw scores of these; seen items are not masked, column 0 is meaningless.
    dense_shuffled: the same users' scores with the order of the SHUFFLED newest events of each history permuted.
    item_embeddings: float32 (n_items + 1, d), as used for scoring; None if the repo offers none.
    untrained_*: the same from the model before its first epoch.
        Not there where a checkpoint was measured in place of a training.
    curves: one mapping per epoch with "epoch", "wall_s", "reported" (what fit yielded) and "metrics" (validation); () for a
        checkpoint.
    trace: the traced step, in the format of evolution/worker/guest/tracing.py; {} if there is none.
    reported: measured in the worker beside candidate code, so it informs but never verifies.
    """

    top: TopLists
    dense_rows: Int32
    dense_scores: Float32
    dense_shuffled: Float32 | None
    item_embeddings: Float32 | None
    untrained_dense_scores: Float32 | None
    untrained_item_embeddings: Float32 | None
    curves: tuple[Mapping[str, Any], ...]
    trace: Mapping[str, Any]
    reported: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """Everything a probe may use. Probes are pure functions of it.

    references: name ("popularity", "markov", "ease") -> top lists on the same questions, each fit on `training` alone.
    seed: the seed for every random number generator of a probe.
    examination: how the program trains and what it answers, looked at beside the trial; None where it was not.
    """

    training: Interactions
    questions: Questions
    artifacts: Artifacts
    references: Mapping[str, TopLists]
    seed: int
    examination: Examination | None = None

    @property
    def watched(self) -> Watched | None:
        """The watched training; None where there is none."""
        return self.examination.watched if self.examination is not None else None


FILES = {
    "top_items": "top_items.npy",
    "top_scores": "top_scores.npy",
    "top_ties": "top_ties.npy",
    "dense_rows": "dense_rows.npy",
    "dense_scores": "dense_scores.npy",
    "dense_shuffled": "dense_shuffled.npy",
    "item_embeddings": "item_embeddings.npy",
    "untrained_dense_scores": "untrained_dense_scores.npy",
    "untrained_item_embeddings": "untrained_item_embeddings.npy",
    "curves": "curves.json",
    "trace": "trace.json",
    "reported": "reported.json",
}


def load_artifacts(folder: Path) -> Artifacts:
    """Read `<trial>/artifacts/` without unpickling anything.

    Raises FileNotFoundError if a required file (top_*, dense_rows, dense_scores) is missing.
    """
    import json

    def required(name: str) -> NDArray[Any]:
        return np.load(folder / FILES[name], allow_pickle=False)

    def optional(name: str) -> NDArray[Any] | None:
        path = folder / FILES[name]
        return np.load(path, allow_pickle=False) if path.exists() else None

    def document(name: str, empty: Any) -> Any:
        path = folder / FILES[name]
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else empty

    return Artifacts(
        top=TopLists(items=required("top_items"), scores=required("top_scores"), ties=required("top_ties")),
        dense_rows=required("dense_rows"),
        dense_scores=required("dense_scores"),
        dense_shuffled=optional("dense_shuffled"),
        item_embeddings=optional("item_embeddings"),
        untrained_dense_scores=optional("untrained_dense_scores"),
        untrained_item_embeddings=optional("untrained_item_embeddings"),
        curves=tuple(document("curves", [])),
        trace=document("trace", {}),
        reported=document("reported", {}),
    )
