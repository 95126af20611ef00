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


@pytest.mark.training
@pytest.mark.timeout(900)
def test_a_repair_that_changes_no_figure_is_verified_by_its_first_epochs(evolverec, tmp_path):
    repo = tmp_path / "shop"
    evolverec("new", "sasrec", repo, "--data", "shop-micro", "--json")
    config, code = repo / "evolverec.toml", repo / "recommender.py"
    short = config.read_text().replace("max_epochs = 60", "max_epochs = 4")
    config.write_text(short.replace("patience = 5", "patience = 4"))
    read, summed = "total += loss.item()", "total += loss.detach()"
    code.write_text(code.read_text().replace(f"{summed} * len(batch.targets)", read))
    assert read in code.read_text()

    proposals = evolverec("propose", repo, "--trials", 1, "--trust", "--json").document["proposals"]
    repair = next(one for one in proposals if one["recipe"] == "sum-loss-as-tensor")
    assert (repair["verified"], repair["fixed"]) == ("fix", ["loss-read-at-every-step"])
    assert repair["effect"] is None and repair["compared"].startswith("Its first 2 epochs equal those of")
    assert len(proposals) == 2  # it takes no trial from another patch
    assert evolverec("apply", repo, repair["id"]).code == 0
    assert summed in code.read_text()
    trained = evolverec("train", repo, "--json").document  # a training of two epochs answers for nothing else
    assert (trained["trial"], trained["epochs"]) == (repair["trials"][0], 4)
