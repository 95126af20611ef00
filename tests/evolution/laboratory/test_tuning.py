"""What ends a search, and how a setting is told."""

from types import SimpleNamespace
from typing import Any

import pytest

from evolution.domain.archive import Archive
from evolution.domain.limits import Limits
from evolution.domain.proposal import TUNER
from evolution.domain.run import NodeStatus
from evolution.laboratory.tuning import CODE, TOGETHER, _left, _share, idea_of
from evolution.proposers.by_tuning import tried_in
from evolution.recipes.catalogue import mends
from evolution.tuning.sampler import Tried
from evolution.tuning.space import find_space
from evolution.tuning.writing import with_values
from tests.evolution.nodes import node

SOURCES = {"main.py": "LR = 0.001\nDROPOUT = 0.2\nuse(LR, DROPOUT)\n"}
SPACE = find_space(SOURCES, entry="main:build", editable=("*.py",))


def settings(*seconds: float) -> list[Any]:
    return [
        SimpleNamespace(trial=SimpleNamespace(cost=SimpleNamespace(program_s=value))) for value in seconds
    ]


@pytest.mark.parametrize(
    ("limits", "done", "left"),
    [
        (Limits(trials=3), (), 3),
        (Limits(trials=3), (5.0, 5.0, 5.0), 0),
        (Limits(gpu_s=12.0), (5.0, 5.0), TOGETHER),
        (Limits(gpu_s=12.0), (5.0, 5.0, 5.0), 0),
        (Limits(trials=9, gpu_s=4.0), (5.0,), 0),
    ],
)
def test_a_search_ends_at_its_number_of_settings_or_its_seconds(limits, done, left):
    assert _left(limits, settings(*done)) == left
    assert (_share(limits, settings(*done)) == 1.0) == (left == 0)


def test_a_setting_is_an_idea_of_the_tuner_and_no_repair():
    idea = idea_of(SPACE, (0.004, 0.2), tried=12)
    assert (idea.code, idea.proposer, idea.by_llm, mends(idea)) == (CODE, TUNER, False, False)
    assert idea.title == "Tune 1 number: LR 0.001 -> 0.004"
    assert "the best of 12 settings of 2 numbers" in idea.rationale


def test_a_run_knows_its_settings_by_its_programs_alone():
    values = [SPACE.values, (0.004, 0.2), (0.001, 0.5)]
    files = {f"p{at}": {**SOURCES, **with_values(SOURCES, SPACE, one)} for at, one in enumerate(values)}
    nodes = (node(0, 0.2), node(1, 0.3), node(2, None, status=NodeStatus.PRUNED))
    assert tried_in(Archive(nodes=nodes), SPACE, files) == [
        Tried(values=values[0], objective=0.2),
        Tried(values=values[1], objective=0.3),
        Tried(values=values[2], objective=0.2),
    ]
