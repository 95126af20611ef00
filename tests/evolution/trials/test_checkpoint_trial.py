"""A checkpoint in place of a training: the same figures, no curve, and a key of its own."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diagnosis.evidence import load_artifacts
from evolution.base.errors import UsageError
from evolution.domain.trial import FailureReason, TrialStatus
from evolution.store.remarks import checkpoint_of, remarks
from evolution.trials.checkpoint import take_checkpoint
from evolution.trials.request import Supervision
from evolution.trials.run import checkpoint_trial

STATELESS = '    def state_dict(self):\n        return {"table": self.table}\n\n    def load_state_dict(self, state):\n        self.table = state["table"]\n'


def measured(bench, path: Path):
    taken = take_checkpoint(str(path), bench.repo, bench.repo.parent, most_bytes=1 << 30)
    request = bench.request()
    key = replace(request.key, checkpoint=taken.sha256)
    request = replace(request, key=key, folder=request.folder.parent / "other", checkpoint=taken)
    return checkpoint_trial(request, Supervision()), request


@pytest.mark.process
def test_the_weights_of_a_trial_measured_as_a_checkpoint_give_its_figures_and_no_curve(bench, tmp_path):
    trained = bench.run()
    shutil.copy(bench.request().folder / "state.bin", tmp_path / "mine.pkl")
    trial, request = measured(bench, tmp_path / "mine.pkl")
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert (trial.metrics, trial.objective) == (trained.metrics, trained.objective)
    assert (trial.epochs, trial.best_epoch, trial.cost.fit_s) == ((), 0, 0.0)
    artifacts = load_artifacts(request.folder / "artifacts")
    assert artifacts.curves == () and artifacts.untrained_dense_scores is None
    assert any("mine.pkl" in said and "no learning curve" in said for said in remarks(trial))
    assert trial.key != trained.key


@pytest.mark.process
def test_a_checkpoint_of_another_catalogue_fails_with_both_shapes(bench, tmp_path, micro):
    np.savez(tmp_path / "other.npz", allow_pickle=False, table=np.zeros((7, 7), np.float32))
    bench.write(bench.changed())
    trial, _ = measured(bench, tmp_path / "other.npz")
    size = micro.training.n_items + 1
    assert trial.failure.reason is FailureReason.CONTRACT
    assert checkpoint_of(trial) == "other.npz"
    assert f"table is (7, 7) in the file and ({size}, {size}) in the model" in trial.failure.message


@pytest.mark.process
def test_a_recommender_without_a_state_is_told_so(bench, tmp_path):
    np.savez(tmp_path / "any.npz", allow_pickle=False, table=np.zeros(3))
    bench.write(bench.changed((STATELESS, "")))
    trial, _ = measured(bench, tmp_path / "any.npz")
    assert "has no state_dict() and load_state_dict()" in trial.failure.message


def test_what_is_no_file_of_weights_is_wrong_use(tmp_path):
    (tmp_path / "empty.pt").touch()
    (tmp_path / "large.pt").write_bytes(b"x" * 100)
    wrong = {
        "gone.pt": "No such file",
        ".": "is a folder",
        "empty.pt": "is empty",
        "large.pt": "is too large",
    }
    for name, said in wrong.items():
        with pytest.raises(UsageError, match=said):
            take_checkpoint(name, tmp_path, tmp_path, most_bytes=99)


def test_a_copy_has_the_bytes_and_their_hash(tmp_path):
    (tmp_path / "a.pt").write_bytes(b"one")
    (tmp_path / "b.pt").write_bytes(b"two")
    first, second = (take_checkpoint(n, tmp_path, tmp_path, most_bytes=99) for n in ("a.pt", "b.pt"))
    assert first.sha256 != second.sha256 and second.copy.read_bytes() == b"two" and first.name == "a.pt"
