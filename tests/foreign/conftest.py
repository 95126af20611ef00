"""Repos that do not know evolverec, imported the way a worker imports them: from their own folder.

What the fixtures cost: importing torch, seconds, once in a process. No process is started.
"""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.imported import forgetting

SCRIPT = Path(__file__).parent / "sasrec_script"


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The script's adapter, under a foreign command line and without a data file in the working directory."""
    monkeypatch.setattr(sys, "argv", ["worker", "--no-such-option", "7"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(SCRIPT)
    with forgetting(SCRIPT):
        yield importlib.import_module("adapter")
