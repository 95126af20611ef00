"""Which versions the users that an LLM plays are shown: they cost tokens, so only those that something is built on."""

from types import SimpleNamespace
from typing import Any

import pytest

from evolution.domain.archive import Archive
from evolution.domain.run import Run, RunState, RunTerms
from evolution.evolving.loop import Evolution
from tests.evolution.nodes import node

TERMS = RunTerms(root="p0", measured="m", strategy="directional", seed=0, proposer="llm", model="wise-1")


@pytest.fixture
def evolution(monkeypatch):
    """An evolution whose looks are noted: (trial, whether the LLM's users were asked)."""
    objective = SimpleNamespace(expression="HR@5", guardrails=())
    config = SimpleNamespace(objective=objective, training=SimpleNamespace(seed=0))
    laboratory = SimpleNamespace(context=None, config=config)
    tools: Any = SimpleNamespace(laboratory=laboratory, ledger=None)
    run = Run(id="r", terms=TERMS, state=RunState.RUNNING, created_at=0.0)
    made = Evolution(tools, TERMS, run, lambda changed: None)
    made.archive = Archive(nodes=(node(0, 0.2), node(1, 0.1, idea="softmax"), node(2, 0.3, idea="decay")))
    looked: list[tuple[Any, bool]] = []
    monkeypatch.setattr(made, "_trial_of", lambda known: SimpleNamespace(id=known.trial))
    monkeypatch.setattr(made, "_look", lambda trial: looked.append((trial.id, trial.id in made.heard)))
    return made, looked


def test_users_are_asked_of_a_parent_that_is_no_worse_than_the_users_version(evolution):
    made, looked = evolution
    root, worse, better = made.archive.nodes
    for parent in (root, worse, better):
        made._of_parent(parent)
    assert looked == [("t0", True), ("t1", False), ("t2", True)]
