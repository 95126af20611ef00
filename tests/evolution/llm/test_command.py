"""An agent's command line in the place of an endpoint; the agent is a program of the tests."""

import json
import sys
import threading
from pathlib import Path

import pytest

from evolution.base.errors import Cancelled, LlmUnavailable, UsageError
from evolution.domain.limits import Limits
from evolution.llm.budget import Budget
from evolution.llm.client import LlmClient
from evolution.llm.reaching import reach
from evolution.llm.settings import LlmSettings, llm_settings
from server.cli.doctor import _llm
from tests.evolution.llm.conftest import Animal, Notes

pytestmark = pytest.mark.process
AGENT = """import json, os, sys
asked = sys.stdin.read()
log = open({log!r}, "a")
print(json.dumps([sys.argv[1:], os.listdir("."), asked]), file=log)
"""
OWL = """print("Sure:", json.dumps({"name": "owl", "legs": 2}))\n"""


@pytest.fixture
def agent(tmp_path: Path, prompts):
    """A client of a program that notes what it was asked and goes on as the test says, and the file with its notes."""
    made = []

    def build(
        rest: str, *, arguments: tuple[str, ...] = (), timeout_s: float = 60.0, cancelled=lambda: False
    ):
        log = tmp_path / "asked.txt"
        script = tmp_path / "agent.py"
        script.write_text(AGENT.format(log=str(log)) + rest)
        settings = LlmSettings(
            base_url="", key="", model="some-model", command=(sys.executable, str(script), *arguments),
            retries=0, timeout_s=timeout_s,
        )  # fmt: skip
        client = LlmClient(
            settings,
            log=Notes(),
            budget=Budget(Limits(tokens=100_000)),
            first_wait_s=0.01,
            cancelled=cancelled,
        )
        made.append(client)
        return client, log

    yield build
    for client in made:
        client.__exit__()


def ask(client: LlmClient) -> Animal:
    return client.ask("trial", {"what": "flies"}, Animal)


def test_an_agent_reads_the_prompt_and_the_schema_and_its_answer_counts(agent):
    client, log = agent(OWL, arguments=("--model", "{model}"))
    assert ask(client).name == "owl"
    (line,) = log.read_text().splitlines()
    arguments, folder, asked = json.loads(line)
    assert arguments == ["--model", "some-model"]
    assert folder == []  # no repo to read or change
    assert "You name animals." in asked and "Name one that flies." in asked and asked.count('"legs":{') == 1
    assert client.budget.charged.tokens > 0 and dict(client.budget.figures())["tokens:planner"] > 0


def test_an_answer_that_does_not_fit_is_asked_for_again_with_what_was_wrong(agent):
    client, log = agent(
        'print("An owl." if "cannot be used" not in asked else json.dumps({"name": "owl", "legs": 2}))'
    )
    assert ask(client).legs == 2
    assert "it holds no JSON object" in log.read_text() and len(log.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("sys.exit('please log in first')", "ended with 1: please log in first"),
        ("import time; time.sleep(60)", "it did not answer in time"),
    ],
)
def test_an_agent_that_fails_is_told_with_its_reason(agent, rest, said):
    client, _ = agent(rest, timeout_s=3.0)
    with pytest.raises(LlmUnavailable, match=said):
        ask(client)


def test_a_cancelled_run_ends_its_agent(agent):
    stop = threading.Event()
    client, log = agent("import time; time.sleep(600)", cancelled=lambda: stop.is_set() or log.exists())
    with pytest.raises(Cancelled):
        ask(client)


def test_a_program_that_is_not_there_is_noticed_before_anything_is_trained():
    settings = LlmSettings(base_url="", key="", model="m", command=("no-such-agent", "-p"))
    with pytest.raises(LlmUnavailable, match="no program 'no-such-agent'"):
        reach(settings, settings.models_used(), cancelled=lambda: False)


def test_the_command_is_a_setting_of_the_users_own(own_configuration, monkeypatch):
    settings = llm_settings({"command": ["claude", "-p"]})
    assert settings is not None and (settings.model, settings.command) == ("claude", ("claude", "-p"))
    assert "openai" not in settings.base_url  # nothing else goes to an address instead
    for wrong in ("claude -p", [], [1]):
        with pytest.raises(UsageError, match="command in \\[llm\\]"):
            llm_settings({"command": wrong})
    with pytest.raises(UsageError, match="both `command` and `base_url`"):
        llm_settings({"command": ["claude"], "base_url": "http://localhost:1/v1"})
    monkeypatch.setenv("EVOLVEREC_LLM_BASE_URL", "http://localhost:1/v1")
    monkeypatch.setenv("EVOLVEREC_LLM_MODEL", "m")
    settings = llm_settings({"command": ["claude"]})
    assert settings is not None and settings.command == ()  # the environment wins


def test_doctor_looks_for_the_program_and_asks_it_nothing(own_configuration):
    (own_configuration / "config.toml").write_text('[llm]\ncommand = ["no-such-agent", "-p"]\n')
    check = _llm()[0]
    assert not check["ok"] and "no program 'no-such-agent'" in check["message"]
    (own_configuration / "config.toml").write_text(f'[llm]\ncommand = ["{sys.executable}"]\n')
    assert _llm()[0]["ok"]
