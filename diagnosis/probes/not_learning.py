"""Did the training loss fall?"""

import math
from collections.abc import Mapping
from typing import Any

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe

KIND = FindingKind(
    code="not-learning",
    found_by=FoundBy.PROBE,
    title="Not learning",
    why="The training loss does not fall: the model stays as it was initialised, or diverges.",
    definition="Lowest reported training loss relative to the first epoch's.",
    roles=(Role.OPTIMIZER, Role.LOSS),
)

FLAT = 0.01


def not_learning(evidence: Evidence) -> list[Measurement]:
    """The reported training loss: its lowest epoch mean relative to the first epoch's."""
    losses = [value for curve in evidence.artifacts.curves if (value := _loss(curve["reported"])) is not None]
    if len(losses) < 3:
        return [
            unjudged(KIND.code, "fewer than three epochs reported a loss", unit="share of the first loss")
        ]
    first, last = losses[0], losses[-1]
    scale = max(abs(first), 1e-12)
    fall = (first - min(losses)) / scale
    diverged = not math.isfinite(last) or last > first + 0.5 * abs(first)
    return [
        Measurement(
            code=KIND.code,
            value=1 - fall if math.isfinite(fall) else 0.0,
            low=None,
            high=None,
            reference=1.0,
            reference_name="the first epoch",
            unit="share of the first loss",
            higher_is_better=False,
            healthy=bool(fall >= FLAT and not diverged),
            severity=Severity.WARNING,
            message=f"the training loss went from {first:.4g} to {last:.4g} in {len(losses)} epochs"
            + (": it diverges" if diverged else ": it does not fall" if fall < FLAT else ""),
            details={"losses": losses[-200:], "diverged": diverged},
        )
    ]


def _loss(reported: Mapping[str, Any]) -> float | None:
    """The number that fit() reports as a loss; of several, the one with the shortest name (the total)."""
    named = sorted((name for name in reported if "loss" in name.lower()), key=len)
    return float(reported[named[0]]) if named else None


PROBE = Probe(kinds=(KIND,), run=not_learning)
