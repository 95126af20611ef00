"""Who is chosen as a parent and as an inspiration: each mechanism changes what happens."""

from collections import Counter

import numpy as np
import pytest

from evolution.domain.archive import Archive
from evolution.proposers.selection import Selection, ideas, inspirations, promise, select_parent
from tests.evolution.nodes import node


def test_promise_grows_with_the_gain_and_falls_with_every_try():
    archive = Archive(nodes=(node(0, 0.1), node(1, 0.2), node(2, 0.15)))
    _, best, between = archive.nodes
    assert promise(archive, best) > promise(archive, between) > 0
    tried = Archive(nodes=(*archive.nodes, *(node(3 + n, 0.1, parent="p1") for n in range(3))))
    assert promise(tried, best) == pytest.approx(promise(archive, best) * 0.7**3)


def test_while_nothing_has_gained_the_users_version_is_built_on_rather_than_a_worse_one():
    archive = Archive(nodes=(node(0, 0.2), node(1, 0.1), node(2, 0.19)))
    own, worst, nearly = (promise(archive, one) for one in archive.nodes)
    assert own > 20 * worst and nearly > 20 * worst  # though two ideas were tried on it already
    alone = Archive(nodes=(node(0, 0.2),))
    assert promise(alone, alone.root) == 1.0


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
