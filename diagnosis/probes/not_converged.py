"""Was the model still improving when training ended?"""

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.probes.outcome import NO_CURVE, unjudged
from diagnosis.probes.probe import Probe

KIND = FindingKind(
    code="not-converged",
    found_by=FoundBy.PROBE,
    title="Not converged",
    why="The model was still improving when training ended; more epochs are free accuracy.",
    definition="Whether the validation metric still rises by more than its noise over the last half of the ranked epochs, "
    "with the best one near the end.",
    roles=(Role.OPTIMIZER,),
    nature=Nature.SYMPTOM,
    unit="share of training",
    reference="the last ranked epoch",
)

# Validation metrics by which training may be stopped; the first one that the curve has is read.
METRICS = ("objective", "NDCG@10")
RISE = 0.02  # of the best value, over the last half of the ranked epochs
NEAR_THE_END = 0.75  # of the ranked epochs: an earlier best epoch shows a curve that turned


def not_converged(evidence: Evidence) -> list[Measurement]:
    """Where the best ranked epoch lies, and how much the metric rises over the last half of the ranked epochs.

    Unhealthy (information) if the best one is near the end and the rise is beyond the curve's own noise.
    """
    curves = evidence.artifacts.curves
    if not curves:
        return [unjudged(KIND.code, NO_CURVE, unit="share of training")]
    metric = next((name for name in METRICS if any(name in c["metrics"] for c in curves)), METRICS[0])
    ranked = [(c["epoch"], c["metrics"][metric]) for c in curves if metric in c["metrics"]]
    if len(ranked) < 2:
        return [unjudged(KIND.code, "fewer than two epochs were ranked", unit="share of training")]
    values = np.array([value for _, value in ranked], dtype=np.float64)
    best = int(values.argmax())
    rise, noise = rise_and_noise(values)
    near_the_end = (best + 1) / len(values) > NEAR_THE_END
    rising = near_the_end and rise > max(RISE * float(values.max()), noise)
    return [
        Measurement(
            code=KIND.code,
            value=(best + 1) / len(values),
            low=None,
            high=None,
            reference=1.0,
            reference_name="the last ranked epoch",
            unit="share of training",
            higher_is_better=False,
            healthy=not rising,
            severity=Severity.INFORMATION,
            message=f"the best {metric} came at epoch {ranked[best][0]} of {ranked[-1][0]}"
            + (": it was still improving when training ended" if rising else ""),
            details={
                "best_epoch": ranked[best][0],
                "last_epoch": ranked[-1][0],
                "recent_rise": rise,
                "noise": noise,
            },
        )
    ]


def rise_and_noise(values: NDArray[np.float64]) -> tuple[float, float]:
    """How much a curve rises over its last half, by a straight line, and how much it would by chance (two standard
    errors of that rise; 0 for two points, which show no noise).
    """
    tail = values[-max(len(values) // 2 + 1, 2) :]
    steps = np.arange(len(tail), dtype=np.float64)
    centred = steps - steps.mean()
    slope = float((centred * tail).sum() / (centred**2).sum())
    if len(tail) < 3:
        return slope * steps[-1], 0.0
    left = tail - tail.mean() - slope * centred
    error = np.sqrt((left**2).sum() / (len(tail) - 2) / (centred**2).sum())
    return slope * float(steps[-1]), 2 * float(error) * float(steps[-1])


PROBE = Probe(kinds=(KIND,), run=not_converged)
