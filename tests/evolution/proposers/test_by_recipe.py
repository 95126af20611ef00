"""How recipes are weighed and drawn: each strategy by what it knows, none by what it does not."""

from dataclasses import dataclass

import pytest

from diagnosis.findings import Severity
from evolution.domain.archive import Archive
from evolution.proposers.by_recipe import _WEIGHTS, UNCALLED, _called_for, outcome_factor
from evolution.proposers.strategies import STRATEGIES, Choice
from evolution.recipes.recipe import Facts, RecipeContext, RecipePatch
from simulator.critiques import Critique, Fidelity
from tests.evolution.nodes import node
from tests.findings import make_finding


@dataclass(frozen=True)
class Written:
    """A recipe whose draft does not matter."""

    code: str = "a"
    triggers: frozenset[str] = frozenset({"overconfidence", "missed-category"})
    promise: float = 0.5
    title: str = "t"
    rationale: str = "r"
    techniques: tuple[str, ...] = ()

    def make(self, context: RecipeContext) -> RecipePatch:
        return RecipePatch(edits=(), note="")


EMPTY = Archive(nodes=(node(0, 0.1),))


def finding(code="overconfidence", severity=Severity.WARNING):
    return make_finding(code, id="f", severity=severity)


def critique(share, *, positive=False):
    return Critique(
        id="c", code="missed-category", positive=positive, signal="category", message="", count=1, users=2,
        share=share, low=0.0, high=1.0, quotes=(), fidelity=Fidelity(auc=0.9, low=0.8, high=1.0, users=9),
    )  # fmt: skip


def context(*, findings=(), critiques=()):
    facts = Facts(n_users=1, n_items=1)
    return RecipeContext(sources={}, facts=facts, findings=findings, critiques=critiques)


def weight(choice, asked, archive=EMPTY):
    return _WEIGHTS[choice](Written(), asked, archive)


def test_a_directional_strategy_hears_findings_and_complaints_and_how_loud_they_are():
    silent = weight(Choice.TRIGGERED, context())
    warned = weight(Choice.TRIGGERED, context(findings=(finding(),)))
    alarmed = weight(Choice.TRIGGERED, context(findings=(finding(severity=Severity.ERROR),)))
    few = weight(Choice.TRIGGERED, context(critiques=(critique(0.1),)))
    many = weight(Choice.TRIGGERED, context(critiques=(critique(0.8),)))
    assert silent == UNCALLED * 0.5 < few < many < alarmed
    assert few < warned < alarmed
    assert weight(Choice.TRIGGERED, context(critiques=(critique(0.8, positive=True),))) == silent
    assert weight(Choice.TRIGGERED, context(findings=(finding("same-list"),))) == silent


@pytest.mark.parametrize("choice", [Choice.PROMISE, Choice.OUTCOME, Choice.RANDOM])
def test_the_others_do_not(choice):
    assert weight(choice, context()) == weight(
        choice, context(findings=(finding(),), critiques=(critique(0.8),))
    )


def test_what_helped_elsewhere_in_the_run_is_tried_sooner_and_what_hurt_later():
    helped = Archive(nodes=(node(0, 0.1), node(1, 0.12, idea="a")))
    hurt = Archive(nodes=(node(0, 0.1), node(1, 0.08, idea="a")))
    failed = Archive(nodes=(node(0, 0.1), node(1, None, idea="a")))
    assert outcome_factor("a", helped) > 1 == outcome_factor("a", EMPTY) > outcome_factor("a", hurt)
    assert outcome_factor("a", failed) < 1
    assert weight(Choice.RANDOM, context(), helped) == weight(Choice.RANDOM, context(), hurt)
    assert weight(Choice.OUTCOME, context(), helped) > weight(Choice.OUTCOME, context(), hurt)


def test_an_idea_counts_where_it_was_a_part_of_several():
    joint = Archive(nodes=(node(0, 0.1), node(1, 0.15, idea="a+b")))
    assert outcome_factor("a", joint) == outcome_factor("b", joint) > 1


def test_two_answers_are_tried_together_where_feedback_calls_for_each():
    asked = context(findings=(finding(),), critiques=(critique(0.5),))
    draft = RecipePatch(edits=(), note="")
    one, other = Written("a", frozenset({"overconfidence"})), Written("b", frozenset({"missed-category"}))
    assert _called_for([(one, draft), (other, draft)], asked)
    assert not _called_for([(one, draft), (Written("c", frozenset({"same-list"})), draft)], asked)
    assert not _called_for([(one, draft), (other, draft)], context())  # told of nothing


def test_strategies_differ_in_more_than_their_names():
    rows = {
        (row.told, row.choice, row.selection, row.drafts, row.steps, row.llm) for row in STRATEGIES.values()
    }
    assert len(rows) == len(STRATEGIES) == 7
