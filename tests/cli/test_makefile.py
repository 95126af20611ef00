"""`make clean` removes what make has made, and nothing that may be the user's."""

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_clean_keeps_the_demo_in_which_the_user_may_have_worked(tmp_path):
    shutil.copy(MAKEFILE, tmp_path)
    for path in ("demo-repo/model.py", "demo-repo/__pycache__/x", "notes.md", "server/mine.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("mine\n")
    kept = {path for path in tmp_path.rglob("*") if path.is_file()}
    for path in (".venv/bin/x", ".setup/python", "build/x", "test-output/x", "server/__pycache__/x"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    done = subprocess.run(["make", "clean"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == kept
    assert "demo-repo is kept" in done.stdout
