"""The package for notebooks: the command line's documents as frames, in a process that stays clean."""

import subprocess
import sys
import time

import polars as pl
import pytest

import evolverec
from evolverec import answers, running
from tests.conftest import ROOT

CLEAN = """
import sys
sys.path.insert(0, {root!r})
import evolverec
repo = evolverec.open({repo!r})
print(repo.trials().height, repo.proposals().frame["id"].to_list())
print({{name.split(".")[0] for name in sys.modules}} & {{"torch", "server", "evolution", "diagnosis", "simulator", "seeds"}})
"""

INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes ignore it
sys.path.insert(0, {root!r})
import evolverec
evolverec.open({repo!r}).train(trust=True)
"""


def test_a_repo_answers_with_frames_and_leaves_the_process_clean(repo, proposal):
    code = CLEAN.format(root=str(ROOT), repo=str(repo))
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert said.stdout.splitlines() == [f"1 ['{proposal.id}']", "set()"]


@pytest.mark.process
def test_what_cannot_be_done_is_an_error_with_the_commands_words(repo, tmp_path, capfd):
    with pytest.raises(FileNotFoundError, match=r"no evolverec.toml"):
        evolverec.open(tmp_path)
    with pytest.raises(evolverec.CommandError, match="no single proposal") as caught:
        evolverec.open(repo).apply("absent")
    assert caught.value.exit_code == 2


def test_frames_have_the_same_types_with_and_without_rows():
    empty = answers.Proposals(document={"proposals": []}).frame
    effect = {"metric": "objective", "before": 0.1, "after": 0.2, "low": 0.05, "high": 0.15}
    one = {"id": "a", "title": "t", "verified": False, "effect": effect, "state": "open"}
    full = answers.Proposals(document={"proposals": [one]})
    assert full.frame.schema == empty.schema and full.frame["verified"].to_list() == ["no"]
    assert full.frame["before"].to_list() == [0.1] and "1 proposals, 0 verified" in repr(full)
    assert "<table" in full._repr_html_()


def test_a_finding_names_its_first_line():
    anchors = [
        {"path": "a.py", "start_line": 3, "end_line": 4},
        {"path": "b.py", "start_line": 9, "end_line": 9},
    ]
    finding = {"severity": "warning", "code": "c", "message": "m", "nature": "cause", "anchors": anchors}
    told = answers.Diagnosis(document={"trial": "t", "verdict": None, "findings": [finding]})
    assert told.findings.select("path", "line").rows() == [("a.py", 3)]
    assert told.findings.schema["value"] == pl.Float64


@pytest.mark.process
@pytest.mark.timeout(600)
def test_an_interrupted_cell_cancels_its_job(repo, tmp_path):

    slow = "import time\n" + (repo / "shelf.py").read_text()
    slow = slow.replace("def build(", "time.sleep(600)\n\n\ndef build(", 1)
    (repo / "shelf.py").write_text(slow)
    code = INTERRUPTED.format(root=str(ROOT), repo=str(repo))
    cell = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not _running(repo) and time.monotonic() < deadline:
        time.sleep(0.2)
    cell.send_signal(running.signal.SIGINT)
    _, err = cell.communicate(timeout=120)
    assert cell.returncode != 0 and "KeyboardInterrupt" in err
    states = [job["state"] for job in evolverec.open(repo)._run("runs")["jobs"]]
    assert states == ["cancelled"]


def _running(repo):
    return any(job["state"] == "running" for job in evolverec.open(repo)._run("runs")["jobs"])
