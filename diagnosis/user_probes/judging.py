"""Judges what a probe of the user's measured: a mean over users with its interval, or one number, against what it names."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from diagnosis.coevolution.view import Float64
from diagnosis.findings import Measurement, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.user_probes.probe import REFERENCES, UserProbe
from seeds.amounts import amount
from seeds.amounts import figure as as_read
from seeds.metrics.intervals import mean_over_users

MODEL = "model"


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What `measure` returned for one ranker. values: float64, (S,) for one number per user, () for one number.

    message, healthy, at: what it said itself; "" and None for nothing.
    """

    values: Float64
    message: str = ""
    healthy: bool | None = None
    at: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A value; low and high bound it at 95 %, None for a single number."""

    value: float
    low: float | None = None
    high: float | None = None


def judged(probe: UserProbe, answers: Mapping[str, Answer | None], seed: int) -> Measurement:
    """The measurement. answers: of the model and of the reference that the probe names; None where it cannot tell."""
    own = answers.get(MODEL)
    figure = _figure(own.values, seed) if own is not None else None
    if own is None or figure is None:
        return unjudged(
            probe.code, "measure cannot tell here", unit=probe.terms.unit, details={"own": probe.path}
        )
    other = answers.get(REFERENCES.get(probe.terms.reference, ""))
    reference = _figure(other.values, seed) if other is not None else None
    healthy = own.healthy if own.healthy is not None else _healthy(probe, own, other, seed)
    known = reference.value if reference is not None else _limit(probe, figure)
    return Measurement(
        code=probe.code,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        reference=known,
        reference_name=probe.terms.reference
        if reference is not None
        else "the probe's limit"
        if known is not None
        else "",
        unit=probe.terms.unit,
        higher_is_better=probe.terms.higher_is_better,
        healthy=healthy,
        severity=probe.terms.severity if healthy is False else Severity.INFORMATION,
        message=own.message or _words(probe, figure, reference),
        details={"own": probe.path},
    )


def _figure(values: Float64, seed: int) -> Figure | None:
    """None where no finite number is left. Users for whom the probe said NaN are left out."""
    known = values[np.isfinite(values)]
    if not known.size:
        return None
    if not values.ndim:
        return Figure(value=float(values))
    mean = mean_over_users(known, seed)
    return Figure(value=mean.value, low=mean.low, high=mean.high)


def _healthy(probe: UserProbe, own: Answer, other: Answer | None, seed: int) -> bool | None:
    """None if the probe names nothing to be held against, or if that cannot be measured here."""
    terms, figure = probe.terms, _figure(own.values, seed)
    assert figure is not None
    said = list[bool]()
    if terms.warn_above is not None:
        said.append((figure.low if figure.low is not None else figure.value) <= terms.warn_above)
    if terms.warn_below is not None:
        said.append((figure.high if figure.high is not None else figure.value) >= terms.warn_below)
    if terms.reference and other is not None and other.values.shape == own.values.shape:
        sign = 1.0 if terms.higher_is_better else -1.0
        worse = _figure(sign * (other.values - own.values), seed)
        if worse is not None:
            said.append((worse.low if worse.low is not None else worse.value) <= 0)
    return all(said) if said else None


def _limit(probe: UserProbe, figure: Figure) -> float | None:
    """The limit that the value is nearest to, or beyond."""
    limits = [limit for limit in (probe.terms.warn_above, probe.terms.warn_below) if limit is not None]
    return min(limits, key=lambda limit: abs(limit - figure.value), default=None)


def _words(probe: UserProbe, figure: Figure, reference: Figure | None) -> str:
    beside = (
        f" ({probe.terms.reference}: {as_read(reference.value, probe.terms.unit)})"
        if reference is not None
        else ""
    )
    return f"{amount(figure.value, probe.terms.unit)}{beside}"
