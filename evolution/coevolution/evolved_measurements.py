"""Measures a trial with evolved probes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from diagnosis.coevolution.complaints import EXPECTATIONS, Expectation
from diagnosis.coevolution.rejection import ProbeFailed, Reason
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.coevolution.subjects import MODEL
from diagnosis.coevolution.verdict import measurement, references, unmeasured
from diagnosis.findings import Measurement
from evolution.coevolution.probe_runner import ProbeRunner

BROKEN = "broken"  # in a measurement's details: the reason why the probe could not be run


def measure_evolved(runner: ProbeRunner, folder: Path, specs: Sequence[ProbeSpec]) -> list[Measurement]:
    """The measurement of each probe. A probe that fails yields an unjudged measurement, and the others run. Raises
    Cancelled.
    """
    return [_measured(runner, folder, spec) for spec in specs]


def _measured(runner: ProbeRunner, folder: Path, spec: ProbeSpec) -> Measurement:
    expectation = _expectation(spec)
    wanted = tuple(dict.fromkeys((MODEL, *references(expectation))))
    try:
        values = runner.run(spec, wanted, folder)
    except ProbeFailed as failed:
        found = unmeasured(spec, failed.rejection.sentence)
        return replace(found, details={**found.details, BROKEN: str(failed.rejection.reason)})
    if not set(wanted) <= set(values):
        return unmeasured(spec, "what it is judged by cannot be measured in this trial")
    return measurement(spec, expectation, values)


def _expectation(spec: ProbeSpec) -> Expectation:
    """The expectation of the complaint that this probe was admitted for.

    A kept probe may name a complaint of another version; the `track-` expectation of its signal serves for such a one.
    """
    return EXPECTATIONS.get(spec.complaint) or EXPECTATIONS[f"track-{spec.signal}"]


def is_broken(found: Measurement) -> bool:
    """Whether a probe can no longer run on a trial, because the data it needs is missing or its code fails there."""
    return found.details.get(BROKEN) in (Reason.ABSENT, Reason.RAISED, Reason.SHAPE)
