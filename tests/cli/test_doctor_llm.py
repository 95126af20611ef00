"""What doctor says of the LLM endpoint: none, unreachable, without the model, or well."""

import pytest

from server.cli.doctor import _llm
from tests.llm.scripted import MODEL, ScriptedLlm


def said() -> dict[str, dict]:
    return {check["name"]: check for check in _llm()}


def test_without_an_endpoint_it_says_what_still_works_and_how_to_set_one():
    (check,) = _llm()
    assert not check["ok"] and not check["needed"]
    assert "recipes and statistical users work without" in check["message"]
    assert check["help"] == "export EVOLVEREC_LLM_MODEL=NAME EVOLVEREC_LLM_BASE_URL=URL"


@pytest.fixture
def endpoint(scripted_llm: ScriptedLlm, monkeypatch: pytest.MonkeyPatch) -> ScriptedLlm:
    for name, value in scripted_llm.environment().items():
        monkeypatch.setenv(name, value)
    return scripted_llm


def test_an_endpoint_that_answers_is_named_with_the_model_of_each_role(endpoint, own_configuration):
    endpoint.models.append("small")
    (own_configuration / "config.toml").write_text(
        f'[llm.models]\npersona = "small"\n[llm.prices.small]\ninput = 0\noutput = 0\n'
        f'[llm.prices."{MODEL}"]\ninput = 0\noutput = 0\n'
    )
    checks = said()
    assert all(check["ok"] for check in checks.values())
    assert checks["llm"]["message"] == f"{endpoint.base_url} answers"
    assert checks["llm models"]["message"] == f"{MODEL} for every role but persona small"
    assert endpoint.requests == []  # nothing is paid for


def test_a_model_that_the_endpoint_does_not_list_is_named(endpoint, monkeypatch):
    monkeypatch.setenv("EVOLVEREC_LLM_MODEL", "unheard-of")
    checks = said()
    assert "does not list unheard-of; it lists scripted-1" in checks["llm"]["message"]
    assert '[llm.prices."unheard-of"] with input and output' in checks["llm prices"]["help"]


def test_an_endpoint_that_is_not_there_is_no_reason_to_fail(endpoint, monkeypatch):
    monkeypatch.setenv("EVOLVEREC_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    check = said()["llm"]
    assert not check["ok"] and not check["needed"] and "no connection" in check["message"]
    assert "EVOLVEREC_LLM_KEY" in check["help"]


def test_a_wrong_setting_is_an_error(own_configuration):
    (own_configuration / "config.toml").write_text("[llm]\nmodel = 3\n")
    (check,) = _llm()
    assert check["needed"] and "model in [llm] is 3; expected a text" in check["message"]
