"""Trains candidates, compares them with their parent, and stores the result as proposals, each as soon as it is known."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from evolution.base.errors import RepoError
from evolution.domain.feedback import Feedback
from evolution.domain.healing import CHANGED, changed_lines
from evolution.domain.job import EventType
from evolution.domain.objective import Objective, parse_expression, parse_guardrail
from evolution.domain.proposal import PROMISING, SAME, TOO_SLOW, Corrected, Idea, Proposal, Verified
from evolution.domain.trial import Trial, TrialStatus
from evolution.laboratory.acceptance import (
    FIX_TOLERANCE,
    FURTHER,
    REPLICAS,
    behind,
    is_likely,
    may_be_lost,
    verdict,
    was_lost,
)
from evolution.laboratory.budgets import compared_at
from evolution.laboratory.candidates import Candidate
from evolution.laboratory.healed import healed_in, healed_in_code, targets_of
from evolution.laboratory.laboratory import Laboratory, Prune, complete, measured_or_pruned
from evolution.laboratory.observer import feedback_of
from evolution.laboratory.paired_comparison import (
    ALONE,
    SHOWN,
    Pair,
    Rivals,
    broken_guardrails,
    corrected_effect,
    metric_effect,
    objective_effect,
)
from evolution.laboratory.program_cost import COST
from evolution.laboratory.tally import Tally
from evolution.laboratory.twins import is_dead, pruned_as_twin, same_words, why_dead
from evolution.recipes.catalogue import leaves_figures, mends
from evolution.store.store import trial_id
from evolution.trials.analysis import AnalysisError

# In a proposal's details: the program that its child was compared with, where that is not the one that its patch is for.
HELD_AGAINST = "held_against"
UNDECIDED = "one seed rose; further seeds decide"
DEAD = "dead"  # key in a proposal's details: it computes what its parent computes, and is no evidence


class CandidateEvaluation:
    """Compares candidates with their parent, the user's version.

    observe: returns the feedback on a trial; a run that evolves probes passes its own, which applies those probes too.
    allow_cost: the user takes a patch whatever it costs to train.
    """

    def __init__(
        self,
        laboratory: Laboratory,
        observe: Callable[[Trial], Feedback] | None = None,
        *,
        allow_cost: bool = False,
    ) -> None:
        self.laboratory = laboratory
        self.observe = observe or (lambda trial: feedback_of(laboratory, trial))
        self.context = laboratory.context
        self.config = laboratory.config
        self.objective: Objective = parse_expression(self.config.objective.expression)
        self.seed = self.config.training.seed
        self.allow_cost = allow_cost
        stated = self.config.objective.guardrails
        self.guardrails = [text for text in stated if not (allow_cost and parse_guardrail(text).name == COST)]

    def parent(self, program: str = "", *, watch: Prune | None = None) -> Trial:
        """The trial of the user's version (by default the files on disk). Raises RepoError if it fails, Cancelled.

        watch: is called after each of its epochs, as what prunes others.
        """
        program = program or self.laboratory.user_program()
        label = "your version"
        trial = self.laboratory.trial(program, seed=self.seed, label=label, accept=complete, prune=watch)
        if trial.failure is not None:
            raise RepoError(
                f"your version cannot be measured ({trial.failure.reason}): {trial.failure.message}",
                path=trial.failure.path,
                line=trial.failure.line,
            )
        return trial

    def race(
        self,
        parent: Trial,
        feedback: Feedback,
        candidates: Sequence[Candidate],
        earlier: Sequence[Proposal] = (),
    ) -> list[Proposal]:
        """Measure candidates in parallel. Poor ones are pruned, promising ones trained with a further seed.

        Returns them best first, with those that were measured `earlier` on the same parent: the choice is among all.
        """
        known = self._first_trials(earlier)
        others = Rivals(trials=known, unseen=len(candidates) - 1)
        tally = Tally(self.context.events, len(candidates), earlier)
        work = tally.counted(lambda one: self.measure(parent, feedback, one, others))
        measured = self.laboratory.each(work, candidates)
        return self.chosen([*earlier, *measured])

    def chosen(self, proposals: Sequence[Proposal]) -> list[Proposal]:
        """Measured proposals on one parent, each judged as one of all, best first."""
        rivals = Rivals(trials=self._first_trials(proposals))
        return sorted((self.among(proposal, rivals) for proposal in proposals), key=rank)

    def measure(
        self, parent: Trial, feedback: Feedback, candidate: Candidate, rivals: Rivals = ALONE
    ) -> Proposal:
        """Train a candidate and, if it is promising, train it with a further seed; returns the judged proposal.

        rivals: the candidates among which it is to be chosen.
        """
        first = self.train(parent, candidate, equal_is_enough=True)
        if leaves_figures(candidate.idea) and is_dead(parent, first):
            return self._equal(parent, feedback, candidate, first)
        return self.settle(parent, feedback, candidate, first, patient=True, rivals=rivals)

    def _equal(self, parent: Trial, feedback: Feedback, candidate: Candidate, child: Trial) -> Proposal:
        """Judge a repair that was seen to leave every figure as it is, by what the rules say of its code: nothing else is open."""
        fixed = healed_in_code(self.laboratory, child, targets_of(candidate.idea, feedback))
        same = len(child.epochs)
        if fixed:
            return self._publish(candidate, parent, [child], Verified.FIX, fixed=fixed, same=same)
        why = f"{same_words(same)}, and what it should mend is found in it still"
        return self._publish(candidate, parent, [child], Verified.NO, why_not=why, same=same)

    def _first_trials(self, proposals: Sequence[Proposal]) -> tuple[Trial, ...]:
        """The first trial of each that is no dead code, nor a repair that was seen to change no figure."""
        return tuple(
            trial
            for one in proposals
            if not (one.details.get(DEAD) or one.details.get(SAME))
            and (trial := self._stored(one.trials[0])) is not None
        )

    def _stored(self, trial: str) -> Trial | None:
        with self.context.store_lock:
            return self.context.store.trial(trial)

    def train(
        self,
        parent: Trial,
        candidate: Candidate,
        *,
        changes: Trial | None = None,
        equal_is_enough: bool = False,
    ) -> Trial:
        """The candidate's first trial, which is pruned if it falls far behind its parent, or is dead code. Raises Cancelled.

        changes: the trial of the program that the candidate is a change of, by default `parent`. equal_is_enough: a repair that
        changes no figure is trained only until that is seen.
        """
        self.context.check_cancelled()
        with self.context.store_lock:
            self.context.store.put_candidate(candidate.child)
        return self.laboratory.trial(
            candidate.child,
            seed=self.seed,
            label=candidate.idea.title,
            accept=measured_or_pruned,
            prune=self._prune(parent, candidate.idea, changes or parent, equal_is_enough),
        )

    def _prune(self, parent: Trial, idea: Idea, changes: Trial, equal_is_enough: bool) -> Prune:
        """What ends a training early. A repair may leave every figure as it is, such as one that saves memory."""
        poor = behind(parent, self.objective)
        to_the_end = mends(idea) and not (equal_is_enough and leaves_figures(idea))
        return poor if to_the_end else pruned_as_twin(changes, poor)

    def settle(
        self,
        parent: Trial,
        feedback: Feedback,
        candidate: Candidate,
        child: Trial,
        *,
        replicate: bool = True,
        patient: bool = False,
        changes: Trial | None = None,
        rivals: Rivals = ALONE,
    ) -> Proposal:
        """Judge a candidate by its first trial `child`. replicate: a promising one is trained with a further seed first.

        patient: a repair that healed its cause, and a likely gain, are trained with more seeds, as few users cannot tell in
        one. changes: see `train`. rivals: the candidates among which it is chosen.
        """
        if is_void(changes or parent, child, candidate.idea):
            return self._publish(candidate, parent, [child], Verified.NO, why_not=why_dead(child), dead=True)
        if child.status is not TrialStatus.COMPLETE:
            return self._publish(candidate, parent, [child], Verified.NO, why_not=_why_unfinished(child))
        pairs = [(parent, child)]
        targets = targets_of(candidate.idea, feedback)
        try:
            fixed = healed_in(self.laboratory, child, targets, self.observe) if targets else ()
        except AnalysisError as error:
            return self._publish(candidate, parent, [child], Verified.NO, why_not=str(error))
        repair = mends(candidate.idea)
        likely = patient and not repair and self._is_likely(pairs, rivals)
        if replicate and (likely or self._is_promising(pairs, fixed, mends=repair)):
            if patient:
                self._promise(candidate, pairs, fixed, rivals)
            pairs += self._replicas(parent, candidate, candidate.idea.title)
            for _ in range(FURTHER if patient else 0):
                unsettled = fixed and repair and not self._is_settled(pairs)
                if not (unsettled or (not repair and self._is_likely(pairs, rivals))):
                    break
                seed = self.seed + len(pairs)
                pairs += self._replica(parent, candidate, candidate.idea.title, seed)
        return self._judge(candidate, pairs, fixed, rivals)

    def _promise(
        self, candidate: Candidate, pairs: Sequence[Pair], fixed: tuple[str, ...], rivals: Rivals
    ) -> None:
        """Show a patch whose first seed is promising: its further seeds take the time of two trainings each."""
        among = corrected_effect(self.context.repo, self.objective, pairs, rivals)
        trials = [child for _, child in pairs]
        self._publish(
            candidate, pairs[0][0], trials, Verified.NO, pairs=pairs, fixed=fixed, why_not=UNDECIDED,
            among=among, promising=True,
        )  # fmt: skip

    def _is_promising(self, pairs: Sequence[Pair], fixed: Sequence[str], *, mends: bool) -> bool:
        if broken_guardrails(self.guardrails, pairs):
            return False
        effect = objective_effect(self.context.repo, self.objective, pairs)
        lost = was_lost(effect) if mends else may_be_lost(effect)
        return effect.low > 0 or (bool(fixed) and lost < FIX_TOLERANCE)

    def _is_likely(self, pairs: Sequence[Pair], rivals: Rivals) -> bool:
        """Whether more seeds may show a gain."""
        if broken_guardrails(self.guardrails, pairs):
            return False
        repo = self.context.repo
        singles = [objective_effect(repo, self.objective, [pair]) for pair in pairs]
        among = corrected_effect(repo, self.objective, pairs, rivals)
        return is_likely(objective_effect(repo, self.objective, pairs), singles, among)

    def _is_settled(self, pairs: Sequence[Pair]) -> bool:
        """Whether the objective is known to lose no more than a fix may cost."""
        effect = objective_effect(self.context.repo, self.objective, pairs)
        return may_be_lost(effect) < FIX_TOLERANCE

    def _replicas(self, parent: Trial, candidate: Candidate, label: str) -> list[Pair]:
        seeds = range(self.seed + 1, self.seed + 1 + REPLICAS)
        return [pair for seed in seeds for pair in self._replica(parent, candidate, label, seed)]

    def _replica(self, parent: Trial, candidate: Candidate, label: str, seed: int) -> list[Pair]:
        """Parent and child with a further seed, side by side where slots are free; [] where one of them did not end well."""
        labels = {
            parent.key.program: f"your version, seed {seed}",
            candidate.child: f"{label}, seed {seed}",
        }

        def trained(program: str) -> Trial:
            return self.laboratory.trial(program, seed=seed, label=labels[program], accept=complete)

        # What a replay lacks is told to its caller, and ends no job.
        each = map if self.laboratory.replays else self.laboratory.each
        before, after = each(trained, list(labels))
        both = before.status is TrialStatus.COMPLETE and after.status is TrialStatus.COMPLETE
        return [(before, after)] if both else []

    def _judge(
        self, candidate: Candidate, pairs: Sequence[Pair], fixed: tuple[str, ...], rivals: Rivals
    ) -> Proposal:
        among = corrected_effect(self.context.repo, self.objective, pairs, rivals)
        verified, why_not = self._verdict(candidate.idea, pairs, fixed, among)
        trials = [child for _, child in pairs]
        return self._publish(
            candidate, pairs[0][0], trials, verified, pairs=pairs, fixed=fixed, why_not=why_not, among=among
        )

    def _verdict(
        self, idea: Idea, pairs: Sequence[Pair], fixed: Sequence[str], among: Corrected | None
    ) -> tuple[Verified, str]:
        effect = objective_effect(self.context.repo, self.objective, pairs)
        singles = [objective_effect(self.context.repo, self.objective, [pair]) for pair in pairs]
        broken = broken_guardrails(self.guardrails, pairs)
        all_seeds = len(pairs) > REPLICAS + FURTHER
        lost = was_lost(effect) if mends(idea) and all_seeds else may_be_lost(effect)
        return verdict(effect, singles, fixed=fixed, broken=broken, lost=lost, corrected=among)

    def _publish(
        self,
        candidate: Candidate,
        parent: Trial,
        trials: Sequence[Trial],
        verified: Verified,
        *,
        pairs: Sequence[Pair] = (),
        fixed: tuple[str, ...] = (),
        why_not: str = "",
        among: Corrected | None = None,
        dead: bool = False,
        promising: bool = False,
        same: int = 0,
    ) -> Proposal:
        repo = self.context.repo
        shown = {name: metric_effect(repo, name, pairs) for name in SHOWN} if pairs else {}
        terms = compared_at(*pairs[0]) if pairs else None
        base, held = candidate.patch.base, parent.key.program
        proposal = Proposal(
            id=proposal_id(base, candidate.child),
            idea=candidate.idea,
            patch=candidate.patch,
            parent=base,
            child=candidate.child,
            trials=tuple(trial.id for trial in trials),
            verified=verified,
            effect=objective_effect(repo, self.objective, pairs) if pairs else None,
            effects={name: effect for name, effect in shown.items() if effect is not None},
            corrected=among,
            fixed=fixed,
            why_not=why_not,
            created_at=time.time(),
            details={
                "diff": candidate.diff,
                "note": candidate.note,
                "parent_trial": parent.id if held == base else "",
                "compared": terms.words if terms else f"{same_words(same).capitalize()}." if same else "",
                "terms": terms.short if terms else "",
                "max_epochs": self.config.training.max_epochs,
                DEAD: dead,
                SAME: same,
                PROMISING: promising,
                TOO_SLOW: bool(pairs) and self._is_only_too_slow(pairs),
                CHANGED: changed_lines(candidate.patch, self.laboratory.programs.sources(base)),
                **({HELD_AGAINST: held} if held != base else {}),
            },
        )
        self._keep(proposal)
        return proposal

    def _is_only_too_slow(self, pairs: Sequence[Pair]) -> bool:
        """Whether the objective rose, and a guardrail on cost is the only one that does not hold."""
        costs = [text for text in self.guardrails if parse_guardrail(text).name == COST]
        others = [text for text in self.guardrails if text not in costs]
        effect = objective_effect(self.context.repo, self.objective, pairs)
        broken = bool(broken_guardrails(costs, pairs)) and not broken_guardrails(others, pairs)
        return broken and effect.after > effect.before

    def _keep(self, proposal: Proposal) -> None:
        """Store a proposal and tell its verdict; a promise is told only where nothing more is known."""
        is_new = self._store(proposal)
        verified, promising = proposal.verified, bool(proposal.details.get(PROMISING))
        if promising and not is_new:
            return
        words = f"verified {verified}" if verified is not Verified.NO else f"not verified: {proposal.why_not}"
        self.context.events.emit(
            EventType.PROPOSAL,
            f"{proposal.idea.title}: {'promising, further seeds decide' if promising else words}",
            proposal=proposal.id,
            verified=verified,
            promising=promising,
        )

    def _store(self, proposal: Proposal) -> bool:
        """Store a proposal, unless it is stored with these trials and further seeds, which a run done again comes to later.
        A promise is not stored in the place of a verdict. Returns whether it was stored.
        """
        seeds, promising = len(proposal.trials), bool(proposal.details.get(PROMISING))
        with self.context.store_lock:
            known = self.context.store.proposal(proposal.id)
            if known is not None and known.trials[:seeds] == proposal.trials:
                judged = len(known.trials) == seeds and not known.details.get(PROMISING)
                if len(known.trials) > seeds or (promising and judged):
                    return False
            self.context.store.put_proposal(proposal)
            return True

    def among(self, proposal: Proposal, rivals: Rivals) -> Proposal:
        """A measured proposal judged anew as one of these candidates; trains nothing."""
        pairs = self._pairs_of(proposal)
        if proposal.effect is None or not pairs:
            return proposal
        before = proposal.verified
        found = corrected_effect(self.context.repo, self.objective, pairs, rivals)
        if found == proposal.corrected:
            return proposal
        judged = self._verdict(proposal.idea, pairs, proposal.fixed, found)
        proposal = replace(proposal, corrected=found, verified=judged[0], why_not=judged[1])
        (self._store if proposal.verified is before else self._keep)(proposal)
        return proposal

    def _pairs_of(self, proposal: Proposal) -> list[Pair]:
        """The trials that a proposal was judged by, with those of its parent; [] where one is no longer stored."""
        children = [self._stored(name) for name in proposal.trials]
        if any(child is None or child.status is not TrialStatus.COMPLETE for child in children):
            return []
        found = [(self._of_parent(proposal, child), child) for child in children if child is not None]
        pairs = [(parent, child) for parent, child in found if parent is not None]
        return pairs if len(pairs) == len(children) else []

    def _of_parent(self, proposal: Proposal, child: Trial) -> Trial | None:
        """The parent's trial on the terms of this one of the child."""
        held = str(proposal.details.get(HELD_AGAINST, proposal.parent))
        parent = self._stored(trial_id(replace(child.key, program=held)))
        return parent if parent is not None and parent.status is TrialStatus.COMPLETE else None

    def further(self, proposal: Proposal, rivals: Rivals) -> Proposal:
        """The proposal judged with one more seed, or as it is where that did not end well. Raises Cancelled."""
        pairs = self._pairs_of(proposal)
        if not pairs:
            return proposal
        candidate = _candidate_of(proposal)
        more = self._replica(pairs[0][0], candidate, proposal.idea.title, self.seed + len(pairs))
        return self._judge(candidate, [*pairs, *more], proposal.fixed, rivals) if more else proposal

    def is_open(self, proposal: Proposal, rivals: Rivals) -> bool:
        """Whether further seeds may still show that it is a gain."""
        pairs = self._pairs_of(proposal)
        if not pairs or proposal.verified is not Verified.NO or len(pairs) > REPLICAS + FURTHER:
            return False
        if len(pairs) > REPLICAS:
            return self._is_likely(pairs, rivals)
        effect = objective_effect(self.context.repo, self.objective, pairs)
        return effect.after > effect.before and not broken_guardrails(self.guardrails, pairs)

    def verify(self, proposal: Proposal) -> Proposal:
        """Judge a stored proposal again, with one more seed of child and parent. Raises RepoError if a trial fails."""
        if self.config.training.max_epochs < (epochs := int(proposal.details.get("max_epochs", 0))):
            longer = self.laboratory.training_for(
                epochs
            )  # what it was measured at, so that its trials are found
            return CandidateEvaluation(longer, self.observe, allow_cost=self.allow_cost).verify(proposal)
        known = [trial for name in proposal.trials if (trial := self.context.store.trial(name)) is not None]
        done = [trial.key.seed for trial in known if trial.status is TrialStatus.COMPLETE]
        seeds = [*done, max(done, default=self.seed - 1) + 1]
        pairs: list[Pair] = []
        for seed in seeds:
            label = f"{proposal.idea.title}, seed {seed}"
            parent = str(proposal.details.get(HELD_AGAINST, proposal.parent))
            before = self.laboratory.trial(parent, seed=seed, label=f"its parent, seed {seed}")
            after = self.laboratory.trial(proposal.child, seed=seed, label=label)
            if not (before.status is TrialStatus.COMPLETE and after.status is TrialStatus.COMPLETE):
                raise RepoError(
                    f"seed {seed} of {proposal.idea.title!r} did not end well: {_why_unfinished(after)}"
                )
            pairs.append((before, after))
        candidate = _candidate_of(proposal)
        feedback = self.observe(pairs[0][0])
        targets = targets_of(candidate.idea, feedback)
        fixed = healed_in(self.laboratory, pairs[0][1], targets, self.observe)
        return self._judge(candidate, pairs, fixed, self._rivals_of(proposal))

    def _rivals_of(self, proposal: Proposal) -> Rivals:
        """The candidates among which a stored proposal was chosen."""
        if proposal.corrected is None:
            return ALONE
        trials = tuple(t for name in proposal.corrected.rivals if (t := self._stored(name)) is not None)
        return Rivals(trials=trials, unseen=proposal.corrected.candidates - 1 - len(trials))


