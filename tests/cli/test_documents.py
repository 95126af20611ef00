"""The documents that others script against, from real jobs on a numpy repo: every promised key, and the exit codes."""

import json
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.training
NUMBER = (int, float)
MAYBE = (str, type(None))
INTERVAL = {"value": NUMBER, "low": NUMBER, "high": NUMBER}
ANCHOR = {"path": str, "start_line": int, "end_line": int}
EFFECT = {"metric": str, "before": float, "after": float, "low": float, "high": float}
TRAIN = {
    "trial": str, "status": str, "reason": MAYBE, "split": str, "epochs": int, "wall_s": float,
    "metrics": dict.fromkeys(("NDCG@10", "HR@5", "HR@10", "NDCG@5"), INTERVAL),
    "remarks": [str],
}  # fmt: skip
FINDING = {
    "id": str, "code": str, "severity": str, "message": str, "value": (*NUMBER, type(None)),
    "reference": (*NUMBER, type(None)), "anchors": [ANCHOR],
}  # fmt: skip
FIDELITY = {"auc": float, "low": float, "high": float}
CRITIQUE = {"id": str, "code": str, "message": str, "share": float, "quotes": list, "anchors": [ANCHOR]}
PROPOSAL = {
    "id": str, "title": str, "addresses": [str], "verified": (str, bool), "effect": EFFECT, "patch": str,
}  # fmt: skip


def test_documents_of_the_whole_job_have_their_promised_shapes(evolverec, repo, fits, git, tmp_path):
    trained = evolverec("train", repo, "--trust", "--json")
    fits(trained.document, TRAIN)
    assert (trained.code, trained.err) == (0, "")
    assert (trained.document["status"], trained.document["split"]) == ("complete", "validation")

    report = tmp_path / "report.sarif"
    diagnosed = evolverec("diagnose", repo, "--sarif", report, "--fail-on", "warning", "--json")
    fits(diagnosed.document, {"findings": [FINDING], "remarks": [str]})
    told = [remark for remark in trained.document["remarks"] if "no torch calls" in remark]
    assert told and told[0] in diagnosed.document["remarks"]
    for command in ("train", "diagnose"):
        assert told[0] in evolverec(command, repo).out
    findings = diagnosed.document["findings"]
    severities = {finding["severity"] for finding in findings}
    assert diagnosed.code == 1 and severities & {"warning", "error"}
    strict = evolverec("diagnose", repo, "--fail-on", "error", "--json")
    assert strict.code == int("error" in severities)
    assert evolverec("diagnose", repo, "--json").code == 0
    for anchor in (anchor for finding in findings for anchor in finding["anchors"]):
        assert 1 <= anchor["start_line"] <= anchor["end_line"]
        assert anchor["end_line"] <= len((repo / anchor["path"]).read_text().splitlines())
    (ran,) = json.loads(report.read_text())["runs"]
    assert [result["partialFingerprints"]["evolverecFinding/v1"] for result in ran["results"]] == [
        finding["id"] for finding in findings
    ]

    simulated = evolverec("simulate", repo, "--users", 50, "--json").document
    fits(simulated, {"users": int, "fidelity": FIDELITY, "critiques": [CRITIQUE]})
    assert simulated["users"] == 50

    proposed = evolverec("propose", repo, "--json").document
    fits(proposed, {"proposals": [PROPOSAL]})
    (proposal,) = proposed["proposals"]
    assert proposal["verified"] in ("gain", "fix", False)
    assert set(proposal["addresses"]) & {finding["id"] for finding in findings}
    git("apply", "--check", stdin=proposal["patch"])
    effect = proposal["effect"]
    change = (
        effect["after"] - effect["before"]
    )  # of two rounded means, so that it can leave a narrow interval
    assert effect["low"] - 1e-8 <= change <= effect["high"] + 1e-8

    tested = evolverec("test", repo, "--json").document
    fits(tested, TRAIN)
    assert (tested["split"], tested["trial"], tested["test_reads"]) == ("test", trained.document["trial"], 1)
    assert tested["metrics"]["NDCG@10"] != trained.document["metrics"]["NDCG@10"]
    assert evolverec("test", repo, "--json").document["test_reads"] == 2

    assert evolverec("apply", repo, proposal["id"]).code == 0
    child = evolverec("train", repo, "--json").document
    assert child["trial"] == proposal["trials"][0]  # the same tree is the same trial: nothing was trained


def test_a_program_that_fails_is_a_document_with_its_reason_and_exit_1(evolverec, repo, fits):
    file = repo / "shelf.py"
    file.write_text(file.read_text().replace("self.loader.renew()", "self.lauder.renew()"))
    answer = evolverec("train", repo, "--trust", "--json")
    fits(answer.document, {**TRAIN, "metrics": dict})
    assert (answer.code, answer.document["status"], answer.document["reason"]) == (1, "failed", "crash")
    assert "lauder" in answer.document["message"] and answer.document["path"] == "shelf.py"
    diagnosed = evolverec("diagnose", repo, "--json")
    assert diagnosed.code == 1 and "lauder" in diagnosed.document["error"]["message"]


def test_stop_ends_a_running_train_with_130(repo):
    import subprocess
    import time

    import evolverec_entry

    file = repo / "shelf.py"
    file.write_text(file.read_text().replace("PAUSE_S = 0.02", "PAUSE_S = 30.0"))
    command = [sys.executable, str(Path(evolverec_entry.__file__))]
    with subprocess.Popen([*command, "train", str(repo), "--trust", "--json"], stdout=-1, stderr=-1) as train:
        while not list(repo.glob(".evolverec/trials/*/work")):
            time.sleep(0.05)
        stop = subprocess.run([*command, "stop", str(repo), "--json"], capture_output=True, check=True)
        assert len(json.loads(stop.stdout)["stopped"]) == 1
        out, _ = train.communicate(timeout=30)
    assert train.returncode == 130
    assert "cancelled" in json.loads(out)["error"]["message"]
