"""What a run knows of its programs: the best one, the Pareto fronts, and how often each was built on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolution.domain.run import Node, NodeStatus

POPULATION = 12  # programs that can still be parents; small enough for runs of 10 to 100 trials


@dataclass(frozen=True, kw_only=True)
class Archive:
    """The nodes of a run.

    nodes: in the order in which they became known, the user's own version first.
    population: how many programs can be parents.
    """

    nodes: tuple[Node, ...]
    population: int = POPULATION

    @property
    def root(self) -> Node:
        """The user's own version."""
        return self.nodes[0]

    @property
    def best(self) -> Node:
        """The complete node with the highest objective; the earlier one if they are equal."""
        return max(self.complete, key=lambda node: (objective_of(node), -node.order))

    @property
    def complete(self) -> list[Node]:
        """The nodes whose trial is complete and has an objective."""
        return [node for node in self.nodes if node.status is NodeStatus.COMPLETE and node.objective]

    @property
    def parents(self) -> list[Node]:
        """Programs that can be built on: Pareto fronts from the first inwards, at most `population` of them."""
        left, kept = self.complete, []
        while left and len(kept) < self.population:
            front = pareto(left)
            kept += sorted(front, key=lambda node: (-objective_of(node), node.order))
            left = [node for node in left if node not in front]
        return kept[: self.population]

    def tries(self) -> Counter[str]:
        """How many ideas were tried on each program; one whose patch was void was not."""
        return Counter(
            node.parent for node in self.nodes if node.parent and node.status is not NodeStatus.VOID
        )

    def lineage(self, node: Node) -> list[Node]:
        """The node and its ancestors, newest first."""
        by_program = {known.program: known for known in self.nodes if known.program}
        line = [node]
        while line[-1].parent and line[-1].parent in by_program and len(line) <= len(self.nodes):
            line.append(by_program[line[-1].parent])
        return line

    def children(self, program: str) -> list[Node]:
        """The nodes that were built on a program."""
        return [node for node in self.nodes if node.parent == program]

    def with_node(self, node: Node) -> "Archive":
        """The archive with one more node."""
        return replace(self, nodes=(*self.nodes, node))


def objective_of(node: Node) -> float:
    """The node's objective; -inf if it has none."""
    return node.objective.value if node.objective else float("-inf")


def burden(node: Node) -> tuple[int, int]:
    """(number of open findings, number of open critiques). Both are 0 for strategies that do not use feedback."""
    return len(node.findings or ()), len(node.critiques or ())


def pareto(nodes: Sequence[Node]) -> list[Node]:
    """The nodes that no other one dominates in objective, open findings and open critiques."""
    return [node for node in nodes if not any(dominates(other, node) for other in nodes)]


def dominates(one: Node, other: Node) -> bool:
    """Whether `one` is nowhere worse than `other` in objective, open findings and open critiques, and better in one."""
    mine = (objective_of(one), *(-count for count in burden(one)))
    theirs = (objective_of(other), *(-count for count in burden(other)))
    return mine != theirs and all(a >= b for a, b in zip(mine, theirs))
