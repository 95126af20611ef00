"""What makes a run itself: every option is part of its terms or of its limits."""

from dataclasses import fields, replace

import pytest

from evolution.domain.feedback import Feedback
from evolution.domain.limits import Limits
from evolution.domain.request import TERMS as REQUEST_TERMS
from evolution.domain.request import USUAL_TRIALS, EvolveRequest, ProposerChoice, StrategyName, options_of
from evolution.domain.run import Run, RunState, RunTerms
from evolution.evolving.outcomes import Observed, gated
from evolution.evolving.resources import llm_document, settled_proposer, stored_llm
from evolution.evolving.starting import limits_document, request_of
from evolution.literature.settings import LiteratureSettings
from evolution.llm.price_list import Price
from evolution.llm.settings import LlmSettings
from evolution.proposers.strategies import STRATEGIES
from tests.evolution.nodes import node

TERMS = RunTerms(root="r", measured="m", strategy="directional", seed=0, proposer="recipes")
LLM = LlmSettings(base_url="http://127.0.0.1:1/v1", key="secret-key", model="m", efforts={"planner": "high"})


@pytest.mark.parametrize(
    "other",
    [
        {"root": "x"},
        {"measured": "x"},
        {"strategy": "nas"},
        {"seed": 1},
        {"proposer": "llm"},
        {"model": "x"},
        {"gate": True},
    ],
)
def test_other_terms_are_another_run(other):
    assert replace(TERMS, **other).run_id != TERMS.run_id


def test_the_users_that_an_llm_plays_are_a_term_where_one_proposes():
    """The usual number leaves ids as they were before it could be chosen."""
    by_llm = replace(TERMS, proposer="llm", model="m")
    assert replace(by_llm, llm_users=5).run_id != by_llm.run_id
    assert replace(TERMS, model="", llm_users=5).run_id == replace(TERMS, model="").run_id


def test_where_no_limit_is_said_there_are_some_trials_and_any_other_limit_replaces_them():
    assert EvolveRequest().limits == Limits(trials=USUAL_TRIALS)
    assert EvolveRequest(budget_gpu_s=60.0).limits == Limits(gpu_s=60.0)
    assert EvolveRequest(budget_usd=1.0, trials=5).limits == Limits(usd=1.0, trials=5)


def test_a_stored_run_tells_what_was_asked_for():
    asked = EvolveRequest(
        strategy=StrategyName.GREEDY, seed=3, gate=True, proposer=ProposerChoice.RECIPES, trials=9,
        budget_usd=0.5, budget_tokens=7, budget_gpu_s=60.0,
    )  # fmt: skip
    terms = replace(TERMS, strategy="greedy", seed=3, gate=True)
    limits = limits_document(asked.limits)
    run = Run(id="i", terms=terms, state=RunState.DONE, created_at=0.0, limits=limits)
    assert request_of(run) == asked


def test_every_strategy_that_can_be_asked_for_has_its_row():
    assert set(STRATEGIES) == set(StrategyName)


def test_what_makes_a_run_another_run_is_asked_for_by_the_same_name():
    assert {field.name for field in fields(RunTerms)} & set(options_of(EvolveRequest)) == set(REQUEST_TERMS)


@pytest.mark.parametrize(
    ("strategy", "asked", "llm", "settled"),
    [
        ("directional", "auto", None, "recipes"),
        ("directional", "auto", LLM, "llm"),
        ("directional", "recipes", LLM, "recipes"),
        ("directional", "both", LLM, "both"),
        ("nas", "llm", LLM, "recipes"),  # a fixed space is what it is
    ],
)
def test_who_proposes(strategy, asked, llm, settled):
    request = EvolveRequest(strategy=strategy, proposer=asked)
    assert settled_proposer(request, llm) == settled


def test_a_record_for_replays_holds_models_and_prices_and_neither_key_nor_address():
    from decimal import Decimal

    price = Price(input=Decimal("2.5"), output=Decimal("10"), cached=Decimal("1"))
    settings = replace(LLM, prices={"m": price})
    document = llm_document(settings, LiteratureSettings(sources=("library",)))
    assert "secret-key" not in str(document) and "127.0.0.1" not in str(document)
    again = stored_llm(document)
    assert (again.model, again.efforts, again.prices) == ("m", {"planner": "high"}, {"m": price})
    assert again.key == ""


@pytest.mark.parametrize(("critical", "value"), [(True, 0.0), (False, 0.3)])
def test_the_gate_takes_the_objective_of_what_both_sides_call_critical(critical, value):
    feedback = Feedback(trial="t", program="p", created_at=0.0)
    look = Observed(feedback=feedback, findings=(), critiques=(), critical=critical)
    assert gated(node(1, 0.3), look).objective.value == value
