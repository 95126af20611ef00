"""Is the model as sure of its best item as it is right? (gSASRec, arXiv 2308.07192)"""

from typing import Any

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.loss_kinds import loss_kind, sampled_losses
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import Float64, dense_targets, masked, unseen
from seeds.amounts import short
from seeds.metrics.intervals import mean_over_users

KIND = FindingKind(
    code="overconfidence",
    found_by=FoundBy.PROBE,
    title="Overconfident",
    why="A model trained on too few negatives is sure of everything near the top and cannot order it.",
    definition="Mean probability of the top item (sigmoid or softmax, as trained) minus its precision.",
    roles=(Role.LOSS, Role.NEGATIVES),
    nature=Nature.ADVICE,
    unit="probability",
    reference="as sure as it is right",
    sources=("arXiv 2308.07192 (gSASRec)",),
)

HALFWAY = 0.5


def overconfidence(evidence: Evidence) -> list[Measurement]:
    """Mean probability of the top unseen item minus its precision (HR@1), over the densely scored users.

    The probability is the one the loss trained: sigmoid of the score under a binary loss, softmax over
    the unseen items under a softmax loss. Unhealthy if the model is nearer to certainty than to its own
    precision. Pairwise losses (BPR, hinge) train no probability: not judged.

    It is advice, on the loss where that was seen to compare fewer items than there are.
    """
    unit = "probability"
    if not len(evidence.artifacts.dense_rows):
        return [unjudged(KIND.code, "no question was scored densely", unit=unit)]
    allowed = unseen(evidence.questions, evidence.artifacts.dense_rows, evidence.training.n_items)
    scores = masked(evidence.artifacts.dense_scores, allowed)
    top = scores.argmax(axis=1)
    best = scores[np.arange(len(top)), top]
    right = (top == dense_targets(evidence)).astype(np.float64)
    by_kind = {"sigmoid": _sigmoid(best), "softmax": np.exp(best - _logsumexp(scores))}
    kind = loss_kind(evidence.artifacts.trace)
    details: dict[str, Any] = {f"mean_{name}": float(p.mean()) for name, p in by_kind.items()}
    details |= {"precision": float(right.mean()), "loss_kind": kind, "mean_top_score": float(best.mean())}
    if kind not in by_kind:
        return [unjudged(KIND.code, f"the loss trains no probability ({kind})", unit=unit, details=details)]
    probability = by_kind[kind]
    gap = mean_over_users(probability - right, evidence.seed)
    excess = mean_over_users(probability - right - HALFWAY * (1 - right), evidence.seed)
    return [
        Measurement(
            code=KIND.code,
            value=gap.value,
            low=gap.low,
            high=gap.high,
            reference=0.0,
            reference_name="as sure as it is right",
            unit=unit,
            higher_is_better=False,
            healthy=excess.low <= 0,
            severity=Severity.INFORMATION,
            message=f"top-1 {short(probability.mean())}, right {short(right.mean())}",
            places=sampled_losses(evidence.artifacts.trace, evidence.training.n_items),
            details=details,
        )
    ]


def _sigmoid(x: Float64) -> Float64:
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def _logsumexp(scores: Float64) -> Float64:
    """log of the sum of exp over each row: float64 (S,)."""
    peak = scores.max(axis=1)
    return peak + np.log(np.exp(scores - peak[:, None]).sum(axis=1))


PROBE = Probe(kinds=(KIND,), run=overconfidence)
