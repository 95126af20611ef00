"""Nodes of an archive from the few values that a test is about."""

from evolution.domain.proposal import Idea
from evolution.domain.run import Node, NodeStatus
from evolution.domain.trial import Metric


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
