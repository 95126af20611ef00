"""Notes on code lines: findings, simulated users' critiques and trials' failures, all in the form of findings."""

from dataclasses import dataclass

from diagnosis.findings import Anchor, Finding, FindingKind, FoundBy, Measurement, Nature, Severity
from evolution.base.amounts import count
from evolution.domain.feedback import Feedback
from evolution.domain.trial import Trial
from simulator.critiques import Critique, Fidelity, Quote


@dataclass(frozen=True, kw_only=True)
class Note:
    """A finding, critique or failure to show.

    live: computed from the editor's current text, so never out of date
    model: the LLM that plays the users of this critique, "" for statistical users
    quotes, fidelity: of the users who make this critique. backing: what was found and measured that bears on it, a line each
    """

    finding: Finding
    live: bool = False
    model: str = ""
    quotes: tuple[Quote, ...] = ()
    backing: tuple[str, ...] = ()
    fidelity: Fidelity | None = None

    @property
    def id(self) -> str:
        """The id of the finding or critique, by which it is dismissed and addressed by proposals."""
        return self.finding.id

    @property
    def code(self) -> str:
        """The code of the finding or critique, such as "overused-popularity"."""
        return self.finding.code

    @property
    def severity(self) -> Severity:
        """The severity of the finding or critique."""
        return self.finding.severity

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """The anchors, best first; a note without anchors is shown on the entry function."""
        return self.finding.anchors

    @property
    def author(self) -> str:
        """The LLM that plays the users or wrote the evolved probe; "" if there is none."""
        return self.model or self.finding.author


def of_critique(
    critique: Critique, anchors: tuple[Anchor, ...], *, model: str = "", backing: tuple[str, ...] = ()
) -> Note:
    """A critique as a note. model: the LLM that plays the users, "" for statistical users. backing: what bears on it, a line each."""
    played = f" (said by personas played by {model})" if model else ""
    message = critique.message + played
    share = Measurement(
        code=critique.code,
        value=critique.share,
        low=critique.low,
        high=critique.high,
        reference=None,
        reference_name="",
        unit="share of users",
        higher_is_better=False,
        healthy=False,
        severity=Severity.WARNING,
        message=message,
    )
    kind = FindingKind(
        code=critique.code,
        title=critique.code.replace("-", " ").capitalize(),
        why=f"{critique.count} of {critique.users} simulated users say so.",
        definition="Share of simulated users, each made from one real user's training events, who say this of their page.",
        found_by=FoundBy.USERS,
        nature=Nature.SYMPTOM,
    )
    return Note(
        finding=Finding(
            id=critique.id,
            kind=kind,
            severity=Severity.WARNING,
            message=message,
            anchors=anchors,
            measurement=share,
        ),
        model=model,
        quotes=critique.quotes,
        backing=backing,
        fidelity=critique.fidelity,
    )


def _kept(trial: Trial) -> str:
    if not trial.metrics:
        return "so nothing of this version is measured"
    return f"after {count(len(trial.epochs), 'epoch')} whose figures are kept"


def of_failure(trial: Trial, anchors: tuple[Anchor, ...]) -> Note | None:
    """The failure of a trial as a note; None if the trial did not fail."""
    failure = trial.failure
    if failure is None:
        return None
    kind = FindingKind(
        code=f"trial-{failure.reason.value.replace(' ', '-')}",
        title="The trial failed",
        why=f"The trial ended here ({failure.reason.value}), {_kept(trial)}.",
        definition="",
        found_by=FoundBy.TRIAL,
    )
    return Note(
        finding=Finding(
            id=f"failure-{trial.id}",
            kind=kind,
            severity=Severity.ERROR,
            message=failure.message,
            anchors=anchors,
        )
    )


def of_feedback(feedback: Feedback) -> list[Note]:
    """Notes for the findings, and for the complaints of users that predict real choices better than chance.

    Hits of static rules are left out, because the rules run on the editor's current text.
    """
    notes = [Note(finding=f) for f in feedback.all_findings() if f.kind.found_by is not FoundBy.RULE]
    for simulation in feedback.simulations:
        for critique in simulation.complaints():
            anchors = tuple(feedback.critique_anchors.get(critique.id, ()))
            backing = tuple(feedback.bearing_on(critique))
            notes.append(of_critique(critique, anchors, model=simulation.model, backing=backing))
    return notes
