"""A drafted adapter with a gap, and a model that answers over HTTP from a script.

What the fixtures cost: a thread and a port, milliseconds; importing openai, a second, once in a process.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from evolution.domain.limits import Limits
from evolution.llm.budget import Budget
from evolution.llm.client import LlmClient
from evolution.llm.exchanges import Exchange
from evolution.llm.settings import LlmSettings
from evolution.proposers.adapting.attempts import AdapterDraft, Task
from tests.llm.scripted import MODEL, ScriptedLlm, in_turn

HEAD = '"""Completed."""\n'
DRAFT = '''"""Drafted."""

import evolverec_kit as kit


def build(data, *, device, seed):
    kit.seed_all(seed)
    # loader.py:4 splits a line; opened at loader.py:3
    kit.write_events("log.txt", data, sep=" ")
    raise NotImplementedError("fill in: write users.txt with kit.write_text")
    run = kit.Program("main.py", loop="epoch")  # the loop at main.py:9
    return kit.Recommender(data, run, model="net", score=kit.scores.by_user(None))
'''
GAP = '    raise NotImplementedError("fill in: write users.txt with kit.write_text")\n'
FILLED = '    kit.write_text("users.txt", "".join(f"{u}\\n" for u in range(data.n_users)))\n'
RIGHT = DRAFT.replace(GAP, FILLED)
WRONG = RIGHT.replace('"net"', '"nett"')
CONFIG = '# Drafted.\n\n[recommender]\nentry = "adapter:build"\n\n[data]\nsource = "/srv/logs/mine.csv"  # as you said\n'


class Remembered:
    """Exchanges of one test, in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Exchange] = {}

    def find(self, key: str) -> Exchange | None:
        return self.kept.get(key)

    def keep(self, exchange: Exchange) -> None:
        self.kept[exchange.key] = exchange


def reply(adapter: str, *, settings: tuple[tuple[str, str], ...] = (), reading: str = "main.py:2") -> Any:
    told = [{"key": key, "value": value} for key, value in settings]
    return {"reading": reading, "adapter": adapter, "settings": told}


@pytest.fixture
def client(scripted_llm: ScriptedLlm) -> Iterator[Callable[..., LlmClient]]:
    """client(*answers, tokens=, base_url=): a client of an endpoint that gives the answers in order."""
    with ExitStack() as clients:

        def scripted(*answers: Any, tokens: int | None = None, base_url: str = "") -> LlmClient:
            scripted_llm.script = in_turn(*answers) if answers else None
            settings = LlmSettings(
                base_url=base_url or scripted_llm.base_url,
                key="",
                model=MODEL,
                retries=0,
                max_output_tokens=2_000,
            )
            made = LlmClient(settings, log=Remembered(), budget=Budget(Limits(tokens=tokens)))
            return clients.enter_context(made)

        yield scripted


@pytest.fixture
def task() -> Task:
    files = {"main.py": "import loader\n\nnet = 1\n", "loader.py": "def rows(path):\n    return open(path)\n"}
    return Task(
        path="adapter.py",
        entry="adapter:build",
        found=("the training program is main.py: README.md:1 starts it",),
        files=files,
        wanted=("main.py",),
        modules=frozenset({"evolverec_kit", "numpy", "torch", "loader", "main"}),
        may_set=True,
    )


@pytest.fixture
def draft() -> AdapterDraft:
    return AdapterDraft(text=DRAFT, config=CONFIG)
