"""A fresh sasrec repo on the smallest shop, and a way to run what a user would run."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evolverec_entry

Run = Callable[..., str]


@pytest.fixture
def run() -> Run:
    """Run a command; its stdout. The test fails with all it said where it exits with anything but 0."""

    def run_command(*command: str, **more: Any) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=840, **more)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run_command


@pytest.fixture
def evolverec(run: Run) -> Run:
    return lambda *arguments: run(sys.executable, str(evolverec_entry.__file__), *arguments)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evolverec: Run) -> Path:
    monkeypatch.setenv("EVOLVEREC_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    evolverec("new", "sasrec", str(tmp_path / "shop"), "--data", "shop-micro")
    return tmp_path / "shop"
