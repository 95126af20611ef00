"""One round of proposals for the user's program: recipes make patches from its feedback, and each patch is measured.

Unlike a generation of `evolve`, every promising candidate is trained with a further seed, so that the user can choose
among verified patches (a run does that only for a new best), and no run is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolution.domain.feedback import USERS_ASKED, Feedback
from evolution.domain.job import EventType
from evolution.domain.proposal import Proposal, Verified
from evolution.domain.trial import Trial
from evolution.jobs.tuned_proposals import race_tuned
from evolution.laboratory.candidates import (
    Candidate,
    carry_out,
    joined_idea,
    joint_edits,
    recipe_context,
)
from evolution.laboratory.evaluation import CandidateEvaluation
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.more_training import MoreTraining, trained_enough
from evolution.laboratory.observer import feedback_of
from evolution.laboratory.second_seed import SecondSeed
from evolution.proposers.drafting import draft_all, without
from evolution.recipes.catalogue import leaves_figures
from evolution.repo.baseline import Accepted, accepted_in, read_baseline

COMBINED = 3  # how many verified gains are combined into one patch at most


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """more_training: what the user should do before applying any patch; None where the version has converged.
    proposals: best first. did_not_fit: (recipe, reason) for triggered recipes that make no patch for this code."""

    proposals: tuple[Proposal, ...]
    did_not_fit: tuple[tuple[str, str], ...]
    more_training: MoreTraining | None = None


def propose_once(
    laboratory: Laboratory,
    *,
    trials: int,
    allow_cost: bool = False,
    tuned: bool = False,
    accepted: bool = False,
) -> Proposed:
    """Make and measure patches for a version that has converged, which is trained on until it has; at most `trials`
    candidates are trained, repairs that change no figure not counted. allow_cost: a guardrail on cost bars none. tuned: the version and
    each candidate are tuned before they are compared. accepted: findings that the repo's baseline accepts call for patches too. Raises RepoError if the
    user's program cannot be measured, ConfigError if the baseline is wrong, Cancelled."""
    known = () if accepted else read_baseline(laboratory.context.repo)  # before anything is trained
    program = laboratory.user_program()
    with SecondSeed(laboratory, program) as second:
        parent = CandidateEvaluation(laboratory).parent(program, watch=None if tuned else second.begin)
        laboratory, parent, longer = trained_enough(laboratory, parent)
        if longer is not None:
            second.drop()  # it trains no longer than what was not enough
            laboratory.context.events.emit(EventType.LOG, longer.words)
            if not longer.converged:
                return Proposed(proposals=(), did_not_fit=(), more_training=longer)
        return _raced(laboratory, parent, longer, known, trials, allow_cost=allow_cost, tuned=tuned)


def _raced(
    laboratory: Laboratory,
    parent: Trial,
    longer: MoreTraining | None,
    known: Sequence[Accepted],
    trials: int,
    *,
    allow_cost: bool,
    tuned: bool,
) -> Proposed:
    """What recipes make of a version that was trained enough, measured."""
    evaluation = CandidateEvaluation(laboratory, allow_cost=allow_cost)
    feedback = feedback_of(laboratory, parent, users=USERS_ASKED, examined=True)
    candidates, did_not_fit = draft(laboratory, parent.key.program, feedback, known)
    for recipe, reason in did_not_fit:
        laboratory.context.events.emit(EventType.LOG, f"{recipe} makes no patch here: {reason}")
    if tuned:
        proposals = race_tuned(evaluation, parent, feedback, candidates[:trials])
    else:
        proposals = evaluation.race(parent, feedback, _worth_a_trial(candidates, trials))
    counted = [proposal for proposal in proposals if not leaves_figures(proposal.idea)]
    may_join = len(counted) < trials and not tuned  # tuned patches change the same numbers
    together = combination(laboratory, parent, proposals) if may_join else None
    if together is not None:
        proposals = evaluation.race(parent, feedback, [together], proposals)
    return Proposed(proposals=tuple(proposals), did_not_fit=tuple(did_not_fit), more_training=longer)


def _worth_a_trial(candidates: Sequence[Candidate], trials: int) -> list[Candidate]:
    """Those that leave every figure as it is come first and are not counted, as a few epochs show it; of others the first `trials`."""
    unfelt = [candidate for candidate in candidates if leaves_figures(candidate.idea)]
    return unfelt + [candidate for candidate in candidates if candidate not in unfelt][:trials]


def draft(
    laboratory: Laboratory, base: str, feedback: Feedback, accepted: Sequence[Accepted] = ()
) -> tuple[list[Candidate], list[tuple[str, str]]]:
    """The candidates of the triggered recipes, most promising first, and (recipe, reason) for those that do not fit, or that
    only what is accepted calls for.
    """
    context, not_called_for = without(
        recipe_context(laboratory, base, feedback), frozenset(accepted_in(accepted, feedback))
    )
    made, did_not_fit = draft_all(context)
    did_not_fit = [*did_not_fit, *not_called_for]
    candidates: list[Candidate] = []
    seen = {base}
    for idea, patch in made:
        candidate = carry_out(laboratory, base, context.sources, idea, patch.edits, patch.note)
        if isinstance(candidate, str):
            did_not_fit.append((idea.code, candidate))
        elif candidate.child not in seen:
            seen.add(candidate.child)
            candidates.append(candidate)
    return candidates, did_not_fit


def combination(laboratory: Laboratory, parent: Trial, proposals: Sequence[Proposal]) -> Candidate | None:
    """A candidate that combines the best verified gains whose edits do not conflict; None if there are fewer than two."""
    editable = laboratory.config.recommender.editable
    sources = laboratory.programs.sources(parent.key.program, editable)
    gains = [proposal for proposal in proposals if proposal.verified is Verified.GAIN][:COMBINED]
    joined: list[Proposal] = []
    for proposal in gains:
        edits = [edit for one in (*joined, proposal) for edit in one.patch.edits]
        if joint_edits(sources, edits, editable) is not None:
            joined.append(proposal)
    edits = joint_edits(sources, [edit for one in joined for edit in one.patch.edits], editable)
    if len(joined) < 2 or edits is None:
        return None
    together = joined_idea([proposal.idea for proposal in joined])
    rationale = f"Each of these was a verified gain alone; together: {together.rationale}"
    idea = replace(together, rationale=rationale)
    candidate = carry_out(laboratory, parent.key.program, sources, idea, edits, "")
    return None if isinstance(candidate, str) else candidate
