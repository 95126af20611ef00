"""Shared by all tests: the user's own configuration is never touched, threads are few, real data is found or skipped."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.llm.plugin"]

os.environ.setdefault("OMP_NUM_THREADS", "1")
LLM = (
    "EVOLVEREC_LLM_BASE_URL",
    "EVOLVEREC_LLM_KEY",
    "EVOLVEREC_LLM_MODEL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
)
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder of the test's own, for trust and the machine's mark; also seen by child processes."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("EVOLVEREC_CONFIG_HOME", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    names = ("EVOLVEREC_PYTHON", "EVOLVEREC_SLOTS", "PYTHONPATH", *LLM)
    for name in names:
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def shared_data() -> Path:
    """The folder of real logs; a test that needs it is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data at {SHARED_DATA}")
    return SHARED_DATA
