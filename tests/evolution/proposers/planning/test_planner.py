"""When a plan is looked at a second time: where its choice breaks a rule, or where something was measured since."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evolution.domain.archive import Archive
from evolution.domain.feedback import Feedback
from evolution.domain.run import NodeStatus
from evolution.proposers.planning import planner as planning
from evolution.proposers.planning.planner import Planner
from evolution.proposers.planning.replies import PlannedIdea, Reflection, Report, Scores
from evolution.proposers.situation import Situation
from evolution.proposers.strategies import STRATEGIES
from tests.evolution.nodes import node

EVEN = Scores(originality=5, potential=5, user_alignment=5, model_alignment=5, ease=5)


def idea(code: str, change: str = "Change model.py.") -> PlannedIdea:
    return PlannedIdea(
        code=code, title=code, change=change, why="", addresses=[], sources=[], scores=EVEN, con=""
    )


class Mind:
    """Answers with one plan, and with the second look that it is given; notes what it was asked."""

    def __init__(self, plan: Report, look: Reflection) -> None:
        self.plan, self.look = plan, look
        self.asked: list[tuple[str, Any]] = []

    def __call__(self, prompt: str, values: Any, reply: Any) -> Any:
        self.asked.append((prompt, values))
        return {"plan-report": self.plan, "plan-reflect": self.look}[prompt]

    @property
    def prompts(self) -> list[str]:
        return [prompt for prompt, _ in self.asked]


@pytest.fixture
def planner_of(monkeypatch):
    """A planner without literature for a program of one file."""
    monkeypatch.setattr(planning, "briefing", lambda laboratory, situation: {"findings": [], "critiques": []})
    programs = SimpleNamespace(
        sources=lambda program, editable: {"model.py": ""}, files=lambda program: {"model.py": ""}
    )
    config = SimpleNamespace(recommender=SimpleNamespace(editable=("*.py",)))
    laboratory: Any = SimpleNamespace(programs=programs, config=config)
    return lambda mind: Planner(
        laboratory=laboratory, ask=mind, retrieve=lambda queries, codes, limit: [], model="wise-1"
    )


def situation(*nodes: Any, count: int = 1) -> Situation:
    archive = Archive(nodes=(node(0, 0.2), *nodes))
    return Situation(
        strategy=STRATEGIES["scalar"],
        archive=archive,
        parent=archive.root,
        feedback=Feedback(trial="t0", program="p0", created_at=0.0),
        count=count,
        drafts=False,
        progress=0.0,
        rng=np.random.default_rng(0),
    )


def plan(*codes: str) -> Report:
    return Report(insights=[], directions=[], ideas=[idea(code) for code in codes], chosen=codes[0])


def codes(planned: Any) -> list[str]:
    return [one.code for one, _ in planned.ideas]


def test_a_plan_whose_choice_may_be_tried_stands(planner_of):
    mind = Mind(plan("decay", "softmax"), Reflection(verdict="", ideas=[], chosen="softmax"))
    assert codes(planner_of(mind).plan(situation())) == ["decay", "softmax"]
    assert mind.prompts == ["plan-report"]


def test_a_choice_that_was_tried_here_is_looked_at_again(planner_of):
    mind = Mind(plan("decay", "softmax"), Reflection(verdict="", ideas=[idea("warmup")], chosen="warmup"))
    planned = planner_of(mind).plan(situation(node(1, 0.1, idea="decay")))
    assert codes(planned) == ["warmup", "softmax"] and [code for code, _ in planned.refused] == ["decay"]
    prompt, values = mind.asked[-1]
    assert prompt == "plan-reflect" and not values["is_old"]
    assert values["objections"] == ["decay was tried here already", ""]


def test_fewer_ideas_than_are_wanted_are_looked_at_again(planner_of):
    mind = Mind(plan("decay"), Reflection(verdict="", ideas=[idea("softmax")], chosen="decay"))
    assert codes(planner_of(mind).plan(situation(count=2))) == ["decay", "softmax"]


def test_what_is_left_of_a_plan_is_looked_at_again_only_when_something_was_measured(planner_of):
    mind = Mind(plan("decay", "softmax", "warmup"), Reflection(verdict="", ideas=[], chosen="warmup"))
    planner = planner_of(mind)
    planner.plan(situation())
    waits = replace(node(1, None, idea="decay", status=NodeStatus.WAITING), parent="p0")
    assert codes(planner.plan(situation(waits))) == ["softmax", "warmup"]
    assert mind.prompts == ["plan-report"]
    measured = replace(node(1, 0.1, idea="decay"), parent="p0")
    assert codes(planner.plan(situation(measured))) == ["warmup", "softmax"]
    prompt, values = mind.asked[-1]
    assert prompt == "plan-reflect" and values["is_old"]
    assert [one["code"] for one in values["report"]["ideas"]] == ["softmax", "warmup"]


def test_a_plan_of_which_nothing_is_left_is_made_anew(planner_of):
    mind = Mind(plan("decay"), Reflection(verdict="", ideas=[], chosen="decay"))
    planner = planner_of(mind)
    planner.plan(situation())
    planner.plan(situation(node(1, 0.1, idea="decay")))
    assert mind.prompts == ["plan-report", "plan-report", "plan-reflect"]
