"""Every option changes what is done: the seed, the device, the users, the trials, the interpreter, the slots."""

import os
import sys
from pathlib import Path

import pytest

from evolution.store.store import Store

pytestmark = pytest.mark.training


def test_the_seed_makes_another_trial_and_the_config_gives_the_first_one(evolverec, repo):
    default = evolverec("train", repo, "--trust", "--json").document
    other = evolverec("train", repo, "--seed", 5, "--json").document
    assert (default["seed"], other["seed"]) == (0, 5) and default["trial"] != other["trial"]
    config = repo / "evolverec.toml"
    config.write_text(config.read_text() + "seed = 5\n")
    from_config = evolverec("train", repo, "--json").document
    assert from_config["seed"] == 5 and from_config["program"] != other["program"]


def test_device_and_slots_decide_where_and_with_how_many_threads(evolverec, repo, monkeypatch):
    config = repo / "evolverec.toml"
    config.write_text(config.read_text() + 'device = "cuda"\n')
    refused = evolverec("train", repo, "--trust", "--json")
    if refused.code:  # a machine without CUDA says so; --device wins over the file
        assert refused.code == 2 and "sees none; use --device cpu" in refused.document["error"]["message"]
    monkeypatch.setenv("EVOLVEREC_SLOTS", "1")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    trained = evolverec("train", repo, "--device", "cpu", "--json").document
    assert trained["device"] == f"cpu/{len(os.sched_getaffinity(0))}"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert evolverec("train", repo, "--device", "cpu", "--json").document["device"] == "cpu/1"
    monkeypatch.setenv("EVOLVEREC_SLOTS", "many")
    wrong = evolverec("train", repo, "--device", "cpu", "--json")
    assert wrong.code == 2 and "EVOLVEREC_SLOTS is 'many'" in wrong.document["error"]["message"]


def test_the_interpreter_comes_from_flag_environment_or_settings(
    evolverec, repo, own_configuration, monkeypatch
):
    link = own_configuration / "my-python"
    link.write_text(f'#!/bin/sh\necho used >> "{own_configuration}/used"\nexec "{sys.executable}" "$@"\n')
    link.chmod(0o755)

    def is_used(*words: object) -> bool:
        (own_configuration / "used").unlink(missing_ok=True)
        evolverec("doctor", repo, *words, "--json")
        return (own_configuration / "used").exists()

    assert not is_used()
    assert is_used("--python", link)
    with monkeypatch.context() as patched:
        patched.setenv("EVOLVEREC_PYTHON", str(link))
        assert is_used()
        assert not is_used("--python", sys.executable)
    (own_configuration / "config.toml").write_text(f'python = "{link}"\n')
    assert is_used()
    (own_configuration / "config.toml").unlink()
    (own_configuration / "used").unlink()
    monkeypatch.chdir(own_configuration)  # a job runs elsewhere, and yet means the same file
    assert evolverec("check", repo, "--trust", "--python", "./my-python", "--json").code == 0
    assert (own_configuration / "used").exists()
    missing = evolverec("train", repo, "--trust", "--python", "/no/python", "--json")
    assert missing.code == 2 and "/no/python" in missing.document["error"]["message"]


def test_users_and_trials_bound_what_is_asked_and_tried(evolverec, repo):
    few = evolverec("simulate", repo, "--users", 20, "--trust", "--json").document
    more = evolverec("simulate", repo, "--users", 40, "--json").document
    assert (few["users"], more["users"]) == (20, 40)
    session = evolverec("simulate", repo, "--session", "--users", 20, "--json").document
    assert session["users"] == 20 and session["session"] is None and session["trial"] == few["trial"]
    names = [one["name"] for one in session["recommenders"]]
    assert names == ["model", "markov", "popularity", "random"]
    for one in session["recommenders"]:
        assert 1 <= one["satisfy"]["low"] <= one["satisfy"]["value"] <= one["satisfy"]["high"] <= 10
        assert sum(share["value"] for share in one["exits"].values()) == pytest.approx(1)
    told = evolverec("simulate", repo, "--session", "--users", 20, "--user", "customer-3", "--json").document
    assert told["session"]["user"] == "customer-3" and told["recommenders"] == session["recommenders"]
    with Store.open(repo) as store:
        assert len(store.trials()) == 1
    proposed = evolverec("propose", repo, "--trials", 1, "--json").document
    assert len(proposed["proposals"]) == 1
    improved = evolverec("improve", repo, "--trials", 1, "--json").document
    assert [p["id"] for p in improved["proposals"]] == [p["id"] for p in proposed["proposals"]]
    assert improved["trial"] == improved["train"]["trial"] == improved["diagnosis"]["trial"]
    assert improved["users"]["users"] > 40
    assert "patch" in evolverec("improve", repo, "--trials", 1).out.splitlines()[-1]


def test_consent_is_remembered_for_this_folder_only(evolverec, repo, tmp_path: Path):
    assert evolverec("train", repo, "--json").code == 1
    assert evolverec("train", repo, "--trust", "--json").code == 0
    assert evolverec("train", repo, "--seed", 1, "--json").code == 0
    moved = repo.rename(tmp_path / "moved")
    assert evolverec("train", moved, "--json").code == 1
