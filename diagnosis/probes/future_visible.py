"""Does a position of the history see the events that follow it?"""

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, of_kept_step, places, unanswered
from seeds.amounts import percent

UNIT = "share of histories"
KIND = FindingKind(
    code="future-visible",
    found_by=FoundBy.PROBE,
    title="The future is visible",
    why="A position that sees the event it is to predict learns to copy it, and has nothing to copy when it is asked.",
    definition="Share of the histories of one training step in which a position has a gradient on events after it, while the loss is "
    "about the event that follows each position.",
    roles=(Role.CAUSAL_MASK, Role.ENCODER),
    explains=(
        "not-learning",
        "weaker-than-popularity",
        "weaker-than-markov",
        "weaker-than-ease",
        "ranking-margin",
        "same-list",
        "history-window",
        "history-holes",
    ),
    unit=UNIT,
    reference="none",
    sources=("LLMEmb#2 (no causal mask)", "RecLearn#81 (no causal mask)"),
)


def future_visible(evidence: Evidence) -> list[Measurement]:
    """What the kept step says of it."""
    told = answer(evidence, "future")
    if not told:
        return unanswered(
            evidence, (KIND,), "no step was kept whose loss is about the event after each position"
        )
    seen = float(told["seen"])
    healthy = seen < 0.5
    where = places(told)
    message = (
        f"no position of {told['rows']} histories sees later events"
        if healthy
        else f"in {percent(seen)} of {told['rows']} histories a position depends on the events that follow it, its own target among them"
    )
    return [of_kept_step(KIND, seen, message, where, healthy=healthy, reference=0.0)]


PROBE = Probe(kinds=(KIND,), run=future_visible)
