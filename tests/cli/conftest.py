"""Commands run as a terminal runs them, on a small numpy repo or on one whose store a test has filled.

What the fixtures cost: `repo` is three calls of git and `proposal` ten, a quarter of a second together. `evolverec` runs
a command within the process of the tests; what that command starts is up to it, and the test is marked for it.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evolution.domain.edits import make_edits
from evolution.domain.proposal import Effect, Idea, Patch, Proposal, Verified
from evolution.domain.trial import Metric, Trial, TrialKey, TrialStatus
from evolution.repo.programs import Programs
from evolution.store.store import Store
from server.cli.main import run
from tests.conftest import ROOT

SHELF = ROOT / "tests" / "evolution" / "jobs" / "repos" / "shelf"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """code: the exit code. out, err: what was printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """stdout is one JSON document and nothing else."""
        return json.loads(self.out)


Command = Callable[..., Answer]


@pytest.fixture
def evolverec(capfd: pytest.CaptureFixture[str]) -> Command:
    def command(*words: object) -> Answer:
        capfd.readouterr()
        code = run([str(word) for word in words])
        said = capfd.readouterr()
        return Answer(code=code, out=said.out, err=said.err)

    return command


Git = Callable[..., str]


@pytest.fixture
def git(repo: Path) -> Git:
    def call(*words: str, stdin: str | None = None) -> str:
        command = [
            "git",
            "--no-optional-locks",
            "-c",
            "user.name=U",
            "-c",
            "user.email=u@example.org",
            *words,
        ]
        done = subprocess.run(command, cwd=repo, check=True, capture_output=True, text=True, input=stdin)
        return done.stdout

    return call


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "shelf"
    shutil.copytree(SHELF, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "one"]):
        identity = ["-c", "user.name=U", "-c", "user.email=u@example.org"]
        subprocess.run(["git", *identity, *words], cwd=folder, check=True)
    return folder


@pytest.fixture
def proposal(repo: Path) -> Proposal:
    """A verified gain in the store, with the trial that measured it."""
    programs = Programs.open(repo)
    base = programs.snapshot().tree
    before = (repo / "shelf.py").read_text()
    after = before.replace("seed=seed)\n\n    def fit", "seed=seed, shuffle=True)\n\n    def fit")
    child = programs.with_files(base, {"shelf.py": after})
    key = TrialKey(program=child, data="d", training="t", seed=0, device="cpu/1", harness="h")
    trial = Trial(
        id="feedc0ffee01",
        key=key,
        status=TrialStatus.COMPLETE,
        created_at=time.time(),
        wall_s=1.0,
        metrics={"NDCG@10": Metric(value=0.17, low=0.16, high=0.18)},
        objective=Metric(value=0.17, low=0.16, high=0.18),
    )
    found = Proposal(
        id="abcdef0123",
        idea=Idea(
            code="shuffling",
            title="Shuffle training examples",
            rationale="Neighbours bias the batches.",
            addresses=("f1",),
            rests_on=("Bengio, 1206.5533",),
            proposer="recipe",
        ),
        patch=Patch(base=base, edits=tuple(make_edits("shelf.py", before, after))),
        parent=base,
        child=child,
        trials=(trial.id,),
        verified=Verified.GAIN,
        effect=Effect(metric="objective", before=0.1420, after=0.1710, low=0.0213, high=0.0355),
        created_at=time.time(),
        details={"diff": programs.diff(base, child), "note": ""},
    )
    with Store.open(repo) as store:
        store.put_trial(trial)
        store.put_proposal(found)
    return found


Shape = Mapping[str, Any]


@pytest.fixture
def fits() -> Callable[[Any, Any], None]:
    """fits(value, shape): dicts by their keys (more keys may come), lists by their one element, else by type."""

    def check(value: Any, shape: Any, where: str = "$") -> None:
        if isinstance(shape, Mapping):
            assert isinstance(value, dict), where
            for name, inner in shape.items():
                assert name in value, f"{where}.{name} is missing"
                check(value[name], inner, f"{where}.{name}")
        elif isinstance(shape, list):
            assert isinstance(value, list), where
            for number, element in enumerate(value):
                check(element, shape[0], f"{where}[{number}]")
        else:
            assert isinstance(value, shape) and not (shape is not bool and value is True), (
                f"{where}: {value!r}"
            )

    return check
