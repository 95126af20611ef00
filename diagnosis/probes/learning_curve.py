"""Did the loss fall, and was the model still improving when training ended?"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import Measurement, Severity
from diagnosis.probes.outcome import unjudged

NOT_LEARNING, NOT_CONVERGED = "not-learning", "not-converged"
FLAT = 0.01
# What training is stopped by, where the curve has it.
METRICS = ("objective", "NDCG@10")


def not_learning(evidence: Evidence) -> list[Measurement]:
    """The reported training loss: its lowest epoch mean relative to the first epoch's."""
    losses = [value for curve in evidence.artifacts.curves if (value := _loss(curve["reported"])) is not None]
    if len(losses) < 3:
        return [
            unjudged(NOT_LEARNING, "fewer than three epochs reported a loss", unit="share of the first loss")
        ]
    first, last = losses[0], losses[-1]
    scale = max(abs(first), 1e-12)
    fall = (first - min(losses)) / scale
    diverged = not math.isfinite(last) or last > first + 0.5 * abs(first)
    return [
        Measurement(
            code=NOT_LEARNING,
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


def not_converged(evidence: Evidence) -> list[Measurement]:
    """Where the best validation epoch lies: unhealthy (information) if at the very end, still rising."""
    curves = evidence.artifacts.curves
    metric = next((name for name in METRICS if any(name in c["metrics"] for c in curves)), METRICS[0])
    ranked = [(c["epoch"], c["metrics"][metric]) for c in curves if metric in c["metrics"]]
    if len(ranked) < 4:
        return [unjudged(NOT_CONVERGED, "fewer than four epochs were ranked", unit="share of training")]
    values = np.array([value for _, value in ranked])
    best = int(values.argmax())
    third = max(len(values) // 3, 1)
    rise = float(values[-third:].mean() - values[-2 * third : -third].mean())
    rising = best == len(values) - 1 and rise > 0.02 * float(values.max())
    return [
        Measurement(
            code=NOT_CONVERGED,
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


def _loss(reported: Mapping[str, Any]) -> float | None:
    """The number that fit() calls a loss; where several do, the shortest name (the total)."""
    named = sorted((name for name in reported if "loss" in name.lower()), key=len)
    return float(reported[named[0]]) if named else None
