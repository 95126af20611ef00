"""`evolverec explain --ask`: a scripted model is asked about a finding, with the code, and nothing is run."""

import time
from pathlib import Path

import pytest

from diagnosis.anchors import make_anchor
from diagnosis.findings import Role, Site
from evolution.domain.feedback import Feedback
from evolution.domain.trial import Trial, TrialKey, TrialStatus
from evolution.repo.programs import Programs
from evolution.store.store import Store
from tests.findings import make_finding
from tests.llm.scripted import ScriptedLlm, in_turn

ANSWER = {"cause": "shelf.py:3 ranks by count.", "check": "Sort by score.", "change": "Rank by score."}


@pytest.fixture
def diagnosed(repo: Path) -> Path:
    program = Programs.open(repo).snapshot().tree
    key = TrialKey(program=program, data="d", training="t", seed=0, device="cpu/1", harness="h")
    site = Site(role=Role.SCORING, path="shelf.py", start_line=3, end_line=3)
    anchor = make_anchor(site, (repo / "shelf.py").read_text())
    finding = make_finding("popularity-bias", message="Lists are popular.", anchors=(anchor,))
    with Store.open(repo) as store:
        store.put_trial(
            Trial(id="t1", key=key, status=TrialStatus.COMPLETE, created_at=time.time(), wall_s=1.0)
        )
        store.put_feedback(Feedback(trial="t1", program=program, created_at=time.time(), findings=(finding,)))
    return repo


def test_asking_needs_an_endpoint_and_a_budget_needs_asking(evolverec, diagnosed):
    refused = evolverec("explain", "popularity-bias", diagnosed, "--budget-usd", 1, "--json")
    assert refused.code == 2 and "no LLM is asked without --ask" in refused.document["error"]["message"]


@pytest.mark.process
def test_the_model_is_shown_the_finding_and_the_code(
    evolverec, diagnosed, scripted_llm: ScriptedLlm, monkeypatch
):
    missing = evolverec("explain", "popularity-bias", diagnosed, "--ask", "--json")
    assert missing.code == 2 and "EVOLVEREC_LLM_MODEL" in missing.document["error"]["message"]
    for name, value in scripted_llm.environment().items():
        monkeypatch.setenv(name, value)
    scripted_llm.script = in_turn(ANSWER)
    done = evolverec("explain", "popularity-bias", diagnosed, "--ask")
    assert "says (an opinion, nothing of it is measured): shelf.py:3 ranks by count." in done.out
    assert "To change: Rank by score." in done.out
    (asked,) = scripted_llm.requests
    assert "Lists are popular." in asked.text and "It stands on shelf.py:3." in asked.text
    assert str(diagnosed) not in asked.text
    unknown = evolverec("explain", "overconfidence", diagnosed, "--ask", "--json")
    assert "the files on disk have no finding 'overconfidence'" in unknown.document["error"]["message"]
