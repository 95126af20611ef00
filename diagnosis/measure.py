"""All probes on one trial's evidence."""

from collections.abc import Callable

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import Measurement
from diagnosis.probes.embedding_collapse import embedding_collapse
from diagnosis.probes.learning_curve import not_converged, not_learning
from diagnosis.probes.order import order_ignored
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.overconfidence import overconfidence
from diagnosis.probes.popularity_bias import exposure_concentration, popularity_bias
from diagnosis.probes.ranking_margin import ranking_margin
from diagnosis.probes.references import weaker_than_references
from diagnosis.probes.same_list import same_list
from diagnosis.probes.untrained_rows import untrained_rows

Probe = Callable[[Evidence], list[Measurement]]

PROBES: dict[str, Probe] = {
    "ranking-margin": ranking_margin,
    "weaker-than-reference": weaker_than_references,
    "embedding-collapse": embedding_collapse,
    "overconfidence": overconfidence,
    "order-ignored": order_ignored,
    "popularity-bias": popularity_bias,
    "exposure-concentration": exposure_concentration,
    "same-list": same_list,
    "untrained-rows": untrained_rows,
    "not-learning": not_learning,
    "not-converged": not_converged,
}


def measure(evidence: Evidence) -> list[Measurement]:
    """Every probe's measurements, healthy ones included. A probe that fails is reported, and stops no other."""
    measurements: list[Measurement] = []
    for name, probe in PROBES.items():
        try:
            measurements += probe(evidence)
        except (ValueError, ArithmeticError, IndexError, KeyError, np.linalg.LinAlgError) as error:
            reason = f"the probe failed: {type(error).__name__}: {error}"
            measurements.append(unjudged(name, reason, unit=""))
    return measurements
