"""A probe as a value: what it measures, and how. `diagnosis/measure.py` lists them all."""

from collections.abc import Callable
from dataclasses import dataclass

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, Measurement


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One built-in probe.

    kinds: of the measurements that `run` returns; if `run` raises, the first kind is reported as failed.
    run: a pure function of one trial's evidence.
    """

    kinds: tuple[FindingKind, ...]
    run: Callable[[Evidence], list[Measurement]]
