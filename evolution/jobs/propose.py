"""One round of proposing on the user's program: what recipes make of its feedback, each measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evolution.base.errors import EditError
from evolution.domain.edits import Edit, apply_edits, make_edits
from evolution.domain.feedback import Feedback
from evolution.domain.job import EventType
from evolution.domain.proposal import Proposal, Verified
from evolution.domain.trial import Trial
from evolution.laboratory.assay import Assay
from evolution.laboratory.candidates import Candidate, carry_out, joined_idea, recipe_context
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.observer import feedback_of
from evolution.proposers.drafting import draft_all

USERS = 200
COMBINED = 3  # how many verified gains are tried together


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one call of `propose` found: proposals best first, and why triggered recipes made no patch."""

    proposals: tuple[Proposal, ...]
    did_not_fit: tuple[tuple[str, str], ...]


class Proposer:
    """The steps, in order, are `run`."""

    def __init__(self, laboratory: Laboratory) -> None:
        self.laboratory = laboratory
        self.config = laboratory.config
        self.assay = Assay(laboratory)

    def run(self, *, trials: int) -> Round:
        """Raises RepoError where the user's own program cannot be measured, Cancelled."""
        parent = self.assay.parent()
        feedback = feedback_of(self.laboratory, parent, users=USERS)
        candidates, did_not_fit = self.draft(parent.key.program, feedback)
        for recipe, reason in did_not_fit:
            self._log(f"{recipe} makes no patch here: {reason}")
        proposals = self.assay.race(parent, feedback, candidates[:trials])
        left = trials - len(proposals)
        proposals += self.combine(parent, feedback, proposals, left)
        return Round(proposals=tuple(proposals), did_not_fit=tuple(did_not_fit))

    def draft(self, base: str, feedback: Feedback) -> tuple[list[Candidate], list[tuple[str, str]]]:
        """What the triggered recipes make of this code, most promising first; and why the others do not fit."""
        context = recipe_context(self.laboratory, base, feedback)
        made, did_not_fit = draft_all(context)
        candidates: list[Candidate] = []
        seen = {base}
        for idea, draft in made:
            candidate = carry_out(self.laboratory, base, context.sources, idea, draft.edits, draft.note)
            if isinstance(candidate, str):
                did_not_fit.append((idea.code, candidate))
            elif candidate.child not in seen:
                seen.add(candidate.child)
                candidates.append(candidate)
        return candidates, did_not_fit

    def combine(
        self, parent: Trial, feedback: Feedback, proposals: Sequence[Proposal], trials: int
    ) -> list[Proposal]:
        """The best verified gains together: one candidate more, where their edits do not touch."""
        gains = [p for p in proposals if p.verified is Verified.GAIN][:COMBINED]
        sources = self.laboratory.programs.sources(parent.key.program, self.config.recommender.editable)
        joined: list[Proposal] = []
        for proposal in gains:
            if self._joint_edits(sources, [*joined, proposal]) is not None:
                joined.append(proposal)
        edits = self._joint_edits(sources, joined)
        if trials < 1 or len(joined) < 2 or edits is None:
            return []
        together = joined_idea([proposal.idea for proposal in joined])
        rationale = f"Each of these was a verified gain alone; together: {together.rationale}"
        idea = replace(together, rationale=rationale)
        candidate = carry_out(self.laboratory, parent.key.program, sources, idea, edits, "")
        return [] if isinstance(candidate, str) else self.assay.race(parent, feedback, [candidate])

    def _joint_edits(self, sources: Mapping[str, str], proposals: Sequence[Proposal]) -> list[Edit] | None:
        """All edits together, None where they get in each other's way."""
        edits = [edit for proposal in proposals for edit in proposal.patch.edits]
        try:
            after = apply_edits(sources, edits, editable=self.config.recommender.editable)
        except EditError:
            return None
        return [e for path, text in after.items() for e in make_edits(path, sources.get(path, ""), text)]

    def _log(self, words: str) -> None:
        self.laboratory.context.events.emit(EventType.LOG, words)
