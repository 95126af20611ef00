"""The user's endpoint: from their own file and environment, with errors that name the place, and never the key."""

from decimal import Decimal
from pathlib import Path

import pytest

from evolution.base.errors import UsageError
from evolution.base.places import user_config_folder
from evolution.llm.settings import OPENAI
from evolution.repo.settings import machine_mark, user_llm, user_settings
from evolution.trials.sandbox import clean_environment

WHOLE = """
slots = 2
[llm]
base_url = "http://localhost:8000/v1/"
key = "sk-from-the-file"
model = "big"
timeout_s = 60
concurrency = 8
retries = 0
max_output_tokens = 4000
[llm.models]
persona = "small"
[llm.efforts]
coder = "high"
[llm.prices.big]
input = 1.25
output = 10
[llm.prices.small]
input = 0.1
output = 0.4
cached = 0.025
"""


@pytest.fixture
def config(own_configuration: Path) -> Path:
    return own_configuration / "config.toml"


def test_without_a_model_there_is_no_endpoint(monkeypatch):
    assert user_settings().llm is None
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-something-else")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    assert user_llm() is None


def test_everything_can_stand_in_the_file(config):
    config.write_text(WHOLE)
    llm = user_settings().llm
    assert llm is not None and llm == user_llm()
    assert (llm.base_url, llm.key, llm.timeout_s) == ("http://localhost:8000/v1", "sk-from-the-file", 60)
    assert (llm.concurrency, llm.retries, llm.max_output_tokens) == (8, 0, 4000)
    assert (llm.model_of("persona"), llm.model_of("judge"), llm.models_used()) == (
        "small",
        "big",
        ("big", "small"),
    )
    assert (llm.effort_of("coder"), llm.effort_of("persona")) == ("high", "")
    assert (llm.prices["big"].cached, llm.prices["small"].cached) == (Decimal("1.25"), Decimal("0.025"))


def test_the_environment_wins(config, monkeypatch):
    config.write_text(WHOLE)
    for name in ("BASE_URL", "KEY", "MODEL"):
        monkeypatch.setenv(
            f"EVOLVEREC_LLM_{name}", "https://example.org/v1" if name == "BASE_URL" else f"own-{name}"
        )
    llm = user_llm()
    assert llm is not None
    assert (llm.base_url, llm.key, llm.model) == ("https://example.org/v1", "own-KEY", "own-MODEL")


def test_a_model_alone_means_openai_with_its_own_key(monkeypatch):
    monkeypatch.setenv("EVOLVEREC_LLM_MODEL", "gpt")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    llm = user_llm()
    assert llm is not None and (llm.base_url, llm.key) == (OPENAI, "sk-of-openai")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://gateway.example/v1/")
    llm = user_llm()
    assert llm is not None and (llm.base_url, llm.key) == ("https://gateway.example/v1", "sk-of-openai")


def test_the_key_of_openai_goes_to_no_other_endpoint(monkeypatch):
    monkeypatch.setenv("EVOLVEREC_LLM_MODEL", "gpt")
    monkeypatch.setenv("EVOLVEREC_LLM_BASE_URL", "http://localhost:8000/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    llm = user_llm()
    assert llm is not None and llm.key == ""


def test_the_key_does_not_show(config):
    config.write_text(WHOLE)
    assert "sk-from-the-file" not in repr(user_settings())


def test_neither_worker_nor_analyst_is_given_anything_of_it(monkeypatch):
    """Both start with this environment and no other (what they find in it: tests/adversarial/test_secrets.py)."""
    for name in ("EVOLVEREC_LLM_KEY", "EVOLVEREC_LLM_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://sk-secret-5309/")
    assert not any("5309" in value for value in clean_environment(1, "").values())


def test_a_repo_has_no_say(config, tmp_path, monkeypatch):
    """Neither a config.toml nor an .env in the folder that a command runs in."""
    (tmp_path / "config.toml").write_text(WHOLE)
    (tmp_path / ".env").write_text("EVOLVEREC_LLM_MODEL=evil\nOPENAI_BASE_URL=http://evil.example/v1\n")
    monkeypatch.chdir(tmp_path)
    assert user_llm() is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('llm = "sk-oops"', "llm is no table; expected lines such as model = ... below [llm]"),
        ('[llm]\nkey = "sk-oops"', "no model: set EVOLVEREC_LLM_MODEL, or `model` in the [llm] table"),
        ('[llm]\nmodel = "m"\nurl = "x"', "unknown key 'url' in [llm]; expected one of base_url, command, concurrency"),
        ('[llm]\nmodel = "m"\nkey = 12345', "key in [llm]: expected a text"),
        ('[llm]\nmodel = "m"\nkey = "sk oops"', "the LLM key holds blanks"),
        ('[llm]\nmodel = "m"\nbase_url = "localhost:8000"', "like http://localhost:8000/v1, without a key in it"),
        ('[llm]\nmodel = "m"\nbase_url = "https://u:sk-oops@host/v1"', "without a key in it"),
        ('[llm]\nmodel = "m"\nbase_url = "http://[::1/v1"', "not a plain http or https address"),
        ('[llm]\nmodel = "m"\ntimeout_s = 0', "timeout_s in [llm] is 0; expected seconds above 0"),
        ('[llm]\nmodel = "m"\nconcurrency = 2.5', "expected a number of exchanges at once, 1 or more"),
        ('[llm]\nmodel = "m"\nretries = -1', "expected a number of further tries, 0 or more"),
        ('[llm]\nmodel = "m"\nretries = true', "retries in [llm] is True"),
        ('[llm]\nmodel = "m"\n[llm.models]\nwizard = "x"', "unknown role 'wizard' in [llm.models]; expected one of planner"),
        ('[llm]\nmodel = "m"\n[llm.efforts]\ncoder = 3', "efforts.coder in [llm] is 3; expected a text"),
        ('[llm]\nmodel = "m"\n[llm.prices.m]\ninput = 1', "[llm.prices.\"m\"] has input; expected input and output"),
        ('[llm]\nmodel = "m"\n[llm.prices.m]\ninput = -1\noutput = 2', 'prices."m".input in [llm] is -1; expected USD'),
        ('[llm]\nmodel = "m"\nprices = 3', 'prices in [llm] is 3; expected a table'),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_with_what_was_expected_and_without_the_key(config, text, says):
    config.write_text(text)
    with pytest.raises(UsageError) as raised:
        user_llm()
    assert says in str(raised.value) and str(config) in str(raised.value)
    assert "oops" not in str(raised.value)


@pytest.mark.parametrize("damage", [b"", b"\n", b"\xff\xfe", b"0123"])
def test_a_damaged_mark_of_the_machine_is_made_anew_and_never_empty(damage: bytes):
    first = machine_mark()
    path = user_config_folder() / "machine"
    path.write_bytes(damage)
    again = machine_mark()
    assert len(again) == 32 and again != first and machine_mark() == again
    assert path.stat().st_mode & 0o777 == 0o600 and not list(path.parent.glob(".draft-*"))
