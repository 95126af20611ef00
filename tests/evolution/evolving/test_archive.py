"""Who is best, who is on the front, who is chosen: each mechanism changes what happens."""

from collections import Counter

import numpy as np
import pytest

from evolution.domain.archive import Archive, pareto
from evolution.domain.proposal import Idea
from evolution.domain.run import Node, NodeStatus
from evolution.domain.trial import Metric
from evolution.proposers.selection import Selection, ideas, inspirations, promise, select_parent


def node(order, value, *, parent="p0", idea="", findings=(), critiques=(), status=NodeStatus.COMPLETE):
    return Node(
        order=order,
        generation=order,
        program=f"p{order}",
        parent=parent if order else "",
        trial=f"t{order}",
        status=status,
        idea=Idea(code=idea, title=idea, rationale="", addresses=(), rests_on=(), proposer="recipe")
        if idea
        else None,
        objective=None if value is None else Metric(value=value, low=None, high=None),
        findings=findings,
        critiques=critiques,
    )


def test_the_front_holds_what_nothing_beats_in_objective_findings_and_critiques_at_once():
    better = node(1, 0.3, findings=("a", "b"))
    calmer = node(2, 0.2, findings=())
    beaten = node(3, 0.2, findings=("a",))
    assert pareto([better, calmer, beaten]) == [better, calmer]


def test_open_critiques_alone_keep_a_program_on_the_front():
    loud, quiet = node(1, 0.3, critiques=("x", "y")), node(2, 0.25, critiques=("x",))
    assert pareto([loud, quiet]) == [loud, quiet]
    assert pareto([loud, node(2, 0.25, critiques=("x", "y"))]) == [loud]


def test_a_population_that_is_full_keeps_the_outer_fronts():
    nodes = (node(0, 0.1), *(node(order, 0.1 + order / 100) for order in range(1, 6)))
    small = Archive(nodes=nodes, population=2)
    assert [parent.order for parent in small.parents] == [5, 4]
    assert len(Archive(nodes=nodes).parents) == 6


def test_failed_and_pruned_programs_are_no_parents():
    nodes = (node(0, 0.1), node(1, None, status=NodeStatus.PRUNED), node(2, None, status=NodeStatus.FAILED))
    assert [parent.order for parent in Archive(nodes=nodes).parents] == [0]


def test_promise_grows_with_the_gain_and_falls_with_every_try():
    archive = Archive(nodes=(node(0, 0.1), node(1, 0.2), node(2, 0.15)))
    _, best, between = archive.nodes
    assert promise(archive, best) > promise(archive, between) > 0
    tried = Archive(nodes=(*archive.nodes, *(node(3 + n, 0.1, parent="p1") for n in range(3))))
    assert promise(tried, best) == pytest.approx(promise(archive, best) * 0.7**3)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (Selection.ROOT, {0}),
        (Selection.BEST, {2}),
        (Selection.PARETO, {0, 1, 2}),
        (Selection.TOURNAMENT, {0, 1, 2}),
    ],
)
def test_each_way_of_selection_draws_from_its_own_set(how, expected):
    archive = Archive(nodes=(node(0, 0.1), node(1, 0.15), node(2, 0.2)))
    rng = np.random.default_rng(0)
    assert {select_parent(archive, how, rng).order for _ in range(200)} <= expected


def test_pareto_prefers_the_better_parent_more_than_a_tournament_does():
    archive = Archive(nodes=(node(0, 0.1), node(1, 0.15), node(2, 0.2)))

    def share(how):
        rng = np.random.default_rng(0)
        return Counter(select_parent(archive, how, rng).order for _ in range(300))[2] / 300

    assert share(Selection.PARETO) > share(Selection.TOURNAMENT) > 0.5


def test_a_lineage_names_the_ideas_that_made_a_program_newest_first():
    archive = Archive(nodes=(node(0, 0.1), node(1, 0.2, idea="a"), node(2, 0.3, parent="p1", idea="b")))
    assert ideas(archive, archive.nodes[2]) == ["b", "a"]
    assert [n.order for n in archive.lineage(archive.nodes[2])] == [2, 1, 0]


def test_inspirations_are_the_best_others_with_ideas_of_their_own():
    archive = Archive(
        nodes=(
            node(0, 0.1),
            node(1, 0.2, idea="a"),
            node(2, 0.3, idea="b"),
            node(3, 0.25, idea="b"),
            node(4, 0.15, idea="c"),
        )
    )
    assert [n.order for n in inspirations(archive, archive.nodes[1])] == [2, 4]
    assert [n.order for n in inspirations(archive, archive.nodes[1], limit=1)] == [2]
