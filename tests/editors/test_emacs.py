"""The whole main flow through a real Emacs and eglot, on a real repo, with real training."""

import json
import shutil
from pathlib import Path

import pytest

from tests.editors import main_flow
from tests.editors.conftest import CLIENTS, run

HERE = Path(__file__).parent


@pytest.mark.editor
@pytest.mark.training
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("emacs") is None, reason="needs Emacs: apt install emacs-nox elpa-eglot")
def test_the_main_flow_in_emacs(repo, drive):
    seen = drive("emacs", "-Q", "--batch", "-l", HERE / "drive_emacs.el", client="emacs/evolverec.el")
    main_flow.check(seen, repo)
    assert seen["browsed"] == [(repo / ".evolverec" / "report.html").as_uri()]


CHOOSING = """(progn
  (require 'package)
  (add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa")
  (package-initialize)
  (load "{client}" nil t)
  (advice-add 'completing-read :override (lambda (_ names &rest _) (car (last names))))
  (let ((given (json-parse-string "{given}" :object-type 'plist)))
    (princ (evolverec--chosen given :proposal))
    (princ (evolverec--chosen '(:proposal "alone") :proposal))))"""


@pytest.mark.editor
@pytest.mark.skipif(shutil.which("emacs") is None, reason="needs Emacs: apt install emacs-nox elpa-eglot")
def test_what_is_offered_for_several_patches_asks_which_in_emacs():
    """Names have spaces, commas and signs, which a keyword of Lisp must keep."""
    choices = {
        "Full softmax loss": {"proposal": "p1"},
        "Sampled softmax, many (64) + mask": {"proposal": "p2"},
    }
    given = json.dumps({"repo": "/r", "question": "Show diff: which?", "choices": choices}).replace(
        '"', '\\"'
    )
    form = CHOOSING.format(client=CLIENTS / "emacs" / "evolverec.el", given=given)
    assert run("emacs", "-Q", "--batch", "--eval", form, timeout_s=60) == "p2alone"