def is_void(parent: Trial, child: Trial, idea: Idea) -> bool:
    """Whether a child computes what its parent computes. A repair may leave every figure as it is, and is none."""
    return is_dead(parent, child) and not mends(idea)


def _candidate_of(proposal: Proposal) -> Candidate:
    return Candidate(
        idea=proposal.idea,
        patch=proposal.patch,
        child=proposal.child,
        diff=str(proposal.details.get("diff", "")),
        note=str(proposal.details.get("note", "")),
    )


def proposal_id(parent: str, child: str) -> str:
    """10 hex digits that depend on the tree hashes of the parent and the child program."""
    return hashlib.sha256(f"{parent}:{child}".encode()).hexdigest()[:10]


def _why_unfinished(trial: Trial) -> str:
    if trial.failure is not None:
        return f"{trial.failure.reason}: {trial.failure.message}"
    return f"pruned after {len(trial.epochs)} epochs: below your version's interval after as much training"


def rank(proposal: Proposal) -> tuple[int, float, str]:
    """Sort key, best first: gains, fixes, the rest; then by the lower bound of the effect, highest first."""
    order = {Verified.GAIN: 0, Verified.FIX: 1, Verified.NO: 2}
    return order[proposal.verified], -(proposal.effect.low if proposal.effect else float("-inf")), proposal.id
