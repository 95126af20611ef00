"""Evolved probes as the store keeps them: each with the decision about it, and the reasons."""

from dataclasses import dataclass
from enum import StrEnum

from diagnosis.coevolution.spec import ProbeSpec


class ProbeState(StrEnum):
    """What was decided about an evolved probe."""

    ADMITTED = "admitted"
    REJECTED = "rejected"
    RETIRED = "retired"  # was admitted, but cannot run on the run's newer models
    ACCEPTED = "accepted"  # the user has taken it into the repo's `probes/`


@dataclass(frozen=True, kw_only=True)
class ProbeRecord:
    """One decision about one probe.

    id: of the probe and the decision's basis, so that deciding again on the same trials finds it.
    trial: id of the trial that users complain of.
    reason: a code, "" if the probe was admitted.
    sentence: why, either way.
    warnings: what the user should know beside that.
    """

    id: str
    spec: ProbeSpec
    state: ProbeState
    trial: str
    reason: str
    sentence: str
    created_at: float
    warnings: tuple[str, ...] = ()
