"""A program of one file, smoke trials of it by the real worker, and a model that answers from a script."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from evolution.coding.records import Task
from evolution.proposals import Idea
from evolution.trials.records import Trial
from evolution.trials.request import Supervision
from evolution.trials.run import smoke_trial

IDEA = Idea(
    code="decay",
    title="Let the newest transitions count more",
    rationale="Recent behaviour says more about what comes next.",
    addresses=(),
    rests_on=("Markov chains, 1906",),
    proposer="scripted",
)


@dataclass
class Script:
    """Answers in order, each a reply's fields or an exception to raise. asked: (prompt, values) of each call."""

    answers: list[Any]
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def __call__(self, prompt: str, values: Mapping[str, Any], reply: type[Any]) -> Any:
        self.asked.append((prompt, values))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return reply.model_validate(answer)

    @property
    def prompts(self) -> list[str]:
        return [prompt for prompt, _ in self.asked]


@pytest.fixture
def script() -> Callable[..., Script]:
    return lambda *answers: Script(list(answers))


@pytest.fixture
def task(bench) -> Task:
    """The Markov recommender of the bench, and an idea for it."""
    return Task(
        idea=IDEA,
        sources={"model.py": bench.changed()},
        editable=("*.py", "layers/*.py"),
        entry="model:build",
    )


@pytest.fixture
def smoke(bench, task) -> Callable[[Mapping[str, str]], Trial]:
    """The real worker on the task's program with the changed files laid over it. Its `runs` counts."""

    def run(changed: Mapping[str, str]) -> Trial:
        run.runs += 1  # type: ignore[attr-defined]
        for path in bench.repo.rglob("*.py"):
            path.unlink()
        for path, text in {**task.sources, **changed}.items():
            bench.write(text, path)
        return smoke_trial(bench.request(), Supervision())

    run.runs = 0  # type: ignore[attr-defined]
    return run
