"""Makes the JSON documents that commands print from records. Users' scripts read them, so keys must stay."""

from collections.abc import Mapping, Sequence
from typing import Any

from diagnosis.findings import Anchor, Finding, Measurement
from evolution.base import serial
from evolution.domain.feedback import Feedback
from evolution.domain.proposal import Corrected, Effect, Proposal, Verified
from evolution.domain.trial import Metric, Trial
from evolution.domain.verdict import Verdict, told_of, verdict_on
from evolution.store.remarks import checkpoint_of, remarks
from simulator.critiques import Fidelity, Interpretation, Simulation


def train_document(trial: Trial, *, split: str = "validation") -> dict[str, Any]:
    """The document of `train` and `test`: one trial. split: the held-out events that the metrics are computed on."""
    failure = trial.failure
    return {
        "trial": trial.id,
        "status": trial.status.value,
        "reason": failure.reason.value if failure else None,
        "message": failure.message if failure else None,
        "path": (failure.path or None) if failure else None,
        "line": (failure.line or None) if failure else None,
        "split": split,
        "epochs": len(trial.epochs),
        "best_epoch": trial.best_epoch,
        "wall_s": round(trial.wall_s, 3),
        "objective": _metric(trial.objective),
        "metrics": {name: _metric(metric) for name, metric in trial.metrics.items()},
        "cost": serial.plain(trial.cost),
        "contract": [serial.plain(check) for check in trial.contract],
        "remarks": list(remarks(trial)),
        "note": serial.finite(
            {name: serial.plain(v) for name, v in trial.note.items() if name != "executed"}
        ),
        "program": trial.key.program,
        "seed": trial.key.seed,
        "device": trial.key.device,
        "checkpoint": checkpoint_of(trial) or None,
    }


def _metric(metric: Metric | None) -> dict[str, float | None] | None:
    return serial.finite(serial.plain(metric)) if metric else None


