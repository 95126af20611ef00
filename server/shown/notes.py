"""What there is to say of some lines: findings, users' critiques and a trial's failure, each told as a finding."""

from dataclasses import dataclass

from diagnosis.findings import Anchor, Finding, FindingKind, FoundBy, Measurement, Severity
from evolution.domain.feedback import Feedback
from evolution.domain.trial import Trial
from simulator.critiques import Critique, Fidelity, Quote


@dataclass(frozen=True, kw_only=True)
class Note:
    """live: judged on the text as it is in the editor, so that it cannot be out of date. model: who plays the users
    that say it, "" for statistical ones. quotes, fidelity: of those users."""

    finding: Finding
    live: bool = False
    model: str = ""
    quotes: tuple[Quote, ...] = ()
    fidelity: Fidelity | None = None

    @property
    def id(self) -> str:
        """Of the finding or critique: for dismissing it, and for what a proposal addresses."""
        return self.finding.id

    @property
    def code(self) -> str:
        return self.finding.code

    @property
    def severity(self) -> Severity:
        return self.finding.severity

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """Best first; () stands at the entry function."""
        return self.finding.anchors

    @property
    def author(self) -> str:
        """The model behind it: that plays the users, or that wrote the evolved probe; "" for none."""
        return self.model or self.finding.author


def of_critique(critique: Critique, anchors: tuple[Anchor, ...], *, model: str = "") -> Note:
    """model: whoever played the personas, "" for statistical ones."""
    played = f" (said by personas played by {model})" if model else ""
    message = critique.message + played
    share = Measurement(
        code=critique.code,
        value=critique.share,
        low=critique.low,
        high=critique.high,
        reference=None,
        reference_name="",
        unit="of users",
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
        fidelity=critique.fidelity,
    )


def of_failure(trial: Trial, anchors: tuple[Anchor, ...]) -> Note | None:
    failure = trial.failure
    if failure is None:
        return None
    kind = FindingKind(
        code=f"trial-{failure.reason.value.replace(' ', '-')}",
        title="The trial failed",
        why=f"The trial ended here ({failure.reason.value}), so nothing of this version is measured.",
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
    """Findings but for static rules, which run on the buffer itself; and complaints of users who can be trusted."""
    notes = [Note(finding=f) for f in feedback.all_findings() if f.kind.found_by is not FoundBy.RULE]
    for simulation in feedback.simulations:
        for critique in simulation.complaints():
            anchors = tuple(feedback.critique_anchors.get(critique.id, ()))
            notes.append(of_critique(critique, anchors, model=simulation.model))
    return notes
