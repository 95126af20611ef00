"""Judges a trial by an evolved probe's values.

The trained model is compared, on the same users, with two models of the same trial: one that is good in the way
complained of, and one that is bad in it. So the probe needs no threshold of its own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from diagnosis.coevolution.complaints import Expectation
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.coevolution.subjects import MODEL, TITLES
from diagnosis.coevolution.view import Float64
from diagnosis.findings import Measurement, Severity
from diagnosis.probes.outcome import unjudged
from seeds.amounts import amount, figure
from seeds.metrics.exact import without_noise
from seeds.metrics.intervals import mean_over_users

HALFWAY = 0.5
Z95 = 1.959964
FEWEST_USERS = 20


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A mean over users with its 95 % interval by the normal approximation; probes measure hundreds of users."""

    value: float
    low: float
    high: float


def mean_gap(per_user: Float64) -> Gap:
    """The mean over users; (0, 0, 0) for fewer than two. A mean that only rounding keeps from 0 is 0."""
    if len(per_user) < 2:
        return Gap(value=0.0, low=0.0, high=0.0)
    mean, half = per_user.mean(), Z95 * per_user.std(ddof=1) / math.sqrt(len(per_user))
    value, low, high = without_noise(np.array([mean, mean - half, mean + half])).tolist()
    return Gap(value=value, low=low, high=high)


def references(expectation: Expectation) -> tuple[str, str]:
    """(good, bad): names of the models that a trial is judged between."""
    return expectation.better, expectation.worse[0]


def worse_by(spec: ProbeSpec, first: Float64, second: Float64) -> Float64:
    """By how much `first` is worse than `second`, for each user whom both can judge: float64 (<= S,)."""
    difference = second - first if spec.higher_is_better else first - second
    return difference[np.isfinite(difference)]


def is_healthy(
    spec: ProbeSpec, expectation: Expectation, values: Mapping[str, Float64], *, of: str = MODEL
) -> bool | None:
    """Whether a model is not, beyond doubt, nearer to the bad model than to the good one.

    values: subject -> float64 (S,), NaN where the probe cannot tell; holds both references and `of`.

    Returns None if the references do not differ, or if too few users can be judged.
    """
    good, bad = (values[name] for name in references(expectation))
    own = values[of]
    known = np.isfinite(own) & np.isfinite(good) & np.isfinite(bad)
    if known.sum() < FEWEST_USERS:
        return None
    own, good, bad = own[known], good[known], bad[known]
    between = worse_by(spec, bad, good)
    if mean_gap(between).low <= 0:
        return None
    return mean_gap(worse_by(spec, own, good) - HALFWAY * between).low <= 0


def measurement(spec: ProbeSpec, expectation: Expectation, values: Mapping[str, Float64]) -> Measurement:
    """The measurement of the trained model; its details describe the probe (see `about`)."""
    good, bad = references(expectation)
    healthy = is_healthy(spec, expectation, values)
    if healthy is None:
        return unmeasured(
            spec, f"{TITLES[good]} and {TITLES[bad]} do not differ here, so nothing can be judged"
        )
    own = mean_over_users(values[MODEL][np.isfinite(values[MODEL])], 0)
    at_good, at_bad = (float(np.nanmean(values[name])) for name in (good, bad))
    return Measurement(
        code=spec.code,
        value=own.value,
        low=own.low,
        high=own.high,
        reference=at_good,
        reference_name=TITLES[good],
        unit=spec.unit,
        higher_is_better=spec.higher_is_better,
        healthy=healthy,
        severity=Severity.WARNING,
        message=f"{amount(own.value, spec.unit)} ({TITLES[good]}: {figure(at_good, spec.unit)}; "
        f"{TITLES[bad]}: {figure(at_bad, spec.unit)})",
        details={**about(spec), "bad_reference": at_bad, "bad_reference_name": TITLES[bad]},
    )


def unmeasured(spec: ProbeSpec, reason: str) -> Measurement:
    """The measurement of a probe that could not judge the trial, with the reason."""
    return unjudged(spec.code, reason, unit=spec.unit, details=about(spec))


def about(spec: ProbeSpec) -> dict[str, object]:
    """Details that describe an evolved probe. `catalogue.kind_of` needs them, because CATALOGUE holds built-in kinds
    only.
    """
    return {
        "evolved": True,
        "probe": spec.id,
        "author": spec.author,
        "name": spec.name,
        "complaint": spec.complaint,
        "signal": spec.signal,
        "definition": spec.definition,
    }
