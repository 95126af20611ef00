"""A drafted adapter is completed by a model that is told what the checks refuse, or stays as it was."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evolution.adopting.gaps import gaps_in
from evolution.llm.client import LlmClient
from evolution.proposers.adapting.attempts import AdapterDraft, Completion, Step, Task, Wrong
from evolution.proposers.adapting.completing import completed
from tests.evolution.proposers.adapting.conftest import CONFIG, DRAFT, FILLED, HEAD, RIGHT, WRONG, reply
from tests.llm.scripted import ScriptedLlm, in_prose

TRACE = 'crash at adapter.py:9: no variable nett; it has net\n  File "main.py", line 3, in <module>'


def checked(draft: AdapterDraft) -> Wrong | None:
    """What the sandbox would say: a model of another name cannot be found."""
    if gaps_in(draft.text):
        return Wrong(step=Step.GAP, message="adapter.py:10: fill in: write users.txt")
    return Wrong(step=Step.TRIAL, message=TRACE) if "nett" in draft.text else None


Complete = Callable[..., Completion]


@pytest.fixture
def complete(task: Task, draft: AdapterDraft) -> Complete:
    def run(client: LlmClient, rounds: int = 4, given: AdapterDraft = draft) -> Completion:
        return completed(
            task, given, ask=client.ask, check=checked, rounds=rounds, header=HEAD, tell=lambda words: None
        )

    return run


def test_an_answer_that_is_wrong_first_is_right_after_the_checks_error(complete, client, scripted_llm):
    came = complete(client(reply(WRONG), reply(RIGHT)))
    assert came.passed is not None and FILLED in came.passed.text
    assert [one.wrong.step if one.wrong else None for one in came.attempts] == [Step.TRIAL, None]
    first, second = (request.text for request in scripted_llm.requests)
    assert "fill in: write users.txt" in first and "no variable nett" not in first
    assert "no variable nett; it has net" in second and 'model="nett"' in second
    assert "at main.py:3" in second.split("Your earlier answers")[1]  # the line that the traceback names


def test_the_model_sees_what_init_read_the_kit_and_the_files_but_not_where_the_log_lies(
    complete, client, scripted_llm
):
    complete(client(reply(RIGHT)))
    sent = scripted_llm.requests[0].text
    for shown in (
        "README.md:1 starts it",
        "kit.write_text(path, text)",
        "1| import loader",
        "opened at loader.py:3",
    ):
        assert shown in sent
    assert "/srv/logs" in CONFIG and "/srv/logs" not in sent


def test_the_guesses_of_the_draft_stay_beside_their_lines(complete, client):
    bare = "\n".join(line.split("  #")[0] for line in RIGHT.split("\n") if not line.strip().startswith("#"))
    came = complete(client(reply(bare)))
    assert came.passed is not None
    assert came.passed.text == RIGHT.replace('"""Drafted."""\n', HEAD)


def test_an_answer_in_prose_that_is_no_code_ends_it_with_words(complete, client):
    came = complete(client("I am afraid that I cannot tell."))
    assert came.passed is None and came.attempts == ()
    assert "gave no usable answer to 'adapter'" in came.stopped


def test_an_adapter_that_is_no_python_is_sent_back_untried(complete, client, scripted_llm):
    came = complete(client(reply("Use kit.write_text, then train."), reply(RIGHT)))
    assert came.passed is not None
    assert came.attempts[0].wrong.step is Step.TEXT
    assert "is not valid Python" in scripted_llm.requests[1].text


def test_a_fence_and_prose_around_the_answer_do_no_harm(complete, client):
    assert complete(client(in_prose(reply(f"```python\n{RIGHT}```")))).passed is not None


def test_an_endpoint_that_is_down_leaves_the_draft_and_is_named(complete, client):
    came = complete(client(base_url="http://127.0.0.1:9/v1"))
    assert came.passed is None and "no connection" in came.stopped


def test_a_spent_budget_ends_it_before_the_next_question(complete, client, scripted_llm: ScriptedLlm):
    came = complete(client(reply(WRONG), reply(RIGHT), tokens=9_000))
    assert len(scripted_llm.requests) == 1
    assert came.passed is None and "raise --budget-tokens to go on" in came.stopped
    assert "of the last answer, trial: crash" in came.stopped


def test_a_model_that_repeats_itself_is_not_asked_again(complete, client, scripted_llm: ScriptedLlm):
    came = complete(client(reply(WRONG)), rounds=5)
    assert len(scripted_llm.requests) == 2 and "repeats itself" in came.stopped


def test_rounds_end_and_the_answer_that_came_furthest_is_known(complete, client):
    came = complete(client(reply("import os\n"), reply(WRONG), reply(DRAFT)), rounds=3)
    assert came.passed is None and "in 3 rounds" in came.stopped
    assert came.best is not None and 'model="nett"' in came.best.draft.text


def test_a_draft_that_passes_asks_nobody(complete, client, scripted_llm: ScriptedLlm):
    came = complete(client(), given=AdapterDraft(text=RIGHT, config=CONFIG))
    assert came.was_whole and scripted_llm.requests == []


def test_settings_of_the_config_are_taken_and_wrong_ones_sent_back(
    complete, client, scripted_llm: ScriptedLlm
):
    columns = (("data.columns.user", "who"), ("recommender.max_history", "30"))
    came = complete(
        client(reply(RIGHT, settings=(("training.max_epochs", "many"),)), reply(RIGHT, settings=columns))
    )
    assert came.passed is not None
    assert 'entry = "adapter:build"\n' in came.passed.config and "max_history = 30\n" in came.passed.config
    assert 'columns = { user = "who" }\nsource = "/srv/logs/mine.csv"  # as you said' in came.passed.config
    assert "training.max_epochs is 'many'; expected a whole number" in scripted_llm.requests[1].text


@pytest.mark.parametrize("key", ["data.source", "recommender.editable", "training.memory_gb"])
def test_other_settings_are_not_the_models_to_change(complete, client, key: str):
    came = complete(client(reply(RIGHT, settings=((key, "1"),))))
    assert came.passed is None and "settings.0.key" in came.stopped


def test_a_config_that_its_owner_edited_is_not_changed(client, task: Task, draft: AdapterDraft):
    given: Any = reply(RIGHT, settings=(("recommender.max_history", "30"),))
    came = completed(
        replace(task, may_set=False), draft, ask=client(given).ask, check=checked, rounds=1, header=HEAD,
        tell=lambda words: None,
    )  # fmt: skip
    assert came.passed is not None and came.passed.config == CONFIG
