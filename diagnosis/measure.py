"""Runs all probes on one trial's evidence."""

import math
from dataclasses import replace

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import Measurement
from diagnosis.probes import (
    attention_axis,
    batches,
    broadcast_loss,
    embedding_collapse,
    events_doubled,
    exposure_concentration,
    feature_rows,
    figures_disagree,
    future_visible,
    gradient_clearing,
    graph_edges,
    histories_unordered,
    inputs_out_of_range,
    item_ids,
    learning_rate,
    learns_backwards,
    list_traits,
    loss_terms,
    loss_values,
    masked_serving,
    mixed_heads,
    negatives,
    not_converged,
    not_learning,
    order,
    overconfidence,
    own_target,
    padding_attended,
    padding_in_loss,
    plain_layers,
    popularity_bias,
    ranking_margin,
    references,
    row_decay,
    same_list,
    sampling_correction,
    serving_differs,
    slices,
    squashed_logits,
    target_coverage,
    targets,
    terms_cut,
    untrained_rows,
    weight_decay,
    who_learns,
)
from diagnosis.probes.outcome import BEYOND_TRAINING, unjudged
from diagnosis.probes.probe import Probe

PROBES: tuple[Probe, ...] = (
    targets.PROBE,
    target_coverage.PROBE,
    negatives.PROBE,
    batches.PROBE,
    item_ids.PROBE,
    graph_edges.PROBE,
    ranking_margin.PROBE,
    references.PROBE,
    embedding_collapse.PROBE,
    overconfidence.PROBE,
    order.PROBE,
    padding_in_loss.PROBE,
    padding_attended.PROBE,
    popularity_bias.PROBE,
    exposure_concentration.PROBE,
    same_list.PROBE,
    sampling_correction.PROBE,
    own_target.PROBE,
    inputs_out_of_range.PROBE,
    serving_differs.PROBE,
    masked_serving.PROBE,
    untrained_rows.PROBE,
    not_learning.PROBE,
    not_converged.PROBE,
    feature_rows.PROBE,
    figures_disagree.PROBE,
    future_visible.PROBE,
    histories_unordered.PROBE,
    events_doubled.PROBE,
    slices.PROBE,
    learns_backwards.PROBE,
    list_traits.PROBE,
    squashed_logits.PROBE,
    attention_axis.PROBE,
    mixed_heads.PROBE,
    who_learns.PROBE,
    gradient_clearing.PROBE,
    row_decay.PROBE,
    weight_decay.PROBE,
    learning_rate.PROBE,
    plain_layers.PROBE,
    loss_terms.PROBE,
    broadcast_loss.PROBE,
    terms_cut.PROBE,
    loss_values.PROBE,
)


def measure(evidence: Evidence) -> list[Measurement]:
    """Every probe's measurements, healthy ones included. A probe that raises yields an unjudged measurement and stops
    no other probe. What more epochs may mend is not judged in a model that was still improving.
    """
    measurements: list[Measurement] = []
    for probe in PROBES:
        try:
            measurements += map(_finite, probe.run(evidence))
        except (ValueError, ArithmeticError, IndexError, KeyError, np.linalg.LinAlgError) as error:
            reason = f"the probe failed: {type(error).__name__}: {error}"
            measurements.append(unjudged(probe.kinds[0].code, reason, unit=""))
    return _patient(measurements)


def _finite(measured: Measurement) -> Measurement:
    """Unjudged where the value is no number, as of an empty mean; one probe's slip is not to lose what all others found."""
    if math.isfinite(measured.value):
        return measured
    return unjudged(measured.code, f"the probe failed: it measured {measured.value}", unit=measured.unit)


def _patient(measurements: list[Measurement]) -> list[Measurement]:
    rising = any(m.code == not_converged.KIND.code and m.healthy is False for m in measurements)
    waiting = {kind.code for probe in PROBES for kind in probe.kinds if kind.needs_training}
    return [_unready(m) if rising and m.code in waiting else m for m in measurements]


def _unready(measured: Measurement) -> Measurement:
    """Unjudged, unless it was healthy, or no further epoch can mend it."""
    if measured.healthy is not False or measured.details.get(BEYOND_TRAINING):
        return measured
    details = {**measured.details, "reason": "the model was still improving when training ended"}
    return replace(measured, healthy=None, details=details)
