"""A bench for trials: tiny recommender repos in numpy, the micro shop, and one call to run a trial of them.

What the fixtures cost: `micro` a fifth of a second, once in a process; `bench` nothing. `bench.run` and `bench.smoke` start
a worker unless the program is refused before, a second or two each, so a test that calls them has the mark `process`.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from evolution.domain.trial import Trial
from evolution.repo.config import Config, DataSection, ObjectiveSection, RecommenderSection, TrainingSection
from evolution.trials.data import TrialData, prepare
from evolution.trials.identity import trial_key
from evolution.trials.request import Enforcement, SandboxMode, Supervision, TrialRequest
from evolution.trials.run import run_trial, smoke_trial
from evolution.trials.sandbox import sandbox_problem

MARKOV = '''
import numpy as np


class Markov:
    """Counts what follows what; noise breaks ties."""

    def __init__(self, data, seed):
        self.data = data
        size = data.n_items + 1
        self.table = np.random.default_rng(seed).normal(size=(size, size)).astype("f4") * 0.01

    def fit(self):
        users, items = self.data.users, self.data.items
        follows = users[1:] == users[:-1]
        for epoch in range(3):
            np.add.at(self.table, (items[:-1][follows], items[1:][follows]), 1.0)
            yield {"loss": 1.0 / (epoch + 1)}

    def score(self, users, histories):
        return self.table[histories[:, -1]]

    def state_dict(self):
        return {"table": self.table}

    def load_state_dict(self, state):
        self.table = state["table"]


def build(data, *, device, seed):
    return Markov(data, seed)
'''


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One repo of a test's own, and trials of it on the micro shop."""

    repo: Path
    data: TrialData

    def request(
        self,
        *,
        sandbox: SandboxMode = SandboxMode.AUTO,
        enforcement: Enforcement = Enforcement.AUTO,
        seed: int = 0,
        objective: ObjectiveSection | None = None,
        **training: object,
    ) -> TrialRequest:
        config = Config(
            recommender=RecommenderSection(entry="model:build", max_history=self.data.max_history),
            data=DataSection(source="shop-micro"),
            objective=objective or ObjectiveSection(),
            training=TrainingSection.model_validate(
                {"max_epochs": 3, "timeout_s": 60.0, "memory_gb": 2.0, **training}
            ),
        )
        return TrialRequest(
            id="trial",
            key=trial_key(config, program="0" * 40, data=self.data.fingerprint, seed=seed, device="cpu/1"),
            repo=self.repo,
            checkout=self.repo,
            folder=self.repo / ".evolverec" / "trials" / "trial",
            config=config,
            data=self.data,
            python=Path(sys.executable),
            sandbox=sandbox,
            enforcement=enforcement,
        )

    def write(self, text: str, name: str = "model.py") -> None:
        path = self.repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, text: str = MARKOV, *, supervision: Supervision | None = None, **asked: object) -> Trial:
        self.write(text)
        return run_trial(self.request(**asked), supervision or Supervision())  # type: ignore[arg-type]

    def smoke(self, text: str) -> Trial:
        self.write(text)
        return smoke_trial(self.request(), Supervision())

    def changed(self, *edits: tuple[str, str]) -> str:
        """The Markov recommender with each (old, new) replaced; each old must be there."""
        text = MARKOV
        for old, new in edits:
            assert old in text, old
            text = text.replace(old, new)
        return text


@pytest.fixture(scope="session")
def micro(tmp_path_factory: pytest.TempPathFactory) -> TrialData:
    """The micro shop, prepared once."""
    config = Config(
        recommender=RecommenderSection(entry="model:build", max_history=50),
        data=DataSection(source="shop-micro"),
    )
    return prepare(config, tmp_path_factory.mktemp("data"))


@pytest.fixture
def bench(tmp_path: Path, micro: TrialData) -> Bench:
    repo = tmp_path / "repo"
    repo.mkdir()
    return Bench(repo=repo, data=replace(micro))


@pytest.fixture
def sandboxed() -> None:
    """A test of what a sandbox keeps away; skipped where there is none."""
    problem = sandbox_problem()
    if problem:
        pytest.skip(problem)


@pytest.fixture
def survivors() -> Callable[[str], list[int]]:
    """Pids of living processes whose command line holds a mark."""
    import psutil

    def find(mark: str) -> list[int]:
        found = []
        for process in psutil.process_iter(["pid", "cmdline", "status"]):
            if (
                mark in " ".join(process.info["cmdline"] or [])
                and process.info["status"] != psutil.STATUS_ZOMBIE
            ):
                found.append(process.info["pid"])
        return found

    return find
