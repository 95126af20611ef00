"""What runs show side by side, on curves small enough to check by hand."""

import numpy as np
import pytest

from evolution.domain.proposal import Idea
from evolution.domain.run import Moved, Node, NodeStatus, Run, RunState, RunTerms
from evolution.domain.trial import Metric
from evolution.evolving.curves import best_so_far, hits, over_seeds, ratio, trials_to_reach
from evolution.evolving.strategy_comparison import compare_document

IDEA = Idea(code="a", title="A", rationale="", addresses=(), rests_on=(), proposer="recipe")


def run_of(*values, strategy="directional", seed=0, moved=()):
    """Objectives in order, the user's version first; None: pruned."""
    nodes = tuple(
        Node(
            order=order,
            generation=order,
            program=f"p{order}",
            parent="p0" if order else "",
            trial=f"t{order}",
            status=NodeStatus.COMPLETE if value is not None else NodeStatus.PRUNED,
            idea=IDEA if order else None,
            objective=None if value is None else Metric(value=value, low=None, high=None),
            moved=moved if order else (),
        )
        for order, value in enumerate(values)
    )
    terms = RunTerms(root="p0", measured="m", strategy=strategy, seed=seed, proposer="recipes")
    return Run(id=terms.run_id, terms=terms, state=RunState.DONE, created_at=0.0, nodes=nodes)


def test_the_best_so_far_never_falls_and_a_short_run_keeps_its_last():
    assert best_so_far(run_of(0.1, 0.3, None, 0.2), 5).tolist() == [0.1, 0.3, 0.3, 0.3, 0.3, 0.3]


def test_trials_to_a_goal_count_pruned_ones_and_say_when_it_is_not_reached():
    run = run_of(0.1, None, 0.2, 0.4)
    assert trials_to_reach(run, 0.4, 3) == 3
    assert trials_to_reach(run, 0.1, 3) == 0
    assert trials_to_reach(run, 0.5, 3) == 4


def test_an_idea_that_was_never_trained_costs_no_trial():
    run = run_of(0.1, 0.4)
    not_made = Node(
        order=1, generation=1, program="", parent="p0", trial="", status=NodeStatus.NOT_MADE, idea=IDEA
    )
    longer = Run(**{**vars(run), "nodes": (run.nodes[0], not_made, run.nodes[1])})
    assert trials_to_reach(longer, 0.4, 5) == 1


def test_one_seed_has_no_interval():
    assert over_seeds([3.0]).low is None
    assert ratio([1.0], [2.0]).low is None


def test_an_interval_over_seeds_holds_the_mean():
    spread = over_seeds([1.0, 2.0, 3.0, 4.0])
    assert spread.low is not None and spread.high is not None
    assert spread.low < spread.value == 2.5 < spread.high
    compared = ratio([1.0, 1.0, 2.0], [4.0, 4.0, 5.0])
    assert compared.value == pytest.approx(4 / 13)
    assert compared.low is not None and compared.high is not None
    assert compared.low < compared.value < compared.high


def test_hits_count_targets_by_proposer():
    good = Moved(code="a", before=1.0, after=0.5, as_intended=True, healthy=False)
    bad = Moved(code="b", before=1.0, after=2.0, as_intended=False, healthy=False)
    assert hits([run_of(0.1, 0.2, 0.3, moved=(good, bad))]) == {"recipe": (2, 4)}


def test_the_document_names_the_best_other_strategy_and_the_ratio_to_it():
    runs = {
        "directional": [run_of(0.1, 0.4), run_of(0.1, 0.2, 0.4, seed=1)],
        "nas": [run_of(0.1, 0.1, 0.1, 0.4, strategy="nas"), run_of(0.1, 0.1, strategy="nas", seed=1)],
        "greedy": [run_of(0.1, 0.2, 0.4, strategy="greedy"), run_of(0.1, 0.2, 0.2, 0.4, strategy="greedy")],
    }
    document = compare_document(runs, trials=4)
    assert document["goal"] == pytest.approx(0.38)
    assert document["against_best_other"]["other"] == "greedy"
    assert document["against_best_other"]["value"] == pytest.approx(1.5 / 2.5)
    assert document["against"]["greedy"]["value"] == document["against_best_other"]["value"]
    assert set(document["against"]) == set(document["strategies"]) - {"directional"}
    assert document["strategies"]["nas"]["trials_to_goal"]["each"] == [3, 5]
    assert document["strategies"]["nas"]["trials_to_goal"]["not_reached"] == 1
    assert np.allclose(
        [point["value"] for point in document["strategies"]["directional"]["curve"]],
        [0.1, 0.3, 0.4, 0.4, 0.4],
    )
