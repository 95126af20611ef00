"""A probe as a value: what it measures, and how. `diagnosis/measure.py` lists them all."""

from collections.abc import Callable
from dataclasses import dataclass

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, Measurement


@dataclass(frozen=True, kw_only=True)
class Probe:
    """kinds: of every measurement that `run` returns; the first is said to have failed where `run` raises."""

    kinds: tuple[FindingKind, ...]
    run: Callable[[Evidence], list[Measurement]]
