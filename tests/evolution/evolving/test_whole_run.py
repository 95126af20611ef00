"""A whole run with an LLM, over HTTP: personas, plan, literature, patch, debugger, trial, feedback; then again without."""

import os
import signal
from decimal import Decimal

import pytest

from evolution.domain.job import JobState
from evolution.domain.proposal import Verified
from evolution.domain.request import NEWEST
from evolution.domain.run import NodeStatus, RunState, decisions
from evolution.store.store import Store
from tests.evolution.evolving.colleague import ANSWERS, ORDER, colleague
from tests.evolution.evolving.conftest import INPUT, OUTPUT
from tests.evolution.evolving.truth import untrue
from tests.llm.scripted import in_turn, malformed, refuse, slow, truncate
from tests.server import conftest as editors

pytestmark = [pytest.mark.training, pytest.mark.process, pytest.mark.timeout(600)]
TRIALS = 10
connect = editors.connect  # the fixture


def by_code(run):
    return {node.idea.code: node for node in run.nodes if node.idea}


def billed(server):
    """Dollars of every answer that the endpoint would have charged for."""
    return sum((INPUT * sent + OUTPUT * said) / 1_000_000 for _, sent, said in server.billed)


def differences(one, other):
    """(node, key, there, here) wherever two runs decided otherwise."""
    before, after = decisions(one), decisions(other)
    assert len(before) == len(after)
    return [
        (old["order"], key, old[key], new[key])
        for old, new in zip(before, after)
        for key in old
        if old[key] != new[key]
    ]


@pytest.fixture
def repo(grounds):
    """Where `connect` opens an editor."""
    return grounds.repo


@pytest.fixture(scope="module")
def whole(grounds):
    """Filled by the first test of this file: the run that the others do again."""
    return {}


def test_a_run_goes_from_personas_to_measured_patches(grounds, with_llm, whole):
    server = with_llm(colleague())
    ended = grounds.job(trials=TRIALS, budget_usd=5.0)
    assert ended.state is JobState.DONE, ended.error
    run = grounds.run()
    nodes = by_code(run)
    whole["run"], whole["requests"] = run, list(server.requests)
    assert {"plan-queries", "plan-report", "plan-reflect", "code", "debug"} < set(server.prompts())
    assert {"persona", "persona-choice"} < set(server.prompts())
    good = nodes["full-cross-entropy"]
    assert good.status is NodeStatus.COMPLETE and good.idea.proposer == "scripted-1"
    assert len(good.idea.rests_on) == 1  # what it cited is there, what it made up is not
    assert any("possitive_loss" in words for words in nodes["misspelt-loss"].rounds)  # broken, then mended
    assert nodes["misspelt-loss"].trial
    assert nodes["dead-term"].status is NodeStatus.NOT_MADE and "dead code" in nodes["dead-term"].why
    assert "judge-myself" not in nodes or nodes["judge-myself"].status is NodeStatus.NOT_MADE
    assert "probe" in server.prompts()
    assert run.probes, [event.message for event in grounds.events(ended) if "probe" in event.message]
    assert not (grounds.repo.parent / "outside.py").exists()
    assert "(evolverec.toml)" not in " ".join(node.why for node in run.nodes)
    assert Decimal(str(run.spent["usd"])) == billed(server)
    with Store.open(grounds.repo) as store:
        for node in run.nodes:
            if node.verified is not Verified.NO:
                assert store.proposal(node.proposal).idea.by_llm


def test_every_prompt_tells_what_the_store_holds(grounds, whole):
    with Store.open(grounds.repo) as store:
        assert [said for r in whole["requests"] for said in untrue(r, whole["run"], store)] == []


def test_what_users_said_is_stored_and_marked(grounds, whole):
    root = whole["run"].nodes[0]
    with Store.open(grounds.repo) as store:
        feedback = store.feedback(root.trial)
    assert feedback.interviews.kind == "llm" and feedback.interviews.model == "scripted-1"
    assert feedback.interviews.asked == 20


async def test_the_editor_shows_its_verified_patches_as_an_llms(connect, repo, whole):
    """In a real language server, on the same store: one action away."""
    best = [node for node in whole["run"].nodes if node.verified is not Verified.NO]
    assert best, [(node.idea and node.idea.code, node.why) for node in whole["run"].nodes]
    editor = await connect("visual-studio-code", trusted=True)
    uri = editor.open("recommender.py")
    entry = next(
        n for n, line in enumerate((repo / "recommender.py").read_text().splitlines()) if "def build" in line
    )
    await editor.wait(lambda: editor.shown(uri))
    titles = [action.title for action in await editor.actions(uri, entry, only=["refactor"])]
    assert any("(by an LLM): +" in title for title in titles), titles


def test_a_replay_without_network_comes_to_the_same_archive(grounds, whole):
    ended = grounds.job(replay=whole["run"].id)
    assert ended.state is JobState.DONE, ended.error
    assert ended.result["same"], ended.result["first_difference"]
    assert ended.result["nodes"] == len(whole["run"].nodes)
    assert ended.result["spent"] == dict(whole["run"].spent)


def test_a_run_that_is_killed_goes_on_where_it_was(grounds, with_llm, whole, tmp_path):
    server = with_llm(colleague())
    elsewhere = grounds.without_words(tmp_path / "shop")
    job = elsewhere.start(trials=TRIALS, budget_usd=5.0)
    assert elsewhere.wait_for_nodes(3)
    os.kill(elsewhere.record(job).pid, signal.SIGKILL)
    asked = len(server.requests)
    ended = elsewhere.job(resume=NEWEST)
    assert ended.state is JobState.DONE, ended.error
    run = elsewhere.run()
    assert run.state is RunState.DONE
    assert differences(whole["run"], run) == []
    repeated = [request.text for request in server.requests]
    assert len(repeated) - len(set(repeated)) <= 4  # what was in flight when it died, at most one a thread
    assert asked > 40


FAULTS = ("malformed", "refused", "slow", "truncated")


def wrong(fault, good):
    """The first answer to a prompt, with a fault."""
    makers = {
        "malformed": malformed,
        "refused": refuse,
        "slow": lambda: slow(0.3, good),
        "truncated": lambda: truncate(good),
    }
    return makers[fault]()


def test_a_fault_in_the_first_answer_to_every_prompt_loses_nothing(grounds, with_llm, tmp_path):
    """Personas that fail are left out, plans and patches that fail are repaired or given up; the run goes on. Prompts take turns
    in the faults; every fault of a single answer is in tests/evolution/llm/test_client.py."""
    faults = {name: FAULTS[(place + 2) % len(FAULTS)] for place, name in enumerate(ANSWERS)}
    assert faults["code"] == "refused"

    def faulty(name, answer):
        def first(request):
            return wrong(faults[name], answer(request) if callable(answer) else answer)

        return in_turn(first, answer)

    server = with_llm(colleague(**{name: faulty(name, answer) for name, answer in ANSWERS.items()}))
    elsewhere = grounds.without_words(tmp_path / "shop")
    ended = elsewhere.job(trials=4, budget_usd=5.0)
    assert ended.state is JobState.DONE, ended.error
    run = elsewhere.run()
    assert Decimal(str(run.spent["usd"])) == billed(server)
    measured = [node for node in run.nodes[1:] if node.trial]
    assert measured
    assert all(node.idea.code in ORDER for node in measured)
    assert any("declined" in node.why for node in run.nodes), [node.why for node in run.nodes]
    replayed = elsewhere.job(replay=run.id)
    assert replayed.result["same"], replayed.result["first_difference"]
