"""What was measured from the terminal shows in a real Emacs, through eglot."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

import evolverec_entry

ROOT = Path(evolverec_entry.__file__).parent
HERE = Path(__file__).parent


@pytest.mark.editor
@pytest.mark.training
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("emacs") is None, reason="needs Emacs: apt install emacs-nox elpa-eglot")
def test_findings_of_the_terminal_show_in_emacs(repo, run, evolverec):
    found = json.loads(evolverec("diagnose", str(repo), "--trust", "--json"))["findings"]
    places = {(f["anchors"][0]["path"], f["anchors"][0]["start_line"], f["message"]) for f in found}
    path = sorted(places)[-1][0]
    environment = {
        **os.environ,
        "FILE": str(repo / path),
        "CLIENT": str(ROOT / "editor-client" / "emacs" / "evolverec.el"),
        "PY": sys.executable,
        "ENTRY": evolverec_entry.__file__,
    }
    said = run("emacs", "-Q", "--batch", "-l", str(HERE / "drive_emacs.el"), env=environment, cwd=repo)
    facts = [line.split("\t") for line in said.splitlines()]
    shown = [(int(fact[1]), fact[2]) for fact in facts if fact[0] == "finding"]
    for place, line, message in places:
        if place == path:
            assert [text for at, text in shown if at == line and message in text], f"{message} in {shown}"
    assert ["done"] in facts
    (status,) = [fact[1] for fact in facts if fact[0] == "status"]
    assert status.startswith("NDCG@10 .")
    assert any(fact[0] == "action" and fact[1].startswith("Dismiss") for fact in facts)
