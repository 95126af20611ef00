"""Runs all probes on one trial's evidence."""

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import Measurement
from diagnosis.probes import (
    attention_axis,
    embedding_collapse,
    exposure_concentration,
    mixed_heads,
    not_converged,
    not_learning,
    order,
    overconfidence,
    popularity_bias,
    ranking_margin,
    references,
    same_list,
    squashed_logits,
    untrained_rows,
)
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe

PROBES: tuple[Probe, ...] = (
    ranking_margin.PROBE,
    references.PROBE,
    embedding_collapse.PROBE,
    overconfidence.PROBE,
    order.PROBE,
    popularity_bias.PROBE,
    exposure_concentration.PROBE,
    same_list.PROBE,
    untrained_rows.PROBE,
    not_learning.PROBE,
    not_converged.PROBE,
    squashed_logits.PROBE,
    attention_axis.PROBE,
    mixed_heads.PROBE,
)


def measure(evidence: Evidence) -> list[Measurement]:
    """Every probe's measurements, healthy ones included. A probe that raises yields an unjudged measurement and stops
    no other probe.
    """
    measurements: list[Measurement] = []
    for probe in PROBES:
        try:
            measurements += probe.run(evidence)
        except (ValueError, ArithmeticError, IndexError, KeyError, np.linalg.LinAlgError) as error:
            reason = f"the probe failed: {type(error).__name__}: {error}"
            measurements.append(unjudged(probe.kinds[0].code, reason, unit=""))
    return measurements
