"""Does the real next choice score above the items that were not chosen, and in which categories does it not?"""

from collections import Counter

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.probes.outcome import BEYOND_TRAINING, unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import Bool, Float64, above_and_tied, dense_targets, masked, popularity, unseen
from seeds.amounts import percent
from seeds.interactions import Int64, Interactions
from seeds.metrics.intervals import mean_over_users

KIND = FindingKind(
    code="ranking-margin",
    found_by=FoundBy.PROBE,
    title="Ranking margin",
    why="What users really choose next scores below what they do not choose more often than counting would.",
    definition="Share of unseen items that score above the validation target, mean over users.",
    roles=(Role.LOSS, Role.NEGATIVES),
    nature=Nature.SYMPTOM,
    needs_training=True,
    unit="share",
    reference="popularity on the same questions",
)


def ranking_margin(evidence: Evidence) -> list[Measurement]:
    """Share of unseen items that score above the target, mean over users: the share of margins below 0.

    The reference is the same share under popularity: a model that orders pairs worse has learned less than counting
    does. A model below its untrained self, or past one half, ranks upside down.
    """
    rows, targets = evidence.artifacts.dense_rows, dense_targets(evidence)
    if not len(rows):
        return [unjudged(KIND.code, "no question was scored densely", unit="share")]
    allowed = unseen(evidence.questions, rows, evidence.training.n_items)
    scores = masked(evidence.artifacts.dense_scores, allowed)
    share = _share_above(scores, targets, allowed)
    counts = popularity(evidence.training).astype(np.float64)
    by_count = _share_above(masked(np.broadcast_to(counts, scores.shape), allowed), targets, allowed)
    value = mean_over_users(share, evidence.seed)
    worse = mean_over_users(share - by_count, evidence.seed)
    details = _margins(scores, targets, allowed, evidence) | _categories(share, targets, evidence.training)
    upside_down = value.low > 0.5
    untrained = evidence.artifacts.untrained_dense_scores
    if untrained is not None:
        before = _share_above(masked(untrained, allowed), targets, allowed)
        details["untrained_share"] = float(before.mean())
        upside_down |= mean_over_users(share - before, evidence.seed).low > 0
    details[BEYOND_TRAINING] = bool(upside_down)
    healthy = not upside_down and worse.low <= 0
    return [
        Measurement(
            code=KIND.code,
            value=value.value,
            low=value.low,
            high=value.high,
            reference=float(by_count.mean()),
            reference_name="popularity on the same questions",
            unit="share",
            higher_is_better=False,
            healthy=bool(healthy),
            severity=Severity.ERROR if upside_down else Severity.WARNING,
            message=f"{percent(value.value)} of the items not chosen score above the real next choice "
            f"(popularity: {percent(by_count.mean())})" + _worst_category(details),
            details=details,
        )
    ]


def _share_above(scores: Float64, targets: Int64, allowed: Bool) -> Float64:
    """Share of the other allowed items that score above the target, ties counting half: float64 (S,)."""
    above, tied = above_and_tied(scores, targets)
    return (above + (tied - 1) / 2) / np.maximum(allowed.sum(axis=1) - 1, 1)


def _margins(scores: Float64, targets: Int64, allowed: Bool, evidence: Evidence) -> dict[str, object]:
    """Target score minus that of one random unseen item, and of the best one, in standard deviations of the user's
    scores.
    """
    rng = np.random.default_rng(evidence.seed)
    draw = np.where(allowed, rng.random(scores.shape), -1.0)
    np.put_along_axis(draw, targets[:, None], -1.0, axis=1)
    negative = draw.argmax(axis=1)
    at = np.arange(len(targets))
    finite = np.where(allowed, scores, np.nan)
    spread = np.maximum(np.nanstd(finite, axis=1), 1e-12)
    margin = (scores[at, targets] - scores[at, negative]) / spread
    best = np.nanmax(np.where(np.arange(scores.shape[1]) == targets[:, None], np.nan, finite), axis=1)
    hardest = (scores[at, targets] - best) / spread
    return {
        "margin_mean": float(margin.mean()),
        "margin_p10": float(np.percentile(margin, 10)),
        "margin_below_zero": float((margin < 0).mean()),
        "margin_to_best_negative_mean": float(hardest.mean()),
    }


def _categories(share: Float64, targets: Int64, training: Interactions) -> dict[str, object]:
    """For each top category of the targets, its share of questions with low margins (the worst quarter), highest
    first.
    """
    categories = training.item_columns.categories
    of_target = [categories[t][0] if categories[t] else "" for t in targets]
    if not any(of_target):
        return {}
    low = share >= np.quantile(share, 0.75)
    asked, missed = Counter(of_target), Counter(c for c, bad in zip(of_target, low) if bad)
    listed = sorted(asked, key=lambda c: missed[c] / asked[c], reverse=True)
    return {
        "low_margin_categories": [
            {"category": c or "unknown", "questions": asked[c], "low_margin_share": missed[c] / asked[c]}
            for c in listed
            if asked[c] >= 5
        ][:8],
        "low_margin_overall_share": float(low.mean()),
    }


def _worst_category(details: dict[str, object]) -> str:
    listed = details.get("low_margin_categories")
    if not isinstance(listed, list) or not listed:
        return ""
    worst = listed[0]
    return f"; weakest in {worst['category']} ({percent(worst['low_margin_share'])} of its questions in the worst quarter)"


PROBE = Probe(kinds=(KIND,), run=ranking_margin)
