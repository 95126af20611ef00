"""`diagnose --checkpoint`: measured without training, found again, and kept apart from trainings."""

import shutil

import pytest

from evolution.store.store import Store


@pytest.mark.training
@pytest.mark.timeout(300)
def test_a_checkpoint_is_diagnosed_without_training_and_is_no_training(evolverec, repo, tmp_path):
    trained = evolverec("train", repo, "--trust", "--json").document
    state = repo / ".evolverec" / "trials" / trained["trial"] / "state.bin"
    checkpoint = tmp_path / "best.pkl"
    shutil.copy(state, checkpoint)
    first = evolverec("diagnose", repo, "--checkpoint", checkpoint, "--json").document
    assert first["checkpoint"] == "best.pkl" and first["trial"] != trained["trial"]
    silent = {m["code"]: m["healthy"] for m in first["measurements"]}
    assert silent["not-learning"] is None and silent["not-converged"] is None
    assert any("no learning curve" in remark for remark in first["remarks"])

    again = evolverec("diagnose", repo, "--checkpoint", checkpoint)
    assert again.code == 0 and "from the store" in again.err
    assert "measured from the checkpoint best.pkl" in again.out.replace("\n", " ")

    shown = evolverec("runs", repo, "--json").document["trials"]
    assert {t["trial"]: t["checkpoint"] for t in shown} == {
        first["trial"]: "best.pkl",
        trained["trial"]: None,
    }
    with Store.open(repo) as store:
        assert [t.id for t in store.trials(trained["program"])] == [trained["trial"]]
        assert store.latest_own_trial().id == trained["trial"]
    assert evolverec("test", repo, "--json").document["trial"] == trained["trial"]

    checkpoint.write_bytes(b"hello there, world")
    broken = evolverec("diagnose", repo, "--checkpoint", checkpoint, "--json")
    assert broken.code == 1
    assert "none of the files that can be opened" in broken.document["error"]["message"]


def test_a_checkpoint_that_is_not_there_is_wrong_use_and_starts_nothing(evolverec, repo):
    answer = evolverec("diagnose", repo, "--checkpoint", repo / "gone.pt", "--json")
    assert answer.code == 2 and "gone.pt: no such file" in answer.document["error"]["message"]
    assert not (repo / ".evolverec").exists()
