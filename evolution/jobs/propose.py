"""One round of proposing on the user's program: what recipes make of its feedback, each measured.

It is not a generation of `evolve`: here every promising candidate gets its further seed, so that the user can choose among
verified patches, while a run pays for the further seed of a new best alone; and no run is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolution.domain.feedback import USERS_ASKED, Feedback
from evolution.domain.job import EventType
from evolution.domain.proposal import Proposal, Verified
from evolution.domain.trial import Trial
from evolution.laboratory.candidates import (
    Candidate,
    carry_out,
    joined_idea,
    joint_edits,
    recipe_context,
)
from evolution.laboratory.evaluation import CandidateEvaluation
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.observer import feedback_of
from evolution.proposers.drafting import draft_all

COMBINED = 3  # how many verified gains are tried together


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """proposals: best first. did_not_fit: (recipe, reason) of what was triggered but makes no patch in this code."""

    proposals: tuple[Proposal, ...]
    did_not_fit: tuple[tuple[str, str], ...]


def propose_once(laboratory: Laboratory, *, trials: int) -> Proposed:
    """trials: candidates that are trained at most. Raises RepoError where the user's program cannot be measured,
    Cancelled."""
    assay = CandidateEvaluation(laboratory)
    parent = assay.parent()
    feedback = feedback_of(laboratory, parent, users=USERS_ASKED)
    candidates, did_not_fit = draft(laboratory, parent.key.program, feedback)
    for recipe, reason in did_not_fit:
        laboratory.context.events.emit(EventType.LOG, f"{recipe} makes no patch here: {reason}")
    proposals = assay.race(parent, feedback, candidates[:trials])
    together = combination(laboratory, parent, proposals) if len(proposals) < trials else None
    if together is not None:
        proposals += assay.race(parent, feedback, [together])
    return Proposed(proposals=tuple(proposals), did_not_fit=tuple(did_not_fit))


def draft(
    laboratory: Laboratory, base: str, feedback: Feedback
) -> tuple[list[Candidate], list[tuple[str, str]]]:
    """What the triggered recipes make of this code, most promising first; and why the others do not fit."""
    context = recipe_context(laboratory, base, feedback)
    made, did_not_fit = draft_all(context)
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
    """The best verified gains carried out together, as far as their edits do not touch; None with fewer than two."""
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
