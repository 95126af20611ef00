"""`accept` and `pull-request` in the terminal; what the baseline accepts in `diagnose`, its exit code, and SARIF."""

import re
import tomllib
from typing import Any

import typer
import yaml

from evolution.domain.feedback import Feedback
from evolution.domain.trial import Trial, TrialKey, TrialStatus
from evolution.store.documents import diagnose_document
from evolution.store.store import Store
from server.cli.app import app
from server.cli.output import reaches
from server.cli.sarif import sarif
from tests.conftest import ROOT
from tests.findings import make_finding


def test_accepting_needs_a_reason_and_is_done_once(evolverec, repo):
    assert "--reason" in evolverec("accept", repo, "popularity-bias").err
    first = evolverec("accept", repo, "popularity-bias", "--reason", "Known.", "--path", "shelf.py", "--json")
    assert first.document == {
        "file": "evolverec.baseline.toml", "code": "popularity-bias", "path": "shelf.py", "reason": "Known.",
        "added": True,
    }  # fmt: skip
    again = evolverec("accept", repo, "popularity-bias", "--reason", "Other.", "--path", "shelf.py")
    assert again.out == "popularity-bias was accepted there already\n"
    told = tomllib.loads((repo / "evolverec.baseline.toml").read_text())
    assert told == {"accepted": [{"code": "popularity-bias", "path": "shelf.py", "reason": "Known."}]}


def test_a_code_that_no_finding_has_is_refused_with_the_one_that_is_meant(evolverec, repo):
    refused = evolverec("accept", repo, "popularity-bais", "--reason", "Known.")
    assert refused.code == 2 and "no code of a finding; did you mean popularity-bias?" in refused.err
    assert "expected one such as" in evolverec("accept", repo, "zzzzzz", "--reason", "Known.").err
    assert not (repo / "evolverec.baseline.toml").exists()
    assert evolverec("accept", repo, "overused-popularity", "--reason", "Known.").code == 0, "users say it"


def test_a_code_that_only_this_repo_has_can_be_accepted(evolverec, repo):
    with Store.open(repo) as store:
        key = TrialKey(program="p", data="d", training="t", seed=0, device="cpu/1", harness="h")
        store.put_trial(Trial(id="t", key=key, status=TrialStatus.COMPLETE, created_at=0.0, wall_s=1.0))
        evolved = {"e1": (make_finding("evolved-by-nobody-else"),)}
        store.put_feedback(Feedback(trial="t", program="p", created_at=0.0, evolved_findings=evolved))
    slip = evolverec("accept", repo, "evolved-by-nobody-ekse", "--reason", "Known.")
    assert slip.code == 2 and "did you mean evolved-by-nobody-else?" in slip.err
    assert evolverec("accept", repo, "evolved-by-nobody-else", "--reason", "Known.").code == 0


def test_an_evolved_probe_of_another_machine_can_be_accepted_where_there_is_no_store(evolverec, repo):
    assert Store.open_existing(repo) is None, "as in a fresh clone"
    assert evolverec("accept", repo, "evolved-missed-sequence", "--reason", "Known.").code == 0


def test_what_is_accepted_is_listed_apart_and_fails_nothing():
    key = TrialKey(program="p", data="d", training="t", seed=0, device="cpu/1", harness="h")
    trial = Trial(id="t", key=key, status=TrialStatus.COMPLETE, created_at=0.0, wall_s=1.0)
    findings = (make_finding("popularity-bias", id="a"), make_finding("overconfidence", id="b"))
    feedback = Feedback(trial="t", program="p", created_at=0.0, findings=findings)
    both = diagnose_document(trial, feedback, {"a", "b"}, {"a": "Known.", "b": "Known too."})
    assert both["findings"] == [] and not reaches(both, "information")
    one = diagnose_document(trial, feedback, {"a"}, {"a": "Known."})
    assert [found["code"] for found in one["findings"]] == ["overconfidence"] and reaches(one, "warning")
    assert [(found["code"], found["reason"]) for found in one["accepted"]] == [("popularity-bias", "Known.")]
    results = sarif(one)["runs"][0]["results"]
    assert [result.get("suppressions", []) for result in results] == [
        [],
        [{"kind": "external", "status": "accepted", "justification": "Known."}],
    ]


def test_a_wrong_baseline_stops_the_command_with_its_line(evolverec, repo):
    (repo / "evolverec.baseline.toml").write_text("accepted = 3\n")
    refused = evolverec("accept", repo, "popularity-bias", "--reason", "Known.", "--json")
    assert refused.code == 1
    said = refused.document["error"]
    assert (said["path"], said["line"]) == ("evolverec.baseline.toml", 1) and "[[accepted]]" in said[
        "message"
    ]


def test_a_proposal_is_printed_as_the_text_of_a_pull_request(evolverec, repo, proposal):
    text = evolverec("pull-request", repo, proposal.id[:6]).out
    assert text.startswith("Shuffle training examples\n\nNeighbours bias the batches.\n\nA verified gain")
    assert "| objective | .142 | .171 | +20 %, 95 % [+15, +25] % |" in text and "Source: Bengio" in text
    assert evolverec("pull-request", repo, "zzzz").code == 2


def _yaml_of(page: str) -> list[dict]:
    found = re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    return [yaml.safe_load(text) for text in found]


def _commands(page: str) -> list[list[str]]:
    """Every command line of evolverec that the page of CI has, in its blocks."""
    blocks = re.findall(r"```\w*\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    told = [re.sub(r"^(?:- )?(?:run|entry): ", "", line) for line in lines]
    return [line.partition(" #")[0].split()[1:] for line in told if line.startswith("evolverec ")]


def test_the_page_of_ci_is_yaml_whose_commands_exist():
    workflow, hooks = _yaml_of("docs/ci.md")
    steps = workflow["jobs"]["evolverec"]["steps"]
    assert any("upload-artifact" in step.get("uses", "") for step in steps)
    assert any("upload-sarif" in step.get("uses", "") for step in steps)
    assert hooks["repos"][0]["hooks"] == [{"id": "evolverec-check"}]
    commands = _commands("docs/ci.md")
    assert {words[0] for words in commands} >= {"diagnose", "report", "check", "accept"}
    for words in commands:
        _parses(words)


def _parses(words: list[str]) -> None:
    """The command and its options are known."""
    group: Any = typer.main.get_command(app)
    command = group.commands[words[0]]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert [word for word in words if word.startswith("-") and word not in options] == []


def test_the_hook_of_pre_commit_checks_this_repo_as_git_would(evolverec, repo):
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    words = hook["entry"].split()
    assert words[0] == "evolverec" and hook["pass_filenames"] is False
    assert evolverec(*[str(repo) if word == "." else word for word in words[1:]]).code == 0
    config = repo / "evolverec.toml"
    config.write_text(config.read_text().replace("shelf:build", "shelf:biuld"))
    broken = evolverec(*[str(repo) if word == "." else word for word in words[1:]])
    assert broken.code == 1 and "has no biuld" in broken.out
    assert all(re.search(hook["files"], name) for name in ("evolverec.toml", "a/model.py"))
