"""A program of one file, smoke trials of it by the real worker, and a model that answers over HTTP from a script.

What the fixtures cost: milliseconds. Each call of `smoke` starts a worker, a second, unless the program does not parse; so
a test in which a patch applies has the mark `process`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from evolution.domain.limits import Limits
from evolution.domain.proposal import Idea
from evolution.domain.trial import Trial
from evolution.llm.budget import Budget
from evolution.llm.client import LlmClient
from evolution.llm.exchanges import Exchange
from evolution.llm.settings import LlmSettings
from evolution.proposers.coding.records import Task
from evolution.trials.request import Supervision
from evolution.trials.run import smoke_trial
from tests.llm.scripted import MODEL, ScriptedLlm, in_turn, refuse

IDEA = Idea(
    code="decay",
    title="Let the newest transitions count more",
    rationale="Recent behaviour says more about what comes next.",
    addresses=(),
    rests_on=("Markov chains, 1906",),
    proposer="scripted",
)


class Remembered:
    """Exchanges of one test, in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Exchange] = {}

    def find(self, key: str) -> Exchange | None:
        return self.kept.get(key)

    def keep(self, exchange: Exchange) -> None:
        self.kept[exchange.key] = exchange


class Scripted:
    """The real client before the scripted endpoint. asked: (prompt, values) of each call."""

    def __init__(self, client: LlmClient) -> None:
        self._client = client
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def __call__(self, prompt: str, values: Mapping[str, Any], reply: type[Any]) -> Any:
        self.asked.append((prompt, values))
        return self._client.ask(prompt, values, reply)

    @property
    def prompts(self) -> list[str]:
        return [prompt for prompt, _ in self.asked]


@pytest.fixture
def script(scripted_llm: ScriptedLlm) -> Iterator[Callable[..., Scripted]]:
    """script(*answers): an `Ask` over HTTP that gets the answers in order, then refusals."""
    with ExitStack() as clients:

        def scripted(*answers: Any) -> Scripted:
            scripted_llm.script = in_turn(*answers, refuse("the script has ended"))
            settings = LlmSettings(base_url=scripted_llm.base_url, key="", model=MODEL, retries=0)
            client = LlmClient(settings, log=Remembered(), budget=Budget(Limits()))
            return Scripted(clients.enter_context(client))

        yield scripted


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
