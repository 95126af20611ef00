"""Was the model still improving when training ended?"""

import numpy as np
from numpy.typing import NDArray

from diagnosis.convergence import (
    ANY_FALL,
    has_fallen_far,
    in_popularity_phase,
    losses_of,
    rise_and_noise,
    still_falls,
    still_rises,
)
from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.probes.outcome import NO_CURVE, unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import ndcg_of_lists
from seeds.amounts import number

KIND = FindingKind(
    code="not-converged",
    found_by=FoundBy.PROBE,
    title="Not converged",
    why="The model was still improving when training ended; more epochs are free accuracy.",
    definition="Whether the validation metric still rises by more than its noise over the last half of the ranked epochs, "
    "with the best one near the end; of fewer than 50 optimizer steps, and where NDCG@10 is about the popularity ranker's, whether the loss still falls.",
    roles=(Role.OPTIMIZER,),
    nature=Nature.SYMPTOM,
    leads=True,
    unit="share of training",
    reference="the last ranked epoch",
)

# Validation metrics by which training may be stopped; the first one that the curve has is read.
METRICS = ("objective", "NDCG@10")
STILL_RISING = ": it was still improving when training ended"
FEW_STEPS = 50  # of optimizers, in which a metric moves by chance alone
STILL_FALLING = ", and the loss was still falling"
NOT_BEYOND = ", about as good as popularity (NDCG@10 {}, popularity {})"


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
    rising = still_rises(values)
    losses = losses_of([c["reported"] for c in curves])
    loss_falls = still_falls(losses)
    steps = sum(int(c.get("steps", 0)) for c in curves)
    hasty = 0 < steps < FEW_STEPS and still_falls(losses, ANY_FALL)
    popular = _popular(evidence, losses) if not (rising or hasty or has_fallen_far(values)) else None
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
            healthy=not (rising or hasty or popular),
            severity=Severity.INFORMATION,
            message=_told(metric, ranked[best][0], curves[-1]["epoch"], steps)
            + (STILL_RISING if rising else "")
            + (NOT_BEYOND.format(*map(number, popular)) if popular else "")
            + (STILL_FALLING if hasty or popular or (rising and loss_falls) else ""),
            details={
                "best_epoch": ranked[best][0],
                "last_epoch": ranked[-1][0],
                "recent_rise": rise,
                "noise": noise,
                "steps": steps,
                "loss_still_falls": loss_falls,
            },
        )
    ]


def _popular(evidence: Evidence, losses: NDArray[np.float64]) -> tuple[float, float] | None:
    """NDCG@10 of the model and of the popularity ranker, where the first is about the second while the loss still falls."""
    if "popularity" not in evidence.references:
        return None
    targets = evidence.questions.targets
    own = float(ndcg_of_lists(evidence.artifacts.top, targets).mean())
    popular = float(ndcg_of_lists(evidence.references["popularity"], targets).mean())
    return (own, popular) if in_popularity_phase(own, popular, losses) else None


def _told(metric: str, best: int, last: int, steps: int) -> str:
    trained = f"{last} ({steps:,} optimizer steps)" if steps else str(last)
    return f"epoch {best} of {trained} had the best {metric}"


PROBE = Probe(kinds=(KIND,), run=not_converged)
