"""Evolved probes as the store keeps them: each with what was decided of it, on which trials, and why."""

from dataclasses import dataclass
from enum import StrEnum

from diagnosis.coevolution.spec import ProbeSpec


class ProbeState(StrEnum):
    ADMITTED = "admitted"
    REJECTED = "rejected"
    RETIRED = "retired"  # admitted once; what it needs is no longer there
    ACCEPTED = "accepted"  # the user has taken it into the repo's `probes/`


@dataclass(frozen=True, kw_only=True)
class ProbeRecord:
    """One decision. id: of the occasion, so that deciding again on the same trials finds it. trial: the one
    complained of. reason: "" where it was admitted; sentence: why, either way. warnings: what the reader must
    know besides."""

    id: str
    spec: ProbeSpec
    state: ProbeState
    trial: str
    reason: str
    sentence: str
    created_at: float
    warnings: tuple[str, ...] = ()
