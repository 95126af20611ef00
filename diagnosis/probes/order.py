"""Does the model use the order of a history, where the data shows that order matters?"""

import numpy as np

from diagnosis.evidence import SHUFFLED, Evidence
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.order_readers import order_readers, reads_histories
from diagnosis.probes.not_converged import not_converged
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import Bool, Float64, dense_targets, masked, ndcg_of_scores, unseen
from diagnosis.symptoms import VERIFIES
from seeds.amounts import number, percent
from seeds.interactions import Int64
from seeds.metrics.intervals import mean_over_users
from seeds.references import fit

IGNORED = FindingKind(
    code="order-ignored",
    found_by=FoundBy.PROBE,
    title="Order ignored",
    why="A part that reads positions is there, and yet the scores are the same whatever the order of the events is.",
    definition="Change of the scores when histories are shuffled, as a share of their spread, of a model that computes "
    "its scores with a table of positions, a recurrence, a convolution or a causal mask.",
    roles=(Role.ENTRY,),  # the part that reads positions is seldom the one that loses their order
    unit="share of the scores' spread",
    reference="no change",
    explains=("order-unused", "weaker-than-markov", "missed-sequence"),
)
UNUSED = FindingKind(
    code="order-unused",
    found_by=FoundBy.PROBE,
    title="Order of no use",
    why="The order of events says what comes next in this data, and the model gains little or nothing by it.",
    definition="NDCG@10 lost when histories are shuffled, beside what a Markov ranker loses.",
    verifies=VERIFIES["order-unused"],
    nature=Nature.SYMPTOM,
    needs_training=True,
    unit="NDCG@10 lost",
    reference="a first-order Markov ranker under the same shuffling",
    sources=("arXiv 2408.12008 (does it look sequential?)",),
)

# A model that uses order loses at least this share of the Markov ranker's relative loss.
SHARE_OF_MARKOV = 0.25
# Scores that move by less than this share of their own spread do not depend on the order at all.
UNMOVED = 0.01
# Nor is the order lost on the way where anything at all comes through: a young model may read it and make little of it.
NOTHING = 0.001
# What rounding leaves of a model that reads no order at all.
ROUNDING = 2e-5


def order_ignored(evidence: Evidence) -> list[Measurement]:
    """NDCG@10 lost when each history is shuffled, beside what the same shuffling costs a Markov ranker.

    A model that reads no history, or none of whose parts reads an order, is told as information: it is a choice.
    """
    shuffled = evidence.artifacts.dense_shuffled
    if shuffled is None or not len(evidence.artifacts.dense_rows):
        reason = "no shuffled histories were scored"
        return [unjudged(kind.code, reason, unit=kind.unit) for kind in (IGNORED, UNUSED)]
    rows = evidence.artifacts.dense_rows
    allowed = unseen(evidence.questions, rows, evidence.training.n_items)
    moved = _moved(evidence.artifacts.dense_scores, shuffled, allowed)
    return [_ignored(evidence, moved), _unused(evidence, shuffled, allowed, moved)]


def _counted_items(evidence: Evidence) -> int:
    """What a repo that counts its items in the log it is given has at least: those that have training events."""
    return len(np.unique(evidence.training.items))


def _ignored(evidence: Evidence, moved: float) -> Measurement:
    readers = order_readers(evidence.artifacts.trace, _counted_items(evidence))
    if moved < NOTHING and not readers:
        reason = "no part of the model was seen to read an order"
        return unjudged(IGNORED.code, reason, unit=IGNORED.unit, value=moved)
    if ROUNDING < moved < NOTHING and any(one.healthy is False for one in not_converged(evidence)):
        reason = "the model was still improving when its training ended, and reads a little of the order"
        return unjudged(IGNORED.code, reason, unit=IGNORED.unit, value=moved)
    return Measurement(
        code=IGNORED.code,
        value=moved,
        low=None,
        high=None,
        reference=0.0,
        reference_name=IGNORED.reference,
        unit=IGNORED.unit,
        higher_is_better=True,
        healthy=moved >= NOTHING,
        severity=Severity.WARNING,
        message=f"{percent(moved)} of the scores' spread is moved by shuffling the histories"
        + (f", though {_told(readers[0])} is part of the scores" if moved < NOTHING else ""),
    )


def _told(reader: CodePlace) -> str:
    return f"{reader.does} ({reader.path}:{reader.line})"


def _unused(evidence: Evidence, shuffled: np.ndarray, allowed: Bool, moved: float) -> Measurement:
    rows, targets = evidence.artifacts.dense_rows, dense_targets(evidence)
    before = ndcg_of_scores(masked(evidence.artifacts.dense_scores, allowed), targets)
    after = ndcg_of_scores(masked(shuffled, allowed), targets)
    loss = mean_over_users(before - after, evidence.seed)
    markov_before, markov_after = _markov(evidence, rows, targets, allowed)
    markov = mean_over_users(markov_before - markov_after, evidence.seed)
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
        return unjudged(UNUSED.code, reason, unit=UNUSED.unit, value=loss.value, details=details)
    trace = evidence.artifacts.trace
    if moved < UNMOVED and not reads_histories(trace):
        reason = "the scores are not computed from histories"
        return unjudged(UNUSED.code, reason, unit=UNUSED.unit, value=loss.value, details=details)
    by_design = moved < UNMOVED and not order_readers(trace, _counted_items(evidence))
    insensitive = loss.high < SHARE_OF_MARKOV * markov_share * float(before.mean())
    return Measurement(
        code=UNUSED.code,
        value=loss.value,
        low=loss.low,
        high=loss.high,
        reference=markov.value,
        reference_name=UNUSED.reference,
        unit=UNUSED.unit,
        higher_is_better=True,
        healthy=bool(moved >= UNMOVED and not insensitive),
        severity=Severity.INFORMATION if by_design else Severity.WARNING,
        message=f"NDCG@10 {number(before.mean())} loses {number(loss.value)} where histories are shuffled; "
        f"a first-order Markov ranker loses {number(markov.value)} of {number(markov_before.mean())}",
        details=details,
    )


def _moved(ordered: np.ndarray, shuffled: np.ndarray, allowed: Bool) -> float:
    """Standard deviation of the scores' changes relative to that of the scores, mean over users; 0 if order changes
    nothing.
    """
    spread = np.std(ordered, axis=1, where=allowed)
    change = np.std(shuffled.astype(np.float64) - ordered, axis=1, where=allowed)
    return float(np.mean(change / np.maximum(spread, 1e-12)))


def _markov(evidence: Evidence, rows: np.ndarray, targets: Int64, allowed: Bool) -> tuple[Float64, Float64]:
    """NDCG@10 of the Markov ranker asked with the last event, and with a random one of those that are shuffled: float64
    (S,) each.
    """
    rng = np.random.default_rng(evidence.seed)
    ranker = fit("markov", evidence.training)
    users = evidence.questions.users[rows]
    histories = [evidence.questions.history(int(q)) for q in rows]
    last = np.array([h[-1] if len(h) else 0 for h in histories], dtype=np.int64)
    drawn = np.array([rng.choice(h[-SHUFFLED:]) if len(h) else 0 for h in histories], dtype=np.int64)
    by_last, by_any = (
        ndcg_of_scores(masked(ranker.score(users, at[:, None]), allowed), targets) for at in (last, drawn)
    )
    return by_last, by_any


PROBE = Probe(kinds=(IGNORED, UNUSED), run=order_ignored)
