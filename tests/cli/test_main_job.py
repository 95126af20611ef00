"""The main job on the seed, from `new` to `test`, with real training on the smallest shop."""

import subprocess

import pytest


@pytest.mark.training
@pytest.mark.timeout(900)
def test_new_train_diagnose_simulate_propose_apply_test(evolverec, tmp_path):
    repo = tmp_path / "shop"
    made = evolverec("new", "sasrec", repo, "--data", "shop-micro", "--json")
    assert made.code == 0 and (repo / ".git").is_dir()
    config = repo / "evolverec.toml"
    config.write_text(config.read_text().replace("max_epochs = 60", "max_epochs = 4"))

    trained = evolverec("train", repo, "--trust", "--json").document
    assert trained["status"] == "complete" and trained["epochs"] == 4
    findings = evolverec("diagnose", repo, "--json").document["findings"]
    assert any(finding["anchors"] for finding in findings)
    critiques = evolverec("simulate", repo, "--json").document["critiques"]
    assert all(critique["anchors"] for critique in critiques)

    proposals = evolverec("propose", repo, "--trials", 2, "--json").document["proposals"]
    assert len(proposals) == 2
    proposal = next(p for p in proposals if p["effect"])
    known = {finding["id"] for finding in findings} | {critique["id"] for critique in critiques}
    assert set(proposal["addresses"]) <= known

    subprocess.run(["git", "apply", "--check"], cwd=repo, input=proposal["patch"], text=True, check=True)
    assert evolverec("apply", repo, proposal["id"]).code == 0
    child = evolverec("train", repo, "--json").document
    assert child["trial"] == proposal["trials"][0]
    tested = evolverec("test", repo, "--json").document
    assert (tested["split"], tested["trial"]) == ("test", child["trial"])
    assert 0 < tested["metrics"]["NDCG@10"]["value"] < 1
