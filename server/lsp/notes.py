"""One shape for everything there is to say of some lines: findings, users' critiques, a trial's failure."""

from collections.abc import Mapping
from dataclasses import dataclass

from diagnosis.findings import Anchor, Finding, Severity
from evolution.domain.feedback import Feedback
from evolution.domain.trial import Trial
from simulator.critiques import Critique, Fidelity, Quote

TEMPLATE = "template"  # author of evolved probes that no model wrote


@dataclass(frozen=True, kw_only=True)
class Note:
    """id: of the finding or critique (for dismissing it, and for what a proposal addresses).

    anchors: best first; () stands at the entry function. live: judged on the text as it is in the editor,
    so that it cannot be out of date. probe: id of the evolved probe that found it, "" for a built-in one.
    author: the model that wrote that probe or plays the users who say it, "" for none.
    """

    id: str
    code: str
    severity: Severity
    sentence: str
    why: str
    definition: str
    anchors: tuple[Anchor, ...]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    reference_name: str = ""
    unit: str = ""
    self_reported: bool = False
    live: bool = False
    quotes: tuple[Quote, ...] = ()
    fidelity: Fidelity | None = None
    probe: str = ""
    author: str = ""


def of_finding(finding: Finding, *, live: bool = False) -> Note:
    author = str(finding.details.get("author", TEMPLATE))
    return Note(
        id=finding.id,
        code=finding.code,
        severity=finding.severity,
        sentence=finding.message,
        why=finding.why,
        definition=finding.definition,
        anchors=finding.anchors,
        value=finding.value,
        low=finding.low,
        high=finding.high,
        reference=finding.reference,
        reference_name=finding.reference_name,
        unit=finding.unit,
        self_reported=finding.self_reported,
        live=live,
        probe=str(finding.details.get("probe", "")),
        author="" if author == TEMPLATE else author,
    )


def of_critique(critique: Critique, anchors: tuple[Anchor, ...], *, model: str = "") -> Note:
    """model: whoever played the personas, "" for statistical ones."""
    played = f" (said by personas played by {model})" if model else ""
    return Note(
        id=critique.id,
        code=critique.code,
        severity=Severity.WARNING,
        sentence=critique.message + played,
        why=f"{critique.count} of {critique.users} simulated users say so.",
        definition="Share of simulated users, each made from one real user's training events, who say this of their page.",
        anchors=anchors,
        value=critique.share,
        low=critique.low,
        high=critique.high,
        unit="of users",
        quotes=critique.quotes,
        fidelity=critique.fidelity,
        author=model,
    )


def of_failure(trial: Trial, anchors: tuple[Anchor, ...]) -> Note | None:
    failure = trial.failure
    if failure is None:
        return None
    return Note(
        id=f"failure-{trial.id}",
        code=f"trial-{failure.reason.value.replace(' ', '-')}",
        severity=Severity.ERROR,
        sentence=failure.message,
        why=f"The trial ended here ({failure.reason.value}), so nothing of this version is measured.",
        definition="",
        anchors=anchors,
    )


def of_feedback(feedback: Feedback) -> list[Note]:
    """Findings but for static rules, which run on the buffer itself; and critiques that users agree on, if the
    users can be trusted to know."""
    notes = [of_finding(finding) for finding in feedback.findings if finding.source != "rule"]
    notes += [of_finding(finding) for found in feedback.evolved_findings.values() for finding in found]
    anchors: Mapping[str, tuple[Anchor, ...]] = feedback.critique_anchors
    for simulation in feedback.simulations:
        notes += [
            of_critique(critique, tuple(anchors.get(critique.id, ())), model=simulation.model)
            for critique in simulation.critiques
            if not critique.positive and critique.fidelity.beats_chance
        ]
    return notes
