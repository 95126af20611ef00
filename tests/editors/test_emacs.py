"""The whole main flow through a real Emacs and eglot, on a real repo, with real training."""

import shutil
from pathlib import Path

import pytest

from tests.editors import main_flow

HERE = Path(__file__).parent


@pytest.mark.editor
@pytest.mark.training
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("emacs") is None, reason="needs Emacs: apt install emacs-nox elpa-eglot")
def test_the_main_flow_in_emacs(repo, drive):
    seen = drive("emacs", "-Q", "--batch", "-l", HERE / "drive_emacs.el", client="emacs/evolverec.el")
    main_flow.check(seen, repo)
    assert seen["browsed"] == [(repo / ".evolverec" / "report.html").as_uri()]
