"""A fresh sasrec repo on the smallest shop, and an editor that a script drives on it.

What the fixtures cost: `repo` runs `evolverec` twice, seconds; `drive` is an editor with a server and its jobs, minutes.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import evolverec_entry
from tests.editors.main_flow import Seen, seen_in

CLIENTS = Path(evolverec_entry.__file__).parent / "editor-client"
EDITOR_S = 540


def run(*command: str | Path, timeout_s: int, **environment: str) -> str:
    """Its stdout. The test fails with all it said where it exits with anything but 0."""
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        encoding="utf-8",
        timeout=timeout_s,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Jobs outlive editors, so one that still runs is stopped in the end."""
    monkeypatch.setenv("EVOLVEREC_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    evolverec = (sys.executable, evolverec_entry.__file__)
    run(*evolverec, "new", "sasrec", tmp_path / "shop", "--data", "shop-micro", timeout_s=60)
    yield tmp_path / "shop"
    run(*evolverec, "stop", tmp_path / "shop", timeout_s=60)


@pytest.fixture
def drive(repo: Path) -> Callable[..., Seen]:
    """drive(command, client=the file that users load): what its user saw."""

    def drive_editor(*command: str | Path, client: str) -> Seen:
        environment = {
            "REPO": str(repo),
            "CLIENT": str(CLIENTS / client),
            "PY": sys.executable,
            "ENTRY": str(evolverec_entry.__file__),
            "TRIALS": "1",
        }
        return seen_in(run(*command, timeout_s=EDITOR_S, **environment))

    return drive_editor
