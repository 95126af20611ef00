"""Shared by all tests: the user's own configuration is never touched, threads are few, real data is found or skipped.

What the fixtures cost: milliseconds for each test. Nothing here starts a process; tests/processes.py holds the others to their marks.
"""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from evolution.repo.consents import agree_to_no_sandbox
from evolution.trials.sandbox import BWRAP
from seeds import new
from seeds.loading import formats
from seeds.loading.format import Format

pytest_plugins = [
    "tests.hostile",
    "tests.llm.plugin",
    "tests.one_line",
    "tests.processes",
    "tests.trials",
    "tests.evolution.trials.forged",
]

os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("the same on every machine", derandomize=True, database=None)
settings.load_profile("the same on every machine")
LLM = (
    "EVOLVEREC_LLM_BASE_URL",
    "EVOLVEREC_LLM_KEY",
    "EVOLVEREC_LLM_MODEL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
)
ROOT = Path(__file__).resolve().parents[1]
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
    if not Path(BWRAP).exists():
        agree_to_no_sandbox()  # the tests go on there; tests/adversarial/test_without_sandbox.py is about the question
    return folder


@pytest.fixture
def shared_data() -> Path:
    """The folder of real logs; a test that needs it is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture
def jsonl(monkeypatch: pytest.MonkeyPatch) -> Format:
    """Atomic files, and a format that the product does not have, as if it alone had been added: events as JSON lines, in
    `*.jsonl` and in the folder `shards` beside it."""

    def files_of(path: Path) -> tuple[Path, ...]:
        found = sorted(path.glob("*.jsonl")) if path.is_dir() else [path] if path.suffix == ".jsonl" else []
        return tuple(file for log in found for file in (log, *sorted((log.parent / "shards").glob("*"))))

    def read(path: Path) -> object:
        raise NotImplementedError(path)

    added = Format(
        name="throw-away",
        described="a throw-away .jsonl file",
        suffixes=(".jsonl",),
        files_of=files_of,
        read=read,  # type: ignore[arg-type] # never called
    )
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS[:1], added))
    return added


@pytest.fixture
def other_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a seed that the product does not have, as if its folder had been added."""
    folder = tmp_path / "seeds"
    shutil.copytree(new.TEMPLATES, folder)
    shutil.copytree(folder / "sasrec", folder / "throwaway")
    text = "# Throw-away\n\nNearest neighbours (Nobody et al., 1999): counts, and no more. It learns\nnothing.\n\nElse.\n"
    (folder / "throwaway" / "README.md").write_text(text)
    monkeypatch.setattr(new, "TEMPLATES", folder)
    return "throwaway"
