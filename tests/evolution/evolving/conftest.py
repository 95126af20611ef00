"""A sasrec repo on the micro shop, and `evolve` on it as a job of its own, with or without the scripted endpoint.

What the fixtures cost: a repo, a fifth of a second for each file of tests. A job that a test starts trains models in
workers, most of a minute, so such a test has the mark `training`.
"""

import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evolution.domain.job import Event, JobKind, JobRecord
from evolution.domain.request import parse_request
from evolution.domain.run import Run
from evolution.jobs import control
from evolution.repo.ownership import MARK, _mark_of
from evolution.store.store import Store
from seeds.new import new_repo

LLM = (
    "EVOLVEREC_LLM_BASE_URL",
    "EVOLVEREC_LLM_KEY",
    "EVOLVEREC_LLM_MODEL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
)
INPUT, OUTPUT = Decimal("2.50"), Decimal("10")  # dollars per million tokens
PRICES = f"[llm]\nmodel = 'scripted-1'\nretries = 1\n[llm.prices.\"scripted-1\"]\ninput = {INPUT}\noutput = {OUTPUT}\n"
SHORT = {"max_epochs": 4, "patience": 2}  # enough to rank programs, and a trial takes seconds


@dataclass(frozen=True, kw_only=True)
class Grounds:
    repo: Path

    def start(self, kind: JobKind = JobKind.EVOLVE, **params: Any) -> JobRecord:
        return control.start(self.repo, parse_request(kind, params), trusted=True)

    def finish(self, job: JobRecord, timeout_s: float = 540.0) -> JobRecord:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if (record := self.record(job)).state.ended:
                return record
            time.sleep(0.05)
        raise AssertionError(f"{job.id} did not end: {(self.log(job))[-2000:]}")

    def job(self, kind: JobKind = JobKind.EVOLVE, **params: Any) -> JobRecord:
        return self.finish(self.start(kind, **params))

    def wait_for_nodes(self, count: int, timeout_s: float = 480.0) -> bool:
        """Whether a run came to know so many nodes in time."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            with Store.open(self.repo) as store:
                if any(len(run.nodes) >= count for run in store.runs()):
                    return True
            time.sleep(0.05)
        return False

    def forget_trial(self, trial: str) -> None:
        with sqlite3.connect(self.repo / ".evolverec" / "store.sqlite") as db:
            db.execute("delete from trials where id = ?", (trial,))

    def record(self, job: JobRecord) -> JobRecord:
        with Store.open(self.repo) as store:
            found = store.job(job.id)
        assert found is not None
        return found

    def events(self, job: JobRecord) -> list[Event]:
        return control.read_events(self.repo, job.id, 0)[0]

    def log(self, job: JobRecord) -> str:
        return (self.repo / ".evolverec" / "jobs" / job.id / "log.txt").read_text()

    def run(self, wanted: str = "") -> Run:
        """The newest run, or the one named."""
        with Store.open(self.repo) as store:
            found = store.run(wanted) if wanted else store.runs()[0]
        assert found is not None
        return found

    def without_words(self, place: Path) -> "Grounds":
        """The same repo elsewhere with its trials, and without anything that an LLM said or a run decided."""
        shutil.copytree(self.repo, place, symlinks=True)
        (place / ".evolverec" / MARK).write_text(_mark_of(place))  # a copied store is foreign otherwise
        with sqlite3.connect(place / ".evolverec" / "store.sqlite") as db:
            for table in ("exchanges", "runs", "feedback", "proposals"):
                db.execute(f"delete from {table}")
        return Grounds(repo=place)


def make_grounds(place: Path) -> Grounds:
    new_repo("sasrec", place, data="shop-micro")
    config = place / "evolverec.toml"
    text = config.read_text()
    for name, value in SHORT.items():
        text = re.sub(rf"^{name} = \d+", f"{name} = {value}", text, flags=re.MULTILINE)
    config.write_text(text)
    return Grounds(repo=place)


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


@pytest.fixture(autouse=True)
def own_configuration(configuration: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One configuration for the tests of a file, so that a store that one made is the next one's own too."""
    monkeypatch.setenv("EVOLVEREC_CONFIG_HOME", str(configuration))
    monkeypatch.setenv("XDG_CACHE_HOME", str(configuration / "cache"))
    for name in ("EVOLVEREC_PYTHON", "EVOLVEREC_SLOTS", "PYTHONPATH", *LLM):
        monkeypatch.delenv(name, raising=False)
    (configuration / "config.toml").unlink(missing_ok=True)
    return configuration


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Grounds:
    """One repo for the tests of a file: what one has trained the next finds."""
    return make_grounds(tmp_path_factory.mktemp("evolve") / "shop")


@pytest.fixture
def with_llm(scripted_llm, own_configuration: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Jobs started from now on use the scripted endpoint, which answers as the script says, at our prices."""

    def use(script: Any) -> Any:
        scripted_llm.script = script
        (own_configuration / "config.toml").write_text(PRICES)
        for name, value in scripted_llm.environment().items():
            monkeypatch.setenv(name, value)
        return scripted_llm

    return use
