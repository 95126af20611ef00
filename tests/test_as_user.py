"""Tests that run as an ordinary user are one: he owns nothing, and finds the interpreter wherever root keeps it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.as_user import ROOT, closed_folder, opening, problem

pytestmark = pytest.mark.process


@pytest.fixture
def possible() -> None:
    if problem():
        pytest.skip(problem())


def as_user(code: str) -> str:
    command = [sys.executable, ROOT / "tests" / "as_user.py", sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.usefixtures("possible")
def test_he_reads_what_he_may_and_no_more(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    assert as_user(f"import os; print(os.getuid() != 0, os.access({str(secret)!r}, os.R_OK))") == "True False"
    assert as_user("import numpy, evolution; print('there')") == "there"


@pytest.mark.usefixtures("possible")
def test_his_home_is_his_own_and_is_gone_afterwards() -> None:
    home = as_user("import os; open(os.environ['HOME'] + '/mine', 'w'); print(os.environ['HOME'])")
    assert not Path(home).exists()


def test_what_lies_in_a_closed_folder_is_shown_without_the_rest(tmp_path: Path) -> None:
    (tmp_path / "closed" / "inner").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    found = closed_folder(tmp_path / "closed" / "inner")
    assert found is not None and (tmp_path / "closed").is_relative_to(found)
    assert any(
        "tmpfs" in line and str(found) in line for line in opening([tmp_path / "closed" / "inner"], tmp_path)
    )
