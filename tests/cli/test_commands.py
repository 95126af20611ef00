"""Commands that train nothing: what they print, what they write, how they end."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.domain.proposal import Verified
from evolution.repo.branches import commit_message
from evolution.store.store import Store
from server.cli import sarif

COMMANDS = {
    "new": ["sasrec", "DIR"],
    "check": ["REPO"],
    "train": ["REPO"],
    "diagnose": ["REPO"],
    "simulate": ["REPO"],
    "propose": ["REPO"],
    "improve": ["REPO"],
    "tune": ["REPO"],
    "test": ["REPO"],
    "apply": ["REPO", "none"],
    "diff": ["REPO", "none"],
    "runs": ["REPO"],
    "show": ["REPO", "none"],
    "report": ["REPO"],
    "stop": ["REPO"],
    "doctor": ["REPO"],
}
DOCTOR = pytest.param("doctor", marks=pytest.mark.process)  # asks the interpreter, in a process


def user_files(repo: Path) -> dict[str, bytes]:
    files = (p for p in sorted(repo.rglob("*")) if p.is_file() and ".evolverec" not in p.parts)
    return {path.relative_to(repo).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("command", [DOCTOR if name == "doctor" else name for name in COMMANDS])
def test_every_command_answers_with_one_json_document(evolverec, tmp_path, command):
    """On a folder that is no repo, or after no training: also an error is a document, and words for people."""
    folder = tmp_path / "empty"
    folder.mkdir()
    words = [{"REPO": folder, "DIR": tmp_path / "made"}.get(word, word) for word in COMMANDS[command]]
    answer = evolverec(command, *words, "--json")
    assert isinstance(answer.document, dict)
    if "error" in answer.document:
        assert answer.code in (1, 2)
        assert answer.document["error"]["message"] in answer.err
    else:
        assert answer.code == 0 and answer.err == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["train", "/no/such/folder"], 2, "is no folder"),
        (["train"], 2, "Missing argument"),
        (["fly"], 2, "No such command 'fly'"),
        (["train", "REPO", "--device", "abacus"], 2, "'abacus' is not one of 'auto', 'cpu', 'cuda', 'mps'"),
        (["train", "REPO", "--seed", "-1"], 2, "--seed is -1; expected a whole number, 0 or more"),
        (["train", "REPO", "--seed", "x"], 2, "--seed"),
        (["simulate", "REPO", "--users", "0"], 2, "--users"),
        (["simulate", "REPO", "--user", "u1"], 2, "give --session with it"),
        (["simulate", "REPO", "--session", "--llm-users", "3"], 2, "--llm-users cannot be given with --session"),
        (["propose", "REPO", "--trials", "0"], 2, "--trials"),
        (["improve", "REPO", "--trials", "0"], 2, "--trials"),
        (["evolve", "REPO", "--budget-usd", "-1"], 2, "--budget-usd is -1.0; expected a number, 0 or more"),
        (["evolve", "REPO", "--strategy", "wizard"], 2, "'wizard' is not one of 'directional'"),
        (["evolve", "REPO", "--resume", "--strategy", "directional"], 2, "--strategy cannot be given here"),
        (["evolve", "REPO", "--resume", "--seed", "1"], 2, "--seed cannot be given here: a resumed run goes on"),
        (["compare", "REPO", "--strategies", "nas,x"], 2, "--strategies is ['nas', 'x']; expected a list"),
        (["diagnose", "REPO", "--fail-on", "much"], 2, "expected error, warning or information"),
        (["new", "gru9rec", "/tmp/never-made"], 2, "sasrec"),
        (["new", "sasrec", "/tmp/never-made", "--data", "nowhere.inter"], 2, "does not exist"),
        (["train", "REPO"], 1, "--trust"),
        (["apply", "REPO", "zzzz"], 2, "run `evolverec propose` first"),
        (["show", "REPO", "zzzz"], 2, "`evolverec runs` lists them"),
        (["stop", "REPO", "zzzz"], 2, "no running job"),
        pytest.param(["doctor", "REPO", "--python", "/no/python"], 1, "", marks=pytest.mark.process),
    ],
)  # fmt: skip
def test_wrong_use_is_2_and_the_repos_fault_is_1(evolverec, repo, words, code, said):
    answer = evolverec(*[repo if word == "REPO" else word for word in words])
    assert answer.code == code and said in answer.err
    assert code == 1 or answer.out == ""


def test_the_language_server_says_how_it_is_started(evolverec):
    usage = "evolverec lsp [--stdio | --tcp HOST:PORT]"
    helped = evolverec("lsp", "--help")
    assert helped.code == 0 and usage in helped.out
    for wrong in (["--port", "1"], ["--tcp", "nowhere"], ["--tcp=host:99999"]):
        answer = evolverec("lsp", *wrong)
        assert answer.code == 2 and usage in answer.err and answer.out == ""
    assert usage in evolverec("--help").out


def test_a_wrong_config_is_named_by_file_and_line(evolverec, repo):
    (repo / "evolverec.toml").write_text(
        '[recommender]\nentry = "shelf:build"\nedits = 3\n[data]\nsource = "x"\n'
    )
    answer = evolverec("train", repo, "--trust", "--json")
    assert answer.code == 1
    said = answer.document["error"]
    assert (said["path"], said["line"]) == ("evolverec.toml", 3)
    assert (
        "unknown key; did you mean editable? Expected one of editable, entry, max_history" in said["message"]
    )


def test_broken_code_is_named_by_file_and_line(evolverec, repo):
    (repo / "loader.py").write_text("x = 1\ndef broken(:\n")
    answer = evolverec("check", repo, "--json")
    assert answer.code == 1 and answer.document["ok"] is False
    (error,) = [p for p in answer.document["problems"] if p["severity"] == "error"]
    assert (error["path"], error["line"]) == ("loader.py", 2) and "syntax" in error["message"]


def test_broken_data_is_named_by_file_line_and_column(evolverec, repo):
    log = repo / "log.inter"
    log.write_text("user_id:token\titem_id:token\ttimestamp:float\n1\ta\t10\n1\tb\tyesterday\n")
    config = repo / "evolverec.toml"
    config.write_text(config.read_text().replace('"shop-micro"', '"log.inter"'))
    answer = evolverec("check", repo, "--json")
    assert answer.code == 1
    (broken,) = [problem for problem in answer.document["problems"] if problem["severity"] == "error"]
    assert (broken["path"], broken["line"]) == ("log.inter", 3)
    for word in ("timestamp", "expected a number", "yesterday"):
        assert word in broken["message"]


def test_a_static_rule_is_shown_by_check_without_running_anything(evolverec, repo):
    answer = evolverec("check", repo, "--json")
    assert answer.code == 0 and answer.document["ok"] is True
    line = (repo / "shelf.py").read_text().splitlines().index(
        "            for start in range(0, EVENTS_PER_EPOCH, BATCH):"
    )  # fmt: skip
    assert [(p["path"], p["line"]) for p in answer.document["problems"]] == [("shelf.py", line + 1)]
    assert any("were not tried" in words and "--trust" in words for words in answer.document["passed"])


def test_apply_writes_the_patch_and_nothing_else(evolverec, repo, proposal):
    before = user_files(repo)
    answer = evolverec("apply", repo, proposal.id[:5], "--json")
    assert answer.code == 0
    assert answer.document == {
        "proposal": proposal.id, "title": proposal.idea.title, "files": ["shelf.py"], "branch": None,
    }  # fmt: skip
    after = user_files(repo)
    assert {name for name in after if after[name] != before.get(name)} == {"shelf.py"}
    assert b"shuffle=True" in after["shelf.py"]
    again = evolverec("apply", repo, proposal.id)
    assert again.code == 1 and "already there" in again.err


def test_apply_to_code_that_has_changed_writes_nothing(evolverec, repo, proposal):
    text = (repo / "shelf.py").read_text().replace("DataLoader(data.items, seed=seed)", "Other(data.items)")
    (repo / "shelf.py").write_text(text)
    answer = evolverec("apply", repo, proposal.id)
    assert answer.code == 1 and "the code has changed since this patch was measured" in answer.err
    assert (repo / "shelf.py").read_text() == text


def test_apply_to_a_branch_leaves_index_files_and_current_branch_alone(evolverec, repo, proposal, git):
    (repo / "staged.txt").write_text("staged\n")
    git("add", "staged.txt")
    (repo / "shelf.py").write_text((repo / "shelf.py").read_text() + "# not committed\n")
    head, status, index = git("rev-parse", "HEAD"), git("status", "--porcelain"), repo / ".git" / "index"
    before = ({n: b for n, b in user_files(repo).items() if not n.startswith(".git/")}, index.read_bytes())
    answer = evolverec("apply", repo, proposal.id, "--branch", "shuffled", "--json")
    assert answer.code == 0 and answer.document["branch"] == "shuffled"
    assert before == (
        {n: b for n, b in user_files(repo).items() if not n.startswith(".git/")},
        index.read_bytes(),
    )
    assert (git("rev-parse", "HEAD"), git("status", "--porcelain")) == (head, status)
    assert git("branch", "--show-current").strip() == "main"
    assert git("rev-parse", "shuffled^") == head
    assert git("diff", "--name-only", "main", "shuffled").split() == ["shelf.py"]
    message = git("log", "-1", "--format=%B", "shuffled")
    for words in (
        "Shuffle training examples\n\nNeighbours bias the batches.",
        "objective: .142 -> .171 (+.029, 95 % [+.021, +.035]), validation",
        "Rests on: Bengio, 1206.5533",
        f"evolverec proposal {proposal.id}, trials feedc0ffee01",
    ):
        assert words in message
    taken = evolverec("apply", repo, proposal.id, "--branch", "shuffled")
    assert taken.code == 2 and "exists already" in taken.err
    wrong = evolverec("apply", repo, proposal.id, "--branch", "no..name")
    assert wrong.code == 2 and "no..name" in wrong.err
    below = evolverec("apply", repo, proposal.id, "--branch", "shuffled/again")
    assert below.code == 1 and "so no branch was made" in below.err, "git has no branch below another"


def test_a_branch_runs_no_hook_that_came_with_the_repo(evolverec, repo, proposal, git, tmp_path):
    for name in ("reference-transaction", "post-index-change", "post-commit"):
        hook = repo / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    git("branch", "by-hand")
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    assert evolverec("apply", repo, proposal.id, "--branch", "shuffled").code == 0
    assert git("branch", "--list", "shuffled") and not (tmp_path / "ran").exists()


def test_a_branch_without_an_identity_says_what_git_wants_to_know(
    evolverec, repo, proposal, git, monkeypatch
):
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    git("config", "user.useConfigOnly", "true")
    answer = evolverec("apply", repo, proposal.id, "--branch", "shuffled")
    assert answer.code == 1 and "git config user.email" in answer.err
    assert git("branch", "--list", "shuffled") == ""


def test_a_branch_of_code_that_is_not_committed_says_that_it_is_not(evolverec, repo, proposal, git):
    git("rm", "-q", "--cached", "shelf.py")
    git("commit", "-q", "-m", "without the adapter")
    answer = evolverec("apply", repo, proposal.id, "--branch", "shuffled")
    assert answer.code == 1
    assert "the last commit has another shelf.py than the disk" in answer.err and "Commit first" in answer.err
    assert git("branch", "--list", "shuffled") == ""


def test_the_commit_of_an_unverified_patch_says_so(proposal):
    assert "Not verified" not in commit_message(proposal)
    why = "the objective's change lies in [-0.0010, +0.0020], so it may be no gain at all"
    unsure = replace(proposal, verified=Verified.NO, why_not=why)
    assert f"Not verified: {why}." in commit_message(unsure)


def test_diff_is_taken_by_git_apply(evolverec, repo, proposal, git):
    git("apply", "--check", stdin=evolverec("diff", repo, proposal.id, "--json").document["diff"])
    git("apply", stdin=evolverec("diff", repo, proposal.id).out)
    assert "shuffle=True" in (repo / "shelf.py").read_text()


def test_a_table_of_runs_shows_figures_with_their_intervals(evolverec, repo, proposal):
    shown = evolverec("runs", repo).out
    assert all(figure in shown for figure in (".170", "[.160,", ".180]"))


def test_runs_and_show_tell_what_is_stored(evolverec, repo, proposal, fits):
    runs = evolverec("runs", repo, "--json").document
    fits(runs, {"trials": [{"trial": str, "created_at": float}], "proposals": [{"id": str}], "jobs": [dict]})
    assert [t["trial"] for t in runs["trials"]] == ["feedc0ffee01"]
    assert [p["verified"] for p in runs["proposals"]] == ["gain"]
    trial = evolverec("show", repo, "feedc", "--json").document
    assert (trial["kind"], trial["trial"], trial["test_reads"]) == ("trial", "feedc0ffee01", [])
    shown = evolverec("show", repo, "abcd", "--json").document
    assert (shown["kind"], shown["effect"]["low"]) == ("proposal", 0.0213)
    for words in (["runs", repo], ["show", repo, "feedc"], ["show", repo, "abcd"]):
        assert evolverec(*words).code == 0


def test_a_job_whose_process_is_gone_is_shown_as_lost(evolverec, repo):
    gone = JobRecord(
        id="train-dead", kind=JobKind.TRAIN, state=JobState.RUNNING, pid=2**22 + 1, pid_started=1.0,
        created_at=time.time(),
    )  # fmt: skip
    with Store.open(repo) as store:
        store.put_job(gone)
    (job,) = evolverec("runs", repo, "--json").document["jobs"]
    assert (job["id"], job["state"]) == ("train-dead", "lost")
    assert evolverec("stop", repo, "--json").document["stopped"] == []
    shown = evolverec("show", repo, "train-dead", "--json").document
    assert (shown["kind"], shown["job"]) == ("job", "train")


@pytest.mark.process
def test_doctor_names_what_is_missing_and_the_command_that_helps(evolverec, repo, fits):
    check = {"name": str, "ok": bool, "message": str, "needed": bool}
    well = evolverec("doctor", repo, "--json")
    fits(well.document, {"ok": bool, "checks": [check]})
    assert well.code == 0 and well.document["ok"]
    ill = evolverec("doctor", repo, "--python", "/no/python", "--json")
    (wrong,) = [c for c in ill.document["checks"] if c["needed"] and not c["ok"]]
    assert ill.code == 1 and wrong["name"] == "interpreter" and "--python" in wrong["help"]


def test_sarif_has_a_rule_per_code_and_a_result_per_finding():
    anchor = {"path": "model.py", "start_line": 3, "end_line": 4}
    other = {"path": "train.py", "start_line": 9, "end_line": 9}
    finding = {
        "id": "i1", "code": "collapse", "severity": "warning", "message": "m", "why": "w", "definition": "",
        "anchors": [anchor, other], "nature": "symptom", "explained_by": "x", "healed_by": "", "ruled_out": [],
        "source": "probe", "title": "Rows collapse",
    }  # fmt: skip
    log = sarif.sarif(
        {"findings": [finding, {**finding, "id": "i2", "severity": "information", "anchors": []}]}
    )
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    (ran,) = log["runs"]
    assert [rule["id"] for rule in ran["tool"]["driver"]["rules"]] == ["collapse"]
    first, second = ran["results"]
    assert (first["ruleIndex"], first["level"], second["level"]) == (0, "warning", "note")
    assert first["message"]["text"] == "Rows collapse: m"
    place = first["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "model.py"}, "region": {"startLine": 3, "endLine": 4},
    }  # fmt: skip
    assert (first["properties"]["nature"], first["properties"]["explained_by"]) == ("symptom", "x")
    assert len(first["relatedLocations"]) == 1 and second["locations"] == []
    json.dumps(log, allow_nan=False)


def test_a_demo_deletes_no_repo_but_one_of_its_own(evolverec, repo, proposal):
    before = user_files(repo)
    assert (repo / ".evolverec").is_dir()
    answer = evolverec("demo", repo)
    assert answer.code == 2 and "no earlier demo" in answer.err
    assert user_files(repo) == before
