"""Writes what a trained model leaves behind, in the files that `diagnosis.evidence` reads, and knows whether all of it
is still there."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import FILES, TopLists
from evolution.base import serial
from evolution.base.kept import flush, hash_of, is_intact, seal
from evolution.domain.trial import EpochRecord
from evolution.trials.scoring import PerUser

PER_USER = "per_user.npz"
STATE = "state.bin"
STATE_HASH = "state.sha256"  # among the sealed artifacts
FOLDER = "artifacts"


def artifacts_folder(trial_folder: Path) -> Path:
    folder = trial_folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def settle(trial_folder: Path) -> None:
    """Nothing more is written: from now on a change of an artifact, or of the saved state, is damage."""
    folder = trial_folder / FOLDER
    if (trial_folder / STATE).is_file():
        flush(trial_folder / STATE)
        (folder / STATE_HASH).write_text(hash_of(trial_folder / STATE), encoding="ascii")
    seal(folder)


def are_intact(trial_folder: Path) -> bool:
    """Whether the artifacts of a measured trial are as it left them."""
    return is_intact(trial_folder / FOLDER)


def has_whole_state(trial_folder: Path) -> bool:
    """Whether the trial's saved state is there as it was saved. A trial of an earlier version noted no hash."""
    state, noted = trial_folder / STATE, trial_folder / FOLDER / STATE_HASH
    if not state.is_file():
        return False
    return not noted.is_file() or noted.read_text(encoding="ascii") == hash_of(state)


def write_lists(folder: Path, lists: TopLists) -> None:
    for name, array in (("top_items", lists.items), ("top_scores", lists.scores), ("top_ties", lists.ties)):
        np.save(folder / FILES[name], array)


def write_arrays(folder: Path, arrays: Mapping[str, NDArray[Any] | None]) -> None:
    """name: a key of `FILES`; None is not written."""
    for name, array in arrays.items():
        if array is not None:
            np.save(folder / FILES[name], array)


def write_curves(folder: Path, epochs: Sequence[EpochRecord]) -> None:
    write_document(folder, "curves", [serial.plain(epoch) for epoch in epochs])


def write_document(folder: Path, name: str, document: Any) -> None:
    text = json.dumps(serial.finite(document), ensure_ascii=False)
    (folder / FILES[name]).write_text(text, encoding="utf-8")


def write_per_user(folder: Path, per_user: PerUser) -> None:
    np.savez(folder / PER_USER, allow_pickle=False, **dict(per_user))


def read_per_user(trial_folder: Path) -> dict[str, NDArray[np.float64]]:
    """Metric -> float64 (Q,), "objective" among them. Raises FileNotFoundError: the trial did not rank."""
    with np.load(trial_folder / FOLDER / PER_USER, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
