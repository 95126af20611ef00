"""The evolution loop. `Evolution.run` shows the method in one screen; each step is a file of its own.

Every decision follows from the run's terms, the archive and what is stored, never from the clock or from the order of
threads. A run that is started again from its first step therefore finds its trials, feedback and exchanges in the
store and arrives at the same state. Resuming and replaying a run do nothing else.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from evolution.base.amounts import number
from evolution.base.errors import EvolverecError, RepoError
from evolution.domain.archive import Archive, objective_of
from evolution.domain.job import EventType
from evolution.domain.proposal import Verified
from evolution.domain.run import UNTRIED, Node, NodeStatus, Run, RunState, RunTerms
from evolution.domain.trial import Trial, TrialStatus
from evolution.evolving.coevolution import CoEvolution
from evolution.evolving.ledger import Ledger
from evolution.evolving.outcomes import Observed, gated, look_at, moved
from evolution.evolving.plan import plan_of
from evolution.evolving.verification import Verification
from evolution.laboratory.budgets import STILL_IMPROVING
from evolution.laboratory.candidates import Candidate, rebased
from evolution.laboratory.evaluation import CandidateEvaluation, is_void
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.observer import Interviewer
from evolution.laboratory.paired_comparison import Rivals
from evolution.laboratory.twins import why_dead
from evolution.llm.estimate import CostEstimate
from evolution.proposers.selection import select_parent
from evolution.proposers.situation import Attempt, Proposer, Revisable, Situation
from evolution.proposers.strategies import STRATEGIES, Strategy
from evolution.trials.analysis import AnalysisError
from evolution.trials.enough import has_converged

WIDTH = 2  # candidates of one generation, whatever the machine, so that a run does not depend on its cores
BARREN = 3  # the run ends after so many generations in a row without a candidate

Announce = Callable[[Run], None]
Tried = tuple[Node, Attempt]  # a parent, and what was made of it


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a run works with.

    ledger: counts its cost against its limits.
    interviewer: the LLM that plays users; None without an LLM. expected: what proposals of an LLM cost.
    accepted: ids of the evolved probes that the run starts with.
    llm: facts about the endpoint that a replay needs.
    """

    laboratory: Laboratory
    proposer: Proposer
    coevolution: CoEvolution
    ledger: Ledger
    interviewer: Interviewer | None = None
    expected: CostEstimate | None = None
    accepted: tuple[str, ...] = ()
    llm: Mapping[str, Any] = field(default_factory=dict)


