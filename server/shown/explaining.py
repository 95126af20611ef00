"""All that is known of one kind of finding: what it means, what it is here, how it went over trials, what usually helps.

It reads kinds, stored feedback and the shelves of techniques, and imports no numpy, so that a language server can use it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from diagnosis.findings import Finding, FindingKind, FoundBy, Nature
from diagnosis.user_probes.probe import FAULT
from evolution.base import serial
from evolution.domain.feedback import Feedback
from evolution.domain.trial import Trial
from evolution.domain.verdict import told_of
from evolution.literature.technique import read_shelves
from evolution.store.documents import measured_document

MOST_TECHNIQUES = 6
NATURES = {
    Nature.CAUSE: "a cause: something is not as it must be, on the lines that it is shown on",
    Nature.SYMPTOM: "an outcome: it says that the model fails, and by itself not why",
    Nature.ADVICE: "advice: nothing is wrong, but a stronger choice is known",
}
ORIGINS = {
    FoundBy.PROBE: "measured on the trained model",
    FoundBy.RULE: "seen in the code, as it is typed",
    FoundBy.CONTRACT: "asked of the recommender in questions that must agree",
    FoundBy.USERS: "said by simulated users",
    FoundBy.TRIAL: "a trial that failed",
}

OF_A_PROBE = (
    "a fault of a probe, on its own lines: it says nothing of the model",
    "seen where a file of probes/ was read or run",
)


def explanation(
    kind: FindingKind,
    history: Sequence[tuple[Trial, Feedback]] = (),
    recipes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The document of one kind of finding, as `evolverec explain --json` prints it.

    history: trials of the user's own versions with their feedback, newest first. recipes: code -> title of those that this
    kind of finding calls for.
    """
    newest = history[0][1].all_findings() if history else ()
    here = [finding for finding in newest if finding.code == kind.code]
    return {
        "code": kind.code,
        "title": kind.title,
        "nature": kind.nature.value,
        "nature_words": OF_A_PROBE[0] if kind.code == FAULT.code else NATURES[kind.nature],
        "found_by": OF_A_PROBE[1] if kind.code == FAULT.code else ORIGINS[kind.found_by],
        "why": kind.why,
        "definition": kind.definition,
        "unit": kind.unit,
        "reference": kind.reference,
        "where": where_words(kind),
        "explains": list(kind.explains),
        "here": [_here(finding, newest) for finding in here],
        "history": history_of(kind.code, history),
        "recipes": dict(recipes or {}),
        "techniques": techniques_for(kind.code),
        "sources": list(kind.sources),
    }


def opinion_words(said: Mapping[str, Any]) -> list[str]:
    """What an LLM said of a finding, as paragraphs, each marked as an opinion of that model."""
    return [
        f"{said['model']} says (an opinion, nothing of it is measured): {said['cause']}",
        f"To check: {said['check']}",
        f"To change: {said['change']}",
    ]


def where_words(kind: FindingKind) -> str:
    """Where findings of this kind stand, in a sentence."""
    if kind.found_by is FoundBy.RULE:
        return "On the lines that the rule objects to."
    if kind.nature is not Nature.CAUSE:
        return "On the entry function; on the lines of a cause that explains it, or of a patch that healed it, once there is one."
    roles = ", ".join(role.value.replace("_", " ") for role in kind.roles)
    return f"On the lines that were seen at work; else on the first of these that the code has: {roles}; else on the entry function."


def history_of(code: str, history: Sequence[tuple[Trial, Feedback]]) -> list[dict[str, Any]]:
    """The measurements with this code, oldest first, with the trial's id and time; values that are no number left out."""
    return [
        {"trial": trial.id, "at": trial.created_at, "healthy": found.healthy, **measured_document(found)}
        for trial, feedback in reversed(history)
        for found in feedback.all_measurements()
        if found.code == code and math.isfinite(found.value) and "reason" not in found.details
    ]


def techniques_for(code: str) -> list[dict[str, str]]:
    """Techniques of the library that answer this code, those that answer it first of all first."""
    fitting = [technique for technique in read_shelves() if code in technique.answers]
    fitting.sort(key=lambda technique: (technique.answers.index(code), technique.id))
    return [
        {"id": one.id, "name": one.name, "title": one.title, "url": one.url, "hurts": one.hurts}
        for one in fitting[:MOST_TECHNIQUES]
    ]


def _here(finding: Finding, beside: Sequence[Finding]) -> dict[str, Any]:
    return serial.finite(
        {
            "message": finding.message,
            "severity": finding.severity.value,
            "places": [f"{anchor.path}:{anchor.start_line}" for anchor in finding.anchors],
            "blame": told_of(finding, beside),
            **measured_document(finding.measurement),
        }
    )
