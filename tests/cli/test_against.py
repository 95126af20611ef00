"""`check --against`: what a repo printed is held against a measured trial, in words and on lines."""

import pytest

from server.cli.exporting import stored_tables


@pytest.mark.process
@pytest.mark.timeout(600)
def test_printed_figures_agree_are_explained_or_are_not(evolverec, repo, tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("test HR@10: 0.5")
    early = evolverec("check", repo, "--against", log, "--json")
    assert early.code == 2 and "run `evolverec train` first" in early.err
    assert evolverec("train", repo, "--trust", "--json").code == 0
    ours = {row["metric"]: row["value"] for row in stored_tables(repo)["metrics"]}

    log.write_text(f"valid HR@10: {ours['HR@10']:.4f} NDCG@10: {ours['NDCG@10']:.4f}")
    (agreeing,) = figures(evolverec, repo, log)
    assert agreeing["outcome"] == "agrees" and agreeing["ours_on"] == "validation"

    log.write_text(f"HR@10: {ours['sampled-HR@10']:.4f} NDCG@10: {ours['sampled-NDCG@10']:.4f}")
    (sampled,) = figures(evolverec, repo, log)
    assert sampled["outcome"] == "explained" and not sampled["anchors"]
    assert (
        "100 sampled items" in {found["among"] for found in sampled["explained_by"]}
        or "100" in sampled["message"]
    )
    assert "which no line of the code was seen to do" in sampled["message"]

    log.write_text("| model | HR@10 | NDCG@10 |\n|---|---|---|\n| ours | 99.9 | 1.2 |\n")
    said = evolverec("check", repo, "--against", log, "--json")
    assert said.code == 0
    (unexplained,) = said.document["figures"]
    assert unexplained["outcome"] == "not explained" and unexplained["log_line"] == 3
    (problem,) = [p for p in said.document["problems"] if p["message"].startswith("own-figure-differs")]
    assert problem["path"] == "shelf.py" and "not explained" in problem["message"]

    log.write_text("it went well")
    nothing = evolverec("check", repo, "--against", log, "--json")
    assert nothing.code == 2 and "no figures were found" in nothing.err
    (log).unlink()
    assert evolverec("check", repo, "--against", log, "--json").code == 2


def figures(evolverec, repo, log):
    return evolverec("check", repo, "--against", log, "--json").document["figures"]