class Evolution:
    """One run.

    announce: called with the run's record whenever it changes.
    """

    def __init__(self, tools: Tools, terms: RunTerms, run: Run, announce: Announce) -> None:
        self.tools, self.terms, self.announce = tools, terms, announce
        self.laboratory, self.ledger = tools.laboratory, tools.ledger
        self.strategy: Strategy = STRATEGIES[terms.strategy]
        self.evaluation = CandidateEvaluation(tools.laboratory, lambda trial: self._look(trial).feedback)
        self.run_record = run
        self.archive = Archive(nodes=())
        self.generation = 0
        self.barren = 0
        self.spare = False  # whether what verifying the best did not need is spent
        self.verification: Verification  # once the user's version is measured
        self.looks: dict[str, Observed] = {}  # by trial id; emptied when a probe is admitted
        self.heard: set[str] = set()  # ids of the trials whose pages the users that an LLM plays were shown

    def run(self) -> Run:
        """Evolve until the budget is used or nothing is left to try; returns the finished run.

        Raises Cancelled, and RepoError if the user's own version cannot be measured. What was learned by then is
        announced; a run is known from before its first trial, so that it can be resumed after a kill.
        """
        self._say(RunState.RUNNING)
        try:
            self.root = self.evaluation.parent(self.terms.root)
            if not has_converged(self.root):
                self.laboratory.context.events.emit(EventType.LOG, STILL_IMPROVING)
            self._begin()
            self._evolve(spare=False)
            self._verify_best()
            self._evolve(spare=True)
            self._correct(self.archive.nodes)
        except EvolverecError:
            self._say(RunState.STOPPED)
            raise
        return self._say(RunState.DONE)

    def _evolve(self, *, spare: bool) -> None:
        """Generations, until the budget is used. spare: what verifying the best did not need is spent too."""
        self.spare = spare
        while self.barren < BARREN and self._goes_on():
            self.generation += 1
            self._learn(*self._measure(self._propose(self._kept())))
            if self._goes_on():
                self._coevolve()  # a probe counts from then on

    def _kept(self) -> int:
        """How many trials are kept back for verifying the best."""
        return 0 if self.spare else self.verification.kept

    def _goes_on(self) -> bool:
        """Whether the limits cover one more candidate."""
        return self.ledger.may_train(kept=self._kept())

    def _verify_best(self) -> None:
        """Train the best with further seeds until it is a verified gain, or the seeds that a gain may take are used."""
        rivals = self.verification.rivals(self.archive.nodes)
        while (best := self.verification.open_best(self.archive, rivals)) is not None:
            self._put(self.verification.with_seed(best, rivals))
        self._correct(self.archive.nodes)

    def _correct(self, nodes: Sequence[Node]) -> None:
        """Judge these nodes as some of all candidates that the run has by now, and tell the user's version over its seeds."""
        rivals = self.verification.rivals(self.archive.nodes)
        for node in nodes:
            self._put(
                self.verification.among(node, rivals) if node.order else self.verification.of_root(node)
            )
        self._say(RunState.RUNNING)

    def _put(self, node: Node) -> None:
        """The archive with this node in the place of the one with its number."""
        nodes = tuple(node if known.order == node.order else known for known in self.archive.nodes)
        self.archive = replace(self.archive, nodes=nodes)

    def _propose(self, kept: int) -> list[Tried]:
        """The (parent, attempt) pairs of a generation, all different. The first generation drafts from the user's
        version. kept: trials that must be left after them.
        """
        drafts = self.generation == 1 and self.strategy.drafts > 0
        wanted = self.ledger.at_most(self.strategy.drafts if drafts else WIDTH, kept=kept)
        rng = np.random.default_rng([self.terms.seed, self.generation])
        found: list[Tried] = []
        archive = self.archive
        for _ in range(1 if drafts else wanted):
            parent = archive.root if drafts else select_parent(archive, self.strategy.selection, rng)
            situation = self._situation(archive, parent, wanted if drafts else 1, rng, drafts=drafts)
            for attempt in self.tools.proposer.propose(situation):
                found.append((parent, attempt))
                archive = archive.with_node(self._draft_node(parent, attempt, len(archive.nodes)))
        return found

    def _situation(
        self, archive: Archive, parent: Node, count: int, rng: np.random.Generator, *, drafts: bool
    ) -> Situation:
        return Situation(
            strategy=self.strategy,
            archive=archive,
            parent=parent,
            feedback=self._of_parent(parent).feedback,
            count=count,
            drafts=drafts,
            progress=self.ledger.progress(),
            rng=rng,
        )

    def _draft_node(self, parent: Node, attempt: Attempt, order: int) -> Node:
        """The node of an attempt that has not been measured."""
        made = isinstance(attempt, Candidate)
        return Node(
            order=order,
            generation=self.generation,
            program=attempt.child if made else "",
            parent=parent.program,
            trial="",
            status=NodeStatus.WAITING if made else NodeStatus.NOT_MADE,
            idea=attempt.idea,
            why="" if made else attempt.why,
            rounds=attempt.rounds,
        )

    def _measure(self, attempts: Sequence[Tried]) -> tuple[list[Tried], dict[str, Trial]]:
        """The attempts, and the first trial of each candidate by program id. A patch that is void goes back to its author
        once, whose next attempt takes its place.
        """
        trials = self._train(attempts)
        settled = [(parent, self._revised(parent, attempt, trials)) for parent, attempt in attempts]
        again = [one for one in settled if isinstance(one[1], Candidate) and one[1].child not in trials]
        return settled, {**trials, **self._train(again)}

    def _train(self, attempts: Sequence[Tried]) -> dict[str, Trial]:
        """The first trial of each candidate, by program id; candidates are trained in parallel slots."""
        made = [(parent, attempt) for parent, attempt in attempts if isinstance(attempt, Candidate)]
        trials = self.laboratory.each(
            lambda one: self.evaluation.train(self.root, one[1], changes=self._trial_of(one[0])), made
        )
        for (parent, candidate), trial in zip(made, trials):
            void = is_void(self._trial_of(parent), trial, candidate.idea)
            self.ledger.charge_void(trial) if void else self.ledger.charge([trial])
        return {candidate.child: trial for (_, candidate), trial in zip(made, trials)}

    def _revised(self, parent: Node, attempt: Attempt, trials: Mapping[str, Trial]) -> Attempt:
        if not isinstance(attempt, Revisable):
            return attempt
        child = trials[attempt.child]
        if not is_void(self._trial_of(parent), child, attempt.idea):
            return attempt
        again = attempt.again(why_dead(child))
        return again if isinstance(again, Candidate) else replace(attempt, rounds=again.rounds)

    def _learn(self, attempts: Sequence[Tried], trials: Mapping[str, Trial]) -> None:
        taken = {attempt.child for _, attempt in attempts if isinstance(attempt, Candidate)}
        tried = [trial for child, trial in trials.items() if child in taken]
        rivals = self.verification.rivals(self.archive.nodes, tried)
        reached = [trial.objective.value for trial in tried if trial.objective is not None]
        for parent, attempt in attempts:
            node = self._draft_node(parent, attempt, len(self.archive.nodes))
            if isinstance(attempt, Candidate):
                child = trials[attempt.child]
                leads = child.objective is not None and child.objective.value == max(reached)
                node = self._judged(node, parent, attempt, child, rivals, leads=leads)
            self._add(node)
        fruitful = any(node.status not in UNTRIED for node in self.archive.nodes[-len(attempts) :])
        self.barren = 0 if attempts and fruitful else self.barren + 1
        self._correct([node for node in self.archive.nodes if node.order == 0 or node.seeds > 1])

    def _judged(
        self, node: Node, parent: Node, candidate: Candidate, child: Trial, rivals: Rivals, *, leads: bool
    ) -> Node:
        """The node with its trial's outcome: objective, verification, and for directional strategies what the trial
        shows. leads: whether no other candidate of its generation reached more.
        """
        if is_void(self._trial_of(parent), child, candidate.idea):
            return replace(node, trial=child.id, status=NodeStatus.VOID, why=why_dead(child))
        before = self._of_parent(parent)
        best = max((objective_of(known) for known in self.archive.complete), default=float("-inf"))
        promising = leads and child.objective is not None and child.objective.value > best
        proposal = self.evaluation.settle(
            self.root,
            before.feedback,
            self._for_user(parent, candidate),
            child,
            replicate=promising and self.verification.is_affordable(),
            changes=self._trial_of(parent),
            rivals=rivals,
        )
        status = _status(child)
        node = replace(
            node,
            trial=child.id,
            status=status,
            objective=child.objective if status is NodeStatus.COMPLETE else None,
        )
        node = self.verification.judged(node, proposal)
        if node.status is not NodeStatus.COMPLETE:
            return node
        try:
            after = self._hear(child) if promising and self._goes_on() else self._look(child)
        except AnalysisError as error:  # what cannot be looked at is not built on, and ends no run
            return replace(
                node, status=NodeStatus.FAILED, objective=None, verified=Verified.NO, why=str(error)
            )
        if not self.strategy.directional:
            return node
        seen = replace(
            node,
            findings=after.findings,
            critiques=after.critiques,
            moved=moved(candidate.idea, before.feedback, after.feedback),
        )
        return gated(seen, after) if self.terms.gate else seen

    def _for_user(self, parent: Node, candidate: Candidate) -> Candidate:
        """The candidate as a change of the user's version, whatever program it was built on."""
        line = [node.idea for node in reversed(self.archive.lineage(parent)) if node.idea is not None]
        return rebased(self.laboratory, candidate, self.archive.root.program, line)

    def _coevolve(self) -> None:
        """Admit probes for complaints that nothing measures; they count from the next generation on."""
        if not self.strategy.directional:
            return
        admitted = self.tools.coevolution.after_generation(self.archive, self.generation, heard=self.heard)
        if not admitted:
            return
        probes = {**self.run_record.probes, **dict.fromkeys(admitted, self.generation + 1)}
        self.run_record = replace(self.run_record, probes=probes)
        self.looks.clear()
        self.archive = replace(self.archive, nodes=tuple(self._again(node) for node in self.archive.nodes))
        self._say(RunState.RUNNING)

    def _again(self, node: Node) -> Node:
        """A node with the findings of all present probes, so that old and new nodes can be compared."""
        if node.status is not NodeStatus.COMPLETE or node.findings is None:
            return node
        return replace(node, findings=self._look(self._trial_of(node)).findings)

    def _begin(self) -> None:
        self.verification = Verification(
            laboratory=self.laboratory, evaluation=self.evaluation, ledger=self.ledger, root=self.root
        )
        plan = plan_of(self.ledger.limits, self.tools.expected, trial_s=self.root.cost.program_s)
        self.laboratory.context.events.emit(EventType.LOG, plan.words)
        node = Node(
            order=0,
            generation=0,
            program=self.root.key.program,
            parent="",
            trial=self.root.id,
            status=NodeStatus.COMPLETE,
            idea=None,
            objective=self.root.objective,
        )
        if self.strategy.directional:
            seen = self._hear(self.root)
            node = replace(node, findings=seen.findings, critiques=seen.critiques)
        self._add(node)

    def _look(self, trial: Trial) -> Observed:
        """The trial's findings and critiques, computed once as long as no probe is added."""
        if trial.id not in self.looks:
            self.looks[trial.id] = look_at(
                self.laboratory,
                trial,
                self.strategy,
                self.tools.coevolution,
                self.tools.interviewer if trial.id in self.heard else None,
            )
        return self.looks[trial.id]

    def _of_parent(self, parent: Node) -> Observed:
        """What a parent's trial shows. Users that an LLM plays are asked of no parent that is worse than the user's version."""
        is_worse = objective_of(parent) < objective_of(self.archive.root)
        return self._look(self._trial_of(parent)) if is_worse else self._hear(self._trial_of(parent))

    def _hear(self, trial: Trial) -> Observed:
        """As `_look`, with the users that an LLM plays: they cost tokens, so only a parent's are asked, or a new best's where
        something can still be built on it.
        """
        if trial.id not in self.heard:
            self.heard.add(trial.id)
            self.looks.pop(trial.id, None)
        return self._look(trial)

    def _trial_of(self, node: Node) -> Trial:
        with self.laboratory.context.store_lock:
            trial = self.laboratory.context.store.trial(node.trial)
        if trial is None:
            raise RepoError(f"trial {node.trial} of this run is gone from the store; start the run again")
        return trial

    def _add(self, node: Node) -> None:
        self.archive = self.archive.with_node(replace(node, spent=self.ledger.spent()))
        self._say(RunState.RUNNING)
        if node.idea:
            reached = f"objective {number(node.objective.value)}" if node.objective else node.why
            self.laboratory.context.events.emit(
                EventType.NODE,
                f"{node.idea.title}: {node.status}, {reached}",
                run=self.run_record.id,
                node=node.order,
                share=self.ledger.progress(),
                step=self._step(),
            )

    def _step(self) -> str:
        """What of the budget is used, and the best so far: `3 of 24 trials, best .216`."""
        limit = self.ledger.limits.trials
        best = self.run_record.best
        reached = f", best {number(best.objective.value)}" if best and best.objective else ""
        return f"{self.ledger.trials}{f' of {limit}' if limit else ''} trials{reached}"

    def _say(self, state: RunState) -> Run:
        ended = 0.0 if state is RunState.RUNNING else time.time()
        self.run_record = replace(
            self.run_record,
            state=state,
            nodes=self.archive.nodes,
            spent=self.ledger.spent(),
            finished_at=ended,
        )
        self.announce(self.run_record)
        return self.run_record


def _status(trial: Trial) -> NodeStatus:
    return {
        TrialStatus.COMPLETE: NodeStatus.COMPLETE,
        TrialStatus.PRUNED: NodeStatus.PRUNED,
    }.get(trial.status, NodeStatus.FAILED)
