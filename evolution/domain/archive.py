"""What a run knows of its programs: who is best, who is on the Pareto front, who was tried how often."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolution.domain.run import Node, NodeStatus

POPULATION = 12  # programs that can still be parents; small enough for runs of 10 to 100 trials


@dataclass(frozen=True, kw_only=True)
class Archive:
    """nodes: in the order they were known, the user's own version first."""

    nodes: tuple[Node, ...]
    population: int = POPULATION

    @property
    def root(self) -> Node:
        return self.nodes[0]

    @property
    def best(self) -> Node:
        """The highest objective; the earlier one where they are equal."""
        return max(self.complete, key=lambda node: (objective_of(node), -node.order))

    @property
    def complete(self) -> list[Node]:
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
        """How many ideas were tried on each program."""
        return Counter(node.parent for node in self.nodes if node.parent)

    def lineage(self, node: Node) -> list[Node]:
        """The node and what it came from, newest first."""
        by_program = {known.program: known for known in self.nodes if known.program}
        line = [node]
        while line[-1].parent and line[-1].parent in by_program and len(line) <= len(self.nodes):
            line.append(by_program[line[-1].parent])
        return line

    def children(self, program: str) -> list[Node]:
        return [node for node in self.nodes if node.parent == program]

    def with_node(self, node: Node) -> "Archive":
        return replace(self, nodes=(*self.nodes, node))


def objective_of(node: Node) -> float:
    return node.objective.value if node.objective else float("-inf")


def burden(node: Node) -> tuple[int, int]:
    """Open findings and open critiques; 0 where nobody looked, which is the same for all of a run that never looks."""
    return len(node.findings or ()), len(node.critiques or ())


def pareto(nodes: Sequence[Node]) -> list[Node]:
    """Nodes that no other beats in the objective, in open findings and in open critiques at once."""
    return [node for node in nodes if not any(dominates(other, node) for other in nodes)]


def dominates(one: Node, other: Node) -> bool:
    mine = (objective_of(one), *(-count for count in burden(one)))
    theirs = (objective_of(other), *(-count for count in burden(other)))
    return mine != theirs and all(a >= b for a, b in zip(mine, theirs))
