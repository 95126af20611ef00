"""A patch whose first seed is promising is shown before its further seeds are trained, and never in the place of a verdict."""

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from evolution.domain.job import EventType
from evolution.domain.proposal import PROMISING, Effect, Idea, Patch, Proposal, Verified
from evolution.laboratory.evaluation import CandidateEvaluation
from evolution.store.store import Store

EFFECT = Effect(metric="objective", before=0.1, after=0.12, low=0.01, high=0.03)
IDEA = Idea(code="x", title="X", rationale="", addresses=(), rests_on=(), proposer="recipe")
PROMISE = Proposal(
    id="p1234567", idea=IDEA, patch=Patch(base="a", edits=()), parent="a", child="b", trials=("t1",),
    verified=Verified.NO, effect=EFFECT, details={PROMISING: True},
)  # fmt: skip
REFUSED = replace(PROMISE, trials=("t1", "t2"), why_not="chance", details={PROMISING: False})


@pytest.fixture
def evaluation(tmp_path):
    made: Any = CandidateEvaluation.__new__(CandidateEvaluation)
    told = []
    with Store.open(tmp_path) as store:
        made.context = SimpleNamespace(
            store=store,
            store_lock=threading.RLock(),
            events=SimpleNamespace(
                emit=lambda kind, message, **data: told.append((kind, message, data["promising"]))
            ),
        )
        made.told = told
        yield made


def test_a_promise_is_told_and_then_the_verdict(evaluation):
    evaluation._keep(PROMISE)
    evaluation._keep(REFUSED)
    assert evaluation.told == [
        (EventType.PROPOSAL, "X: promising, further seeds decide", True),
        (EventType.PROPOSAL, "X: not verified: chance", False),
    ]
    assert evaluation.context.store.proposal("p1234567").why_not == "chance"


@pytest.mark.parametrize("verdict", [REFUSED, replace(REFUSED, trials=("t1",))])
def test_a_promise_never_replaces_a_verdict_on_the_same_trials(evaluation, verdict):
    evaluation._keep(verdict)
    evaluation._keep(PROMISE)
    assert evaluation.context.store.proposal("p1234567").details[PROMISING] is False
    assert len(evaluation.told) == 1


def test_a_promise_comes_before_the_further_seeds(evaluation, monkeypatch):
    order = []
    evaluation._is_promising = lambda *given, **more: True
    evaluation._is_likely = lambda pairs, rivals: False
    monkeypatch.setattr("evolution.laboratory.evaluation.targets_of", lambda idea, feedback: [])
    evaluation._promise = lambda *given: order.append("promise")
    evaluation._replicas = lambda *given: order.append("seeds") or []
    evaluation._judge = lambda *given: order.append("verdict")
    from tests.evolution.laboratory.test_unmeasurable import CANDIDATE, CHILD

    evaluation.settle(CHILD, SimpleNamespace(), CANDIDATE, CHILD, patient=True)
    evaluation.settle(CHILD, SimpleNamespace(), CANDIDATE, CHILD)  # a run's: it tells its best itself
    assert order == ["promise", "seeds", "verdict", "seeds", "verdict"]
