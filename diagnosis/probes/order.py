"""Does the model use the order of a history, where the data shows that order matters?"""

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import Bool, Float64, dense_targets, masked, ndcg_of_scores, unseen
from seeds.interactions import Int64
from seeds.metrics.intervals import mean_over_users
from seeds.references import fit

KIND = FindingKind(
    code="order-ignored",
    found_by=FoundBy.PROBE,
    title="Order ignored",
    why="The order of events says what comes next in this data, and the model does not use it.",
    definition="NDCG@10 lost when histories are shuffled, beside what a Markov ranker loses.",
    roles=(Role.POSITION_TABLE, Role.ENCODER, Role.CAUSAL_MASK),
    verifies=("missed-sequence",),
)

# A model that uses order loses at least this share of the Markov ranker's relative loss.
SHARE_OF_MARKOV = 0.25
# Scores that move by less than this share of their own spread do not depend on the order at all.
UNMOVED = 0.01


def order_ignored(evidence: Evidence) -> list[Measurement]:
    """NDCG@10 lost when each history is shuffled, beside what the same shuffling costs a Markov ranker."""
    shuffled = evidence.artifacts.dense_shuffled
    if shuffled is None or not len(evidence.artifacts.dense_rows):
        return [unjudged(KIND.code, "no shuffled histories were scored", unit="NDCG@10 lost")]
    rows, targets = evidence.artifacts.dense_rows, dense_targets(evidence)
    allowed = unseen(evidence.questions, rows, evidence.training.n_items)
    ordered = masked(evidence.artifacts.dense_scores, allowed)
    before = ndcg_of_scores(ordered, targets)
    after = ndcg_of_scores(masked(shuffled, allowed), targets)
    loss = mean_over_users(before - after, evidence.seed)
    markov_before, markov_after = _markov(evidence, rows, targets, allowed)
    markov = mean_over_users(markov_before - markov_after, evidence.seed)
    moved = _moved(evidence.artifacts.dense_scores, shuffled, allowed)
    markov_share = markov.value / max(float(markov_before.mean()), 1e-12)
    details = {
        "ndcg_in_order": float(before.mean()),
        "ndcg_shuffled": float(after.mean()),
        "markov_in_order": float(markov_before.mean()),
        "markov_shuffled": float(markov_after.mean()),
        "markov_low": markov.low,
        "score_change": moved,
    }
    if markov.low <= 0:
        reason = "a first-order Markov ranker loses nothing measurable by shuffling: order says little in this data"
        return [unjudged(KIND.code, reason, unit="NDCG@10 lost", value=loss.value, details=details)]
    insensitive = loss.high < SHARE_OF_MARKOV * markov_share * float(before.mean())
    return [
        Measurement(
            code=KIND.code,
            value=loss.value,
            low=loss.low,
            high=loss.high,
            reference=markov.value,
            reference_name="a first-order Markov ranker under the same shuffling",
            unit="NDCG@10 lost",
            higher_is_better=True,
            healthy=bool(moved >= UNMOVED and not insensitive),
            severity=Severity.WARNING,
            message=f"shuffling the histories costs the model {loss.value:.4f} NDCG@10 of {before.mean():.4f}; "
            f"a first-order Markov ranker loses {markov.value:.4f} of {markov_before.mean():.4f}",
            details=details,
        )
    ]


def _moved(ordered: np.ndarray, shuffled: np.ndarray, allowed: Bool) -> float:
    """Standard deviation of the scores' changes relative to that of the scores, mean over users; 0 if order changes
    nothing.
    """
    spread = np.std(ordered, axis=1, where=allowed)
    change = np.std(shuffled.astype(np.float64) - ordered, axis=1, where=allowed)
    return float(np.mean(change / np.maximum(spread, 1e-12)))


def _markov(evidence: Evidence, rows: np.ndarray, targets: Int64, allowed: Bool) -> tuple[Float64, Float64]:
    """NDCG@10 of the Markov ranker asked with the last event, and with a random event instead: float64 (S,) each."""
    rng = np.random.default_rng(evidence.seed)
    ranker = fit("markov", evidence.training)
    users = evidence.questions.users[rows]
    histories = [evidence.questions.history(int(q)) for q in rows]
    last = np.array([h[-1] if len(h) else 0 for h in histories], dtype=np.int64)
    drawn = np.array([h[rng.integers(len(h))] if len(h) else 0 for h in histories], dtype=np.int64)
    by_last, by_any = (
        ndcg_of_scores(masked(ranker.score(users, at[:, None]), allowed), targets) for at in (last, drawn)
    )
    return by_last, by_any


PROBE = Probe(kinds=(KIND,), run=order_ignored)
