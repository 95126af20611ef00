"""Was the model still improving when training ended?"""

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe

KIND = FindingKind(
    code="not-converged",
    found_by=FoundBy.PROBE,
    title="Not converged",
    why="The model was still improving when training ended; more epochs are free accuracy.",
    definition="Position of the best validation epoch among those ranked.",
    roles=(Role.OPTIMIZER,),
)

# Validation metrics by which training may be stopped; the first one that the curve has is read.
METRICS = ("objective", "NDCG@10")


def not_converged(evidence: Evidence) -> list[Measurement]:
    """Which of the ranked epochs was best on validation; unhealthy (information) if the last one, still rising."""
    curves = evidence.artifacts.curves
    metric = next((name for name in METRICS if any(name in c["metrics"] for c in curves)), METRICS[0])
    ranked = [(c["epoch"], c["metrics"][metric]) for c in curves if metric in c["metrics"]]
    if len(ranked) < 4:
        return [unjudged(KIND.code, "fewer than four epochs were ranked", unit="share of training")]
    values = np.array([value for _, value in ranked])
    best = int(values.argmax())
    third = max(len(values) // 3, 1)
    rise = float(values[-third:].mean() - values[-2 * third : -third].mean())
    rising = best == len(values) - 1 and rise > 0.02 * float(values.max())
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
            details={"best_epoch": ranked[best][0], "last_epoch": ranked[-1][0], "recent_rise": rise},
        )
    ]


PROBE = Probe(kinds=(KIND,), run=not_converged)
