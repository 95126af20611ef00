"""Do the item embeddings still use their dimensions? Measured by RankMe and mean cosine of the centred table, and by the
mean cosine of the table as it is, which shows a direction that all items share.
"""

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import Float64, popularity
from seeds.amounts import number
from seeds.interactions import Float32

KIND = FindingKind(
    code="embedding-collapse",
    found_by=FoundBy.PROBE,
    title="Embedding collapse",
    why="Items that share a few directions cannot be told apart, however wide the table is.",
    definition="RankMe of the centred item embeddings (exp of the entropy of the singular values' shares) "
    "and their mean absolute pairwise cosine, centred and as they are, beside the model before training.",
    roles=(Role.ITEM_TABLE, Role.INITIALIZATION),
    nature=Nature.SYMPTOM,
    needs_training=True,
    unit="dimensions",
    reference="the same table before training, or a random table of the same shape",
    sources=("arXiv 2210.02885 (RankMe)", "arXiv 2310.04400 (embedding collapse)"),
)

# Training always concentrates the spectrum; a healthy table keeps well over half of its untrained rank.
KEPT_WARNING = 0.25
KEPT_ERROR = 0.1
# Half of the way from the untrained model's mean |cosine| to 1, where all items lie on one line.
COSINE_EXCESS = 0.5
# A shared direction changes no order under a dot product, and a little of it is how popularity is learned; so much of it
# leaves no room for what tells items apart.
SHARED_EXCESS = 0.8
SAMPLED_ITEMS = 2000
GRAM_NOISE = (
    1e-7  # share of the sum below which a singular value is 0: the root of a float64's rounding error
)


def embedding_collapse(evidence: Evidence) -> list[Measurement]:
    """RankMe and mean |cosine| of the centred item table, beside those of the untrained table.

    If that one is absent or has collapsed itself, a random table of the same shape is the reference.
    """
    trained, untrained = evidence.artifacts.item_embeddings, evidence.artifacts.untrained_item_embeddings
    if trained is None:
        return [unjudged(KIND.code, "the repo offers no item_embeddings()", unit="dimensions")]
    rows = np.flatnonzero(popularity(evidence.training)[1:] > 0) + 1
    table = _centred(trained, rows)
    shared = mean_cosine(trained[rows].astype(np.float64), np.random.default_rng(evidence.seed))
    shared_before = _shared_before(untrained, trained, rows, evidence.seed)
    rng = np.random.default_rng(evidence.seed)
    random_table = rng.standard_normal(table.shape)
    reference, name = rank_me(random_table - random_table.mean(0)), "a random table of the same shape"
    start = None if untrained is None or untrained.shape != trained.shape else _centred(untrained, rows)
    # A table that starts collapsed is no reference: beside it, nothing would look collapsed.
    if start is not None and rank_me(start) > reference / 2:
        reference, name = rank_me(start), "the same model before training"
        random_table = start
    value = rank_me(table)
    cosine, cosine_before = mean_cosine(table, rng), mean_cosine(random_table, rng)
    excess = (cosine - cosine_before) / max(1 - cosine_before, 1e-12)
    one_direction = (shared - shared_before) / max(1 - shared_before, 1e-12) > SHARED_EXCESS
    healthy = value >= KEPT_WARNING * reference and excess < COSINE_EXCESS and not one_direction
    worst = value < KEPT_ERROR * reference or excess > 0.9
    return [
        Measurement(
            code=KIND.code,
            value=value,
            low=None,
            high=None,
            reference=reference,
            reference_name=name,
            unit="dimensions",
            higher_is_better=True,
            healthy=bool(healthy),
            severity=_severity(worst, value >= KEPT_WARNING * reference and excess < COSINE_EXCESS),
            message=f"{number(value)} of {table.shape[1]} dimensions used "
            f"({name}: {number(reference)}); mean |cosine| {number(cosine)} ({number(cosine_before)})"
            + (f"; before centring {number(shared)} ({number(shared_before)})" if one_direction else ""),
            details={
                "mean_abs_cosine": cosine,
                "reference_mean_abs_cosine": cosine_before,
                "mean_abs_cosine_uncentred": shared,
                "reference_mean_abs_cosine_uncentred": shared_before,
                "width": table.shape[1],
            },
        )
    ]


def _severity(worst: bool, only_shared: bool) -> Severity:
    """A direction that all items share is worth knowing; it costs accuracy only where scores are cosines."""
    if worst:
        return Severity.ERROR
    return Severity.INFORMATION if only_shared else Severity.WARNING


def _shared_before(untrained: Float32 | None, trained: Float32, rows: np.ndarray, seed: int) -> float:
    """Mean |cosine| of the untrained table as it is; that of random directions if there is none, or it starts collapsed."""
    by_chance = float(np.sqrt(2 / (np.pi * trained.shape[1])))
    if untrained is None or untrained.shape != trained.shape:
        return by_chance
    before = mean_cosine(untrained[rows].astype(np.float64), np.random.default_rng(seed))
    return before if before < COSINE_EXCESS else by_chance


def _centred(embeddings: Float32, rows: np.ndarray) -> Float64:
    """Rows of the items with training events, less their mean: a shift that all items share changes no ranking.

    Raises ValueError if a value is not finite.
    """
    table = embeddings[rows].astype(np.float64)
    if not np.isfinite(table).all():
        raise ValueError("item_embeddings() holds values that are not finite")
    return table - table.mean(axis=0)


def rank_me(table: Float64) -> float:
    """Effective number of dimensions of a (n, d) table, from 0 (all rows equal) to min(n, d).

    RankMe (Garrido et al. 2023, arXiv 2210.02885): exp of the entropy of the singular values' shares of their sum.
    """
    # Singular values from the d x d Gram matrix: n is far larger than d.
    values = np.sqrt(np.clip(np.linalg.eigvalsh(table.T @ table), 0, None))
    total = values.sum()
    if total <= 1e-12:
        return 0.0
    share = values[values > GRAM_NOISE * total] / total
    return float(np.exp(-(share * np.log(share)).sum()))


def mean_cosine(table: Float64, rng: np.random.Generator) -> float:
    """Mean absolute cosine of random pairs of distinct rows, (n, d) -> 0..1; 1 where all rows are equal."""
    norms = np.linalg.norm(table, axis=1)
    table, norms = table[norms > 1e-12], norms[norms > 1e-12]
    if len(table) < 2:
        return 1.0
    pick = rng.permutation(len(table))[:SAMPLED_ITEMS]
    unit = table[pick] / norms[pick, None]
    cosines = np.abs(unit @ unit.T)
    return float((cosines.sum() - len(unit)) / (len(unit) * (len(unit) - 1)))


PROBE = Probe(kinds=(KIND,), run=embedding_collapse)
