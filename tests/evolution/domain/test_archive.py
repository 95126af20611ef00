"""Who is on the front and who may become a parent: each mechanism changes what happens."""

from evolution.domain.archive import Archive, pareto
from evolution.domain.run import NodeStatus
from tests.evolution.nodes import node


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
