"""Which nodes of a run get further seeds, what is kept back for that, and what their figures are over all seeds.

A node's first trial chose it, so its objective is told over all its seeds, and its gain is corrected for the choice among
all candidates of the run, anew whenever there are more of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from evolution.domain.archive import Archive, objective_of
from evolution.domain.objective import parse_expression
from evolution.domain.proposal import Proposal, Verified
from evolution.domain.run import UNTRIED, Node, NodeStatus
from evolution.domain.trial import Metric, Trial
from evolution.evolving.ledger import Ledger
from evolution.laboratory.acceptance import REPLICAS
from evolution.laboratory.evaluation import CandidateEvaluation
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.paired_comparison import Rivals, pooled_objective


@dataclass(kw_only=True)
class Verification:
    """The further seeds of one run.

    root: the first trial of the user's version. given_up: ids of proposals whose further seed did not end well.
    """

    laboratory: Laboratory
    evaluation: CandidateEvaluation
    ledger: Ledger
    root: Trial
    proposals: dict[str, Proposal] = field(default_factory=dict)  # by id, as this run knows them
    given_up: set[str] = field(default_factory=set)
    _root_trials: dict[int, Trial] = field(default_factory=dict)  # by seed

    def __post_init__(self) -> None:
        self._root_trials[self.root.key.seed] = self.root

    @property
    def kept(self) -> int:
        """How many trials verifying one more node costs."""
        return REPLICAS * (1 if len(self._root_trials) > 1 else 2)

    def is_affordable(self) -> bool:
        """Whether the limits cover the verification of one more node."""
        return self.ledger.trials_left(self.kept) == self.kept

    def judged(self, node: Node, proposal: Proposal) -> Node:
        """The node with the proposal's verdict and, where it is complete, its objective over all seeds; charges its trials."""
        self.proposals[proposal.id] = proposal
        children = self._children(proposal)
        self.ledger.charge([*children, *self._parents(children)])
        why = proposal.why_not if proposal.verified is Verified.NO else ""
        node = replace(
            node, proposal=proposal.id, verified=proposal.verified, why=why, corrected=proposal.corrected
        )
        if node.status is not NodeStatus.COMPLETE or len(children) < 2:
            return node
        return replace(node, objective=self._pooled(children), seeds=len(children))

    def of_root(self, node: Node) -> Node:
        """The user's version with its objective over all seeds that it was trained with in this run."""
        trials = [self._root_trials[seed] for seed in sorted(self._root_trials)]
        return replace(node, objective=self._pooled(trials), seeds=len(trials)) if len(trials) > 1 else node

    def rivals(self, nodes: Sequence[Node], trials: Sequence[Trial] = ()) -> Rivals:
        """All candidates of the run: the first trials of its nodes, and those that are no nodes yet."""
        store, lock = self.laboratory.context.store, self.laboratory.context.store_lock
        with lock:
            made = [one for one in nodes[1:] if one.trial and one.status not in UNTRIED]
            first = [trial for one in made if (trial := store.trial(one.trial)) is not None]
        return Rivals(trials=(*first, *trials))

    def among(self, node: Node, rivals: Rivals) -> Node:
        """A measured node judged as one of all these candidates; trains nothing."""
        known = self.proposals.get(node.proposal)
        if known is None or node.status is not NodeStatus.COMPLETE:
            return node
        return self._again(node, self.evaluation.among(known, rivals))

    def open_best(self, archive: Archive, rivals: Rivals) -> Node | None:
        """The best node that further seeds may still verify, unless a better one is a verified gain.

        None where nothing beats the user's version, or where the limits do not cover its seeds.
        """
        for node in sorted(archive.complete, key=lambda one: (-objective_of(one), one.order)):
            if node.order == 0 or node.verified is Verified.GAIN:
                return None
            known = self.proposals.get(node.proposal)
            if known is None or known.id in self.given_up or not self.evaluation.is_open(known, rivals):
                continue
            return node if self._may_add_seed(known) else None
        return None

    def with_seed(self, node: Node, rivals: Rivals) -> Node:
        """The node judged with one more seed; as it is, and given up, where that did not end well. Raises Cancelled."""
        known = self.proposals[node.proposal]
        proposal = self.evaluation.further(known, rivals)
        if len(proposal.trials) == len(known.trials):
            self.given_up.add(known.id)
            return node
        return self._again(node, proposal)

    def _again(self, node: Node, proposal: Proposal) -> Node:
        again = self.judged(node, proposal)
        gated = (
            node.objective is not None and node.objective.low is None
        )  # a program that counts as 0 stays there
        return replace(again, objective=node.objective, why=node.why) if gated else again

    def _may_add_seed(self, proposal: Proposal) -> bool:
        seed = self.root.key.seed + len(proposal.trials)
        needed = 1 if seed in self._root_trials else 2
        return self.ledger.trials_left(needed) == needed

    def _children(self, proposal: Proposal) -> list[Trial]:
        store, lock = self.laboratory.context.store, self.laboratory.context.store_lock
        with lock:
            return [trial for name in proposal.trials if (trial := store.trial(name)) is not None]

    def _parents(self, children: Sequence[Trial]) -> list[Trial]:
        """The further seeds of the user's version that these were held against."""
        store, lock = self.laboratory.context.store, self.laboratory.context.store_lock
        seeds = {trial.key.seed for trial in children} - {self.root.key.seed}
        same = replace(self.root.key, seed=0)
        with lock:
            known = [t for t in store.trials(self.root.key.program) if t.key.seed in seeds]
        found = [trial for trial in known if replace(trial.key, seed=0) == same]
        self._root_trials.update({trial.key.seed: trial for trial in found})
        return found

    def _pooled(self, trials: Sequence[Trial]) -> Metric:
        objective = parse_expression(self.laboratory.config.objective.expression)
        return pooled_objective(self.laboratory.context.repo, objective, trials)
