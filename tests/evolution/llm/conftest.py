"""A client of the scripted endpoint, with a small prompt of the tests' own.

What the fixtures cost: a thread and a port, milliseconds; importing openai, a second, once in a process.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from evolution.domain.limits import Limits
from evolution.llm import prompt
from evolution.llm.budget import Budget
from evolution.llm.client import LlmClient
from evolution.llm.exchanges import Exchange
from evolution.llm.price_list import Price
from evolution.llm.settings import LlmSettings
from tests.llm.scripted import MODEL, ScriptedLlm

KEY = "sk-of-the-tests-4711"
PRICE = Price(input=Decimal("2.5"), output=Decimal("10"), cached=Decimal("1.25"))
TRIAL = """+++
role = "{role}"
version = {version}
+++
# system
You name animals.
# user
Name one that {{{{ what }}}}.
"""


class Animal(BaseModel):
    name: str = Field(description="Its common name.")
    legs: int = Field(description="How many legs it has.", ge=0)


OWL = {"name": "owl", "legs": 2}


@dataclass
class Notes:
    """An exchange log in memory."""

    kept: dict[str, Exchange] = field(default_factory=dict)

    def find(self, key: str) -> Exchange | None:
        return self.kept.get(key)

    def keep(self, exchange: Exchange) -> None:
        self.kept[exchange.key] = exchange


@pytest.fixture
def prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Writes the prompt `trial` anew."""
    monkeypatch.setattr(prompt, "FOLDER", tmp_path)

    def write(role: str = "planner", version: int = 1) -> None:
        (tmp_path / "trial.md").write_text(TRIAL.format(role=role, version=version))
        prompt.load_prompt.cache_clear()

    write()
    yield write
    prompt.load_prompt.cache_clear()


@pytest.fixture
def connect(scripted_llm: ScriptedLlm, prompts: object) -> Iterator[Callable[..., LlmClient]]:
    """A client: keywords of LlmSettings, of LlmClient, and the script."""
    made: list[LlmClient] = []

    def build(
        script: object = None, *, limits: Limits | None = None, log: Notes | None = None, **more: Any
    ) -> LlmClient:
        scripted_llm.script = OWL if script is None else script
        own = {name: more.pop(name) for name in ("cancelled", "replay", "repo") if name in more}
        settings = {"model": MODEL, "key": KEY, "prices": {MODEL: PRICE}, "timeout_s": 5.0, **more}
        client = LlmClient(
            LlmSettings(**{"base_url": scripted_llm.base_url, **settings}),
            log=log if log is not None else Notes(),
            budget=Budget(limits or Limits()),
            first_wait_s=0.01,
            **own,
        )
        made.append(client)
        return client

    yield build
    for client in made:
        client.__exit__()


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()
