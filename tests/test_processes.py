"""A test without a mark starts nothing that takes long."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import is_quick


def test_an_unmarked_test_that_starts_a_process_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"test_an_unmarked_test.* has none of the marks process"):
        subprocess.run([sys.executable, "-m", "evolution.jobs.main"])


@pytest.mark.process
def test_a_marked_one_may() -> None:
    assert subprocess.run([sys.executable, "-m", "this"], capture_output=True).returncode == 0


def test_git_make_and_one_liners_are_quick() -> None:
    assert is_quick("git") and is_quick([Path("/usr/bin/git"), "init"]) and is_quick(["make", "clean"])
    assert is_quick([sys.executable, "-E", "-c", "pass"])
    assert not is_quick([sys.executable, "-E", "worker.pyz", "-c"]) and not is_quick(
        [sys.executable, "-m", "x"]
    )