def diagnose_document(
    trial: Trial, feedback: Feedback, dismissed: set[str], accepted: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The document of `diagnose`: all measurements, and the findings whose ids are not in `dismissed`.

    accepted: id -> reason of the findings that the repo's baseline accepts, which are listed apart.
    """
    reasons = accepted or {}
    known = feedback.all_findings()
    findings = [f for f in feedback.all_findings() if f.id not in dismissed]
    return {
        "trial": feedback.trial,
        "checkpoint": checkpoint_of(trial) or None,
        "remarks": list(remarks(trial)),
        "verdict": verdict_document(verdict_on(trial, feedback, dismissed)),
        "findings": [finding_document(f, findings) for f in findings],
        "accepted": [
            {**finding_document(f, known), "reason": reasons[f.id]} for f in known if f.id in reasons
        ],
        "measurements": [serial.finite(serial.plain(m)) for m in feedback.all_measurements()],
    }


def verdict_document(found: Verdict) -> dict[str, Any]:
    """The verdict. checks: a sentence; healthy, unhealthy, unknown: the codes that it counts."""
    return {**serial.plain(found), "checks": found.checks}


def finding_document(finding: Finding, beside: Sequence[Finding] = ()) -> dict[str, Any]:
    """A finding, the same for the terminal, JSON, SARIF, the editor and the report.

    beside: all findings that are told, among which are those that explain it; explained_by has their ids. blame is the
    sentence on what connects it with its lines, "" for a cause and for advice.
    value, low, high and reference are null for a finding without a measurement. probe is the id of the evolved probe
    that measured the finding, null for a built-in check.
    """
    return serial.finite(
        {
            "id": finding.id,
            "code": finding.code,
            "title": finding.kind.title,
            "severity": finding.severity.value,
            "message": finding.message,
            "why": finding.kind.why,
            "definition": finding.kind.definition,
            **measured_document(finding.measurement),
            "source": finding.kind.found_by.value,
            "nature": finding.kind.nature.value,
            "explained_by": list(finding.explained_by),
            "healed_by": list(finding.healed_by),
            "ruled_out": list(finding.ruled_out),
            "blame": told_of(finding, beside),
            "probe": finding.probe or None,
            "self_reported": finding.self_reported,
            "anchors": _anchors(finding.anchors),
        }
    )


def measured_document(measurement: Measurement | None) -> dict[str, Any]:
    """Value, confidence interval and reference of a measurement; all null if there is none."""
    if measurement is None:
        nothing = dict.fromkeys(("value", "low", "high", "reference"))
        return {**nothing, "reference_name": "", "unit": ""}
    return serial.finite(
        {
            "value": measurement.value,
            "low": measurement.low,
            "high": measurement.high,
            "reference": measurement.reference,
            "reference_name": measurement.reference_name,
            "unit": measurement.unit,
        }
    )


def simulate_document(feedback: Feedback, dismissed: set[str]) -> dict[str, Any]:
    """The document of `simulate`. Critiques whose ids are in `dismissed` are left out.

    The statistical personas are at the top level; `interviews` has the same keys for the LLM-played personas, or is null
    if none were asked. Raises ValueError if the feedback has no simulation.
    """
    simulation, interviews = feedback.simulation, feedback.interviews
    if simulation is None:
        raise ValueError("the users have not been asked")
    return {
        "trial": feedback.trial,
        **_simulation(simulation, feedback, dismissed),
        "interviews": None if interviews is None else _simulation(interviews, feedback, dismissed),
    }


def _simulation(simulation: Simulation, feedback: Feedback, dismissed: set[str]) -> dict[str, Any]:
    return {
        "kind": simulation.kind,
        "model": simulation.model or None,
        "users": simulation.users,
        "failed": simulation.failed,
        "fidelity": _fidelity(simulation.fidelity),
        "no_vote": simulation.no_vote or None,
        "silent": [one.line for one in simulation.silent],
        "mean_align": simulation.mean_align,
        "mean_rating": simulation.mean_rating,
        "interpretation": _interpretation(simulation.interpretation),
        "critiques": [
            {
                "id": critique.id,
                "code": critique.code,
                "positive": critique.positive,
                "message": critique.message,
                "count": critique.count,
                "users": critique.users,
                "share": critique.share,
                "low": critique.low,
                "high": critique.high,
                "fidelity": _fidelity(critique.fidelity),
                "quotes": [serial.plain(quote) for quote in critique.quotes],
                "anchors": _anchors(feedback.critique_anchors.get(critique.id, ())),
                "backing": feedback.bearing_on(critique),
            }
            for critique in simulation.critiques
            if critique.id not in dismissed
        ],
    }


def _interpretation(interpretation: Interpretation | None) -> dict[str, Any] | None:
    """fit and fit_at_top are [share, low, high]; overused and missed list the codes of patterns in `wrong`."""
    if interpretation is None:
        return None
    return {
        **serial.plain(interpretation),
        "overused": [pattern.code for pattern in interpretation.overused],
        "missed": [pattern.code for pattern in interpretation.missed],
    }


def _fidelity(fidelity: Fidelity) -> dict[str, float | None]:
    return {
        "auc": fidelity.auc,
        "low": fidelity.low,
        "high": fidelity.high,
        "by_popularity": fidelity.by_popularity,
    }


def _anchors(anchors: Sequence[Anchor]) -> list[dict[str, Any]]:
    return [
        {"path": a.path, "start_line": a.start_line, "end_line": a.end_line, "role": a.role.value}
        for a in anchors
    ]


def propose_document(
    proposals: Sequence[Proposal],
    *,
    did_not_fit: Sequence[tuple[str, str]] = (),
    more_training: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The document of `propose` and `verify`. more_training: what comes before any patch where the user's version had not
    converged, with its `words`, `setting`, `effect` and whether it is enough (`converged`). did_not_fit: (recipe, reason) for each recipe that was triggered but could
    not make a patch for this code."""
    return {
        "more_training": more_training,
        "proposals": [proposal_document(proposal) for proposal in proposals],
        "did_not_fit": [{"recipe": recipe, "reason": reason} for recipe, reason in did_not_fit],
    }


def proposal_document(proposal: Proposal) -> dict[str, Any]:
    """One proposal. `verified` is false, "gain" or "fix"; `terms` are those of the comparison; `patch` is a unified diff that `git apply` accepts."""
    return {
        "id": proposal.id,
        "title": proposal.idea.title,
        "recipe": proposal.idea.code,
        "rationale": proposal.idea.rationale,
        "terms": str(proposal.details.get("terms", "")) or None,
        "compared": str(proposal.details.get("compared", "")) or None,
        "rests_on": list(proposal.idea.rests_on),
        "proposer": proposal.idea.proposer,
        "addresses": list(proposal.idea.addresses),
        "verified": False if proposal.verified is Verified.NO else proposal.verified.value,
        "why_not": proposal.why_not or None,
        "effect": _effect(proposal.effect),
        "effects": {name: _effect(effect) for name, effect in proposal.effects.items()},
        "corrected": corrected_document(proposal.corrected),
        "fixed": list(proposal.fixed),
        "trials": list(proposal.trials),
        "state": proposal.state.value,
        "patch": str(proposal.details.get("diff", "")),
        "edits": [serial.plain(edit) for edit in proposal.patch.edits],
    }


def corrected_document(corrected: Corrected | None) -> dict[str, Any] | None:
    """What is left of a gain after the choice among `candidates`, in the objective's unit; null for an only candidate."""
    if corrected is None:
        return None
    return {name: value for name, value in serial.plain(corrected).items() if name != "rivals"}


def _effect(effect: Effect | None) -> dict[str, Any] | None:
    return serial.finite(serial.plain(effect)) if effect else None
