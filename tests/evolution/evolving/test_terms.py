"""What makes a run itself: every option is part of its terms or of its limits."""

from dataclasses import replace

import pytest

from evolution.base.errors import UsageError
from evolution.domain.feedback import Feedback
from evolution.domain.run import Run, RunState, Terms
from evolution.evolving.outcomes import Look, gated
from evolution.evolving.starting import Plan
from evolution.evolving.tooling import llm_document, settled_proposer, stored_llm
from evolution.jobs.evolve import TRIALS, limits_of, plan_of, stored_limits
from evolution.literature.settings import LiteratureSettings
from evolution.llm.budget import Limits
from evolution.llm.settings import LlmSettings, Price
from tests.evolution.evolving.test_archive import node

TERMS = Terms(root="r", measured="m", strategy="directional", seed=0, proposer="recipes")
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


def test_where_no_limit_is_said_there_are_some_trials_and_any_other_limit_replaces_them():
    assert limits_of({}, TRIALS) == Limits(trials=TRIALS)
    assert limits_of({"budget_gpu_s": 60.0}, TRIALS) == Limits(gpu_s=60.0)
    assert limits_of({"budget_usd": 1.0, "trials": 5}, TRIALS) == Limits(usd=1.0, trials=5)


def test_limits_survive_in_the_record():
    limits = {"trials": 5.0, "usd": 0.5}
    run = Run(id="i", terms=TERMS, state=RunState.DONE, created_at=0.0, limits=limits)
    assert stored_limits(run) == Limits(trials=5, usd=0.5)


def test_a_plan_is_read_from_what_was_asked():
    plan = plan_of({"strategy": "greedy", "seed": 3, "gate": True, "proposer": "recipes", "trials": 9})
    assert plan == Plan(strategy="greedy", seed=3, gate=True, proposer="recipes", limits=Limits(trials=9))
    for wrong in ({"strategy": "x"}, {"proposer": "x"}):
        with pytest.raises(UsageError, match="expected one of"):
            plan_of(wrong)


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
    plan = Plan(strategy=strategy, proposer=asked, limits=Limits())
    assert settled_proposer(plan, llm) == settled


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
    look = Look(feedback=feedback, findings=(), critiques=(), critical=critical)
    assert gated(node(1, 0.3), look).objective.value == value
