"""The whole main job through a real headless Neovim, on a real repo, with real training."""

import os
import shutil
import sys
from pathlib import Path

import pytest

import evolverec_entry
from evolution.applying import is_applied
from evolution.store import Store

ROOT = Path(evolverec_entry.__file__).parent
HERE = Path(__file__).parent


@pytest.mark.editor
@pytest.mark.training
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("nvim") is None, reason="needs Neovim 0.7 or later: apt install neovim")
def test_the_main_job_in_neovim(repo, run):
    head = run("git", "-C", str(repo), "rev-parse", "HEAD")
    environment = {
        **os.environ,
        "FILE": str(repo / "recommender.py"),
        "PLUGIN": str(ROOT / "editor-client" / "neovim" / "evolverec.lua"),
        "PY": sys.executable,
        "ENTRY": evolverec_entry.__file__,
        "TRIALS": "3",
    }
    command = (
        "nvim",
        "--headless",
        "--clean",
        "-n",
        "-i",
        "NONE",
        "-c",
        f"luafile {HERE / 'drive_nvim.lua'}",
    )
    facts = [line.split("\t") for line in run(*command, env=environment, cwd=repo).splitlines()]
    seen = {fact[0]: fact[1:] for fact in facts}
    assert "done" in seen
    assert seen["before"] == ["evolverec: not trained yet"]
    assert seen["trained"][0].startswith("NDCG@10 .")
    assert "measured on an earlier version" in seen["lens"][0]
    with Store.open(repo) as store:
        check_findings([fact[1:] for fact in facts if fact[0] == "finding"], store)
        (applied,) = [proposal for proposal in store.proposals() if proposal.state == "applied"]
    assert seen["took"][0].startswith(f"{applied.idea.title}: objective .")
    assert is_applied(applied.patch.edits, lambda path: (repo / path).read_text())
    # the user's git saw nothing but the editor's own save
    assert run("git", "-C", str(repo), "rev-parse", "HEAD") == head
    assert run("git", "-C", str(repo), "status", "--porcelain").split() == ["M", "recommender.py"]


def check_findings(shown, store):
    """Each finding of the trial in this file stands, in the editor, on the line it is anchored to."""
    diagnosed = next(job for job in store.jobs() if job.kind == "diagnose")
    expected = {
        (finding["code"], str(finding["anchors"][0]["start_line"]), "evolverec")
        for finding in diagnosed.result["findings"]
        if finding["anchors"][0]["path"] == "recommender.py"
    }
    assert expected and expected <= {tuple(fact) for fact in shown}
