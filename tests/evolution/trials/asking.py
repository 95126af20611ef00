"""Recommenders of `asked_repos`, healthy or with planted defects, trained and asked in this process."""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diagnosis.findings import CodePlace
from evolution.domain.trial import ContractCheck
from evolution.trials.asked import Untrained, batch_of
from evolution.trials.asking_trained import ask_trained
from evolution.trials.data import TrialData
from evolution.trials.mode_left import check_mode
from evolution.trials.partings import Batch, Changed, Parting, changes_in, parting_in
from evolution.worker.guest.carried_state import changes
from evolution.worker.guest.comparing import first_parting, last_loss
from evolution.worker.guest.comparing_steps import steps_compared
from evolution.worker.guest.failures import defined_at
from evolution.worker.guest.recommender import CheckedRecommender
from evolution.worker.guest.tracing import trace_smoke
from evolution.worker.guest.tracing_frames import Limit, Places
from seeds.interactions import Float32, Int64

REPOS = Path(__file__).parent / "asked_repos"
MAX_HISTORY = 30
Edits = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A recommender in this process, asked as a WorkerSession is."""

    candidate: CheckedRecommender
    root: str

    def score(self, users: Int64, histories: Int64, seed: int | None = None) -> Float32:
        with self.candidate.at_rest(seed):
            return self.candidate.dense(users, histories)

    def padding_scores(self, users: Int64, histories: Int64) -> list[float | None]:
        with self.candidate.at_rest():
            return self.candidate.padding_scores(users, histories)

    def parting(self, first: Batch, second: Batch, rows: Int64, seeds: tuple[int, int] = (0, 0)) -> Parting:
        steps = steps_compared(self.candidate, [first, second], rows, list(seeds), self.root, 20.0)
        found = {"parts": first_parting(*steps), "loses": last_loss(*steps)}
        return parting_in({name: [step.told()] if step else [] for name, step in found.items()})

    def changes(self, users: Int64, histories: Int64) -> tuple[Changed, ...]:
        def score() -> None:
            with self.candidate.at_rest(0):
                self.candidate.model.score(users, histories)

        told = changes(score, self.candidate.model, Places(self.root), Limit(20.0))
        return changes_in({"changed": told})

    def moved_in_its_mode(self, users: Int64, histories: Int64) -> tuple[int, tuple[CodePlace, ...]]:
        path, line = defined_at(type(self.candidate.model).score, self.root)
        return self.candidate.moved_in_its_mode(users, histories), (CodePlace(path=path, line=line),)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A recommender of `asked_repos` with edits. text: of the program."""

    text: str
    checks: tuple[ContractCheck, ...]

    @property
    def failed(self) -> list[str]:
        return [check.code for check in self.checks if check.passed is False]

    def line_of(self, code: str) -> str:
        """The first line that a failed check points at, stripped; "" where it points at none."""
        places = next(check.places for check in self.checks if check.code == code)
        return self.text.splitlines()[places[0].line - 1].strip() if places else ""


def mode_of(folder: Path, data: TrialData, file: str, kind: str, edits: Edits) -> tuple[str, ContractCheck]:
    """The program's text, and what is told of the mode that one epoch of its training leaves it in."""
    build, text = built(folder, file, kind, edits)
    answers = Answers(
        candidate=CheckedRecommender(build, data.training, device="cpu", seed=0), root=str(folder)
    )
    answers.candidate.epoch()
    return text, check_mode(answers, *batch_of(data.validation, MAX_HISTORY))


def asked(folder: Path, data: TrialData, file: str, kind: str, edits: Edits = (), epochs: int = 3) -> Planted:
    """Train it for some epochs and ask it."""
    build, text = built(folder, file, kind, edits)
    batch = batch_of(data.validation, MAX_HISTORY)

    def recommender() -> CheckedRecommender:
        return CheckedRecommender(build, data.training, device="cpu", seed=0)

    trace = trace_smoke(lambda: recommender().model, root=str(folder), seconds=60.0, score_batch=batch)
    answers = Answers(candidate=recommender(), root=str(folder))
    try:
        untrained = Untrained.of(answers, *batch)
    except IndexError:
        untrained = None
    for _ in range(epochs):
        if answers.candidate.epoch() is None:
            break
    checks = ask_trained(answers, data, MAX_HISTORY, trace=trace, untrained=untrained)
    return Planted(text=text, checks=tuple(checks))


def built(folder: Path, file: str, kind: str, edits: Edits) -> tuple[Any, str]:
    """`build` of a recommender of `asked_repos` with edits, and the program's text."""
    text = (REPOS / file).read_text(encoding="utf-8").replace("KIND(", f"{kind}(")
    for old, new in edits:
        assert text.count(old) == 1, (old, text.count(old))
        text = text.replace(old, new)
    path = folder / "model.py"
    path.write_text(text, encoding="utf-8")
    return _imported(path).build, text


def _imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"asked_{abs(hash(path))}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    np.random.seed(0)
    spec.loader.exec_module(module)
    return module
