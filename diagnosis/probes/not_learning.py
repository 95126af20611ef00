"""Did the training loss fall?"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.probes.outcome import NO_CURVE, unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import dense_targets, masked, ndcg_of_scores, unseen
from seeds.amounts import number
from seeds.metrics.intervals import mean_over_users

KIND = FindingKind(
    code="not-learning",
    found_by=FoundBy.PROBE,
    title="Not learning",
    why="The training loss does not fall: the model stays as it was initialised, or diverges.",
    definition="Mean reported training loss of the last third of the epochs relative to the first epoch's, where the model "
    "ranks no better than before training or got far worse than it was.",
    roles=(Role.OPTIMIZER, Role.LOSS),
    nature=Nature.SYMPTOM,
    unit="share of the first loss",
    reference="the first epoch",
)

RANKED = "NDCG@10"
FLAT = 0.01  # of the first loss
DIVERGED = 0.5  # of the first loss
LOST = 0.2  # of the best epoch's metric


def not_learning(evidence: Evidence) -> list[Measurement]:
    """The reported training loss: the mean of its last third relative to the first epoch's.

    A loss may stand or even rise in a model that learns (a penalty that is phased in, harder negatives), so a loss that
    does not fall is unhealthy only where ranking is no better than before training, and one that rises where ranking lost.
    """
    if not evidence.artifacts.curves:
        return [unjudged(KIND.code, NO_CURVE, unit="share of the first loss")]
    losses = [value for curve in evidence.artifacts.curves if (value := _loss(curve["reported"])) is not None]
    if len(losses) < 3:
        return [
            unjudged(KIND.code, "fewer than three epochs reported a loss", unit="share of the first loss")
        ]
    first, late = losses[0], float(np.mean(losses[-(len(losses) // 3) :]))
    scale = max(abs(first), 1e-12)
    finite = math.isfinite(first) and math.isfinite(late)
    diverged = not finite or (late > first + DIVERGED * scale and _ranking_lost(evidence))
    flat = finite and late > first - FLAT * scale and not _ranks_better_than_before(evidence)
    return [
        Measurement(
            code=KIND.code,
            value=1 - (first - late) / scale if finite else 0.0,
            low=None,
            high=None,
            reference=1.0,
            reference_name="the first epoch",
            unit="share of the first loss",
            higher_is_better=False,
            healthy=not (diverged or flat),
            severity=Severity.WARNING,
            message=f"loss from {number(first)} to {number(losses[-1])} in {len(losses)} epochs"
            + (": it diverges" if diverged else ": it does not fall" if flat else ""),
            details={"losses": losses[-200:], "diverged": diverged},
        )
    ]


def _ranks_better_than_before(evidence: Evidence) -> bool:
    """Whether the trained model ranks the targets higher than the untrained one, beyond chance over users."""
    untrained, rows = evidence.artifacts.untrained_dense_scores, evidence.artifacts.dense_rows
    if untrained is None or not len(rows):
        return False
    allowed = unseen(evidence.questions, rows, evidence.training.n_items)
    after, before = (
        ndcg_of_scores(masked(scores, allowed), dense_targets(evidence))
        for scores in (evidence.artifacts.dense_scores, untrained)
    )
    return mean_over_users(after - before, evidence.seed).low > 0


def _ranking_lost(evidence: Evidence) -> bool:
    """Whether the last ranked epoch is far below the best one; True where fewer than two were ranked."""
    ranked = [c["metrics"][RANKED] for c in evidence.artifacts.curves if RANKED in c["metrics"]]
    return len(ranked) < 2 or ranked[-1] < (1 - LOST) * max(ranked)


def _loss(reported: Mapping[str, Any]) -> float | None:
    """The number that fit() reports as a loss; of several, the one with the shortest name (the total)."""
    named = sorted((name for name in reported if "loss" in name.lower()), key=len)
    return float(reported[named[0]]) if named else None


PROBE = Probe(kinds=(KIND,), run=not_learning)
