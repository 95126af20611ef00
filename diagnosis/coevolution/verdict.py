"""What an evolved probe's values say of a trial: judged between two models of the same trial, one good in this way
and one bad in it, on the same users. No constant of the probe's own is asked for, so none can be wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from diagnosis.coevolution.complaints import Expectation
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.coevolution.subjects import MODEL, TITLES
from diagnosis.coevolution.view import Float64
from diagnosis.findings import Measurement, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.statistics import Estimate, mean_over_users

HALFWAY = 0.5
FEWEST_USERS = 20


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Where a model stands between good and bad, in the probe's unit, larger is worse. healthy None: the two
    references do not differ, or too few users can be judged."""

    value: Estimate
    good: float
    bad: float
    healthy: bool | None


def references(expectation: Expectation) -> tuple[str, str]:
    """(good, bad): what a trial is judged between."""
    return expectation.better, expectation.worse[0]


def worse_by(spec: ProbeSpec, first: Float64, second: Float64) -> Float64:
    """How much worse the first is, user by user, of those whom both can judge: float64 (<= S,)."""
    difference = second - first if spec.higher_is_better else first - second
    return difference[np.isfinite(difference)]


def stand(
    spec: ProbeSpec,
    expectation: Expectation,
    values: Mapping[str, Float64],
    *,
    of: str = MODEL,
    seed: int = 0,
) -> Stand:
    """values: subject -> float64 (S,), NaN where the probe cannot tell; holds both references and `of`."""
    good, bad = (values[name] for name in references(expectation))
    own = values[of]
    known = np.isfinite(own) & np.isfinite(good) & np.isfinite(bad)
    if known.sum() < FEWEST_USERS:
        nothing = Estimate(value=0.0, low=0.0, high=0.0)
        return Stand(value=nothing, good=0.0, bad=0.0, healthy=None)
    own, good, bad = own[known], good[known], bad[known]
    between = worse_by(spec, bad, good)
    beyond_half = mean_over_users(worse_by(spec, own, good) - HALFWAY * between, seed)
    told_apart = mean_over_users(between, seed).low > 0
    return Stand(
        value=mean_over_users(own, seed),
        good=float(good.mean()),
        bad=float(bad.mean()),
        healthy=beyond_half.low <= 0 if told_apart else None,
    )


def measurement(spec: ProbeSpec, expectation: Expectation, values: Mapping[str, Float64]) -> Measurement:
    """Of the trained model, with all that a reader needs to know of the probe in its details."""
    found = stand(spec, expectation, values)
    good, bad = references(expectation)
    if found.healthy is None:
        return unmeasured(
            spec, f"{TITLES[good]} and {TITLES[bad]} do not differ here, so nothing can be judged"
        )
    return Measurement(
        code=spec.code,
        value=found.value.value,
        low=found.value.low,
        high=found.value.high,
        reference=found.good,
        reference_name=TITLES[good],
        unit=spec.unit,
        higher_is_better=spec.higher_is_better,
        healthy=found.healthy,
        severity=Severity.WARNING,
        message=f"{spec.name.replace('-', ' ')}: {found.value.value:.3g} {spec.unit} "
        f"({TITLES[good]}: {found.good:.3g}; {TITLES[bad]}: {found.bad:.3g})",
        details={**about(spec), "bad_reference": found.bad, "bad_reference_name": TITLES[bad]},
    )


def unmeasured(spec: ProbeSpec, reason: str) -> Measurement:
    """A probe that could not tell, and why."""
    return unjudged(spec.code, reason, unit=spec.unit, details=about(spec))


def about(spec: ProbeSpec) -> dict[str, object]:
    """What the catalogue knows of a built-in code, an evolved one brings with it: see `catalogue.entry`."""
    return {
        "evolved": True,
        "probe": spec.id,
        "author": spec.author,
        "name": spec.name,
        "complaint": spec.complaint,
        "signal": spec.signal,
        "definition": spec.definition,
    }
