"""Feedback: everything said of one trial, findings and critiques together. The directional signal."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from diagnosis.findings import Anchor, Finding, Measurement, Site
from diagnosis.placing import worst_first
from simulator.critiques import Critique, Simulation

USERS_ASKED = 200  # statistical personas that are asked about a trial, unless told otherwise


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """measurements, findings: of built-in checks. evolved: probe id -> what that evolved probe measured here.
    evolved_findings: probe id -> what of that is unhealthy, on its lines. Readers take `all_findings` and
    `all_measurements`.

    simulation None: the users have not been asked. interviews: the same by personas that an LLM plays.
    critique_anchors: critique id -> lines it points at."""

    trial: str
    program: str
    created_at: float
    made_by: str = ""  # version of the probes, rules and personas; what another version said is said anew
    measurements: tuple[Measurement, ...] = ()
    findings: tuple[Finding, ...] = ()
    sites: tuple[Site, ...] = ()
    simulation: Simulation | None = None
    interviews: Simulation | None = None
    critique_anchors: Mapping[str, tuple[Anchor, ...]] = field(default_factory=dict)
    evolved: Mapping[str, tuple[Measurement, ...]] = field(default_factory=dict)
    evolved_findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)

    @property
    def users_asked(self) -> int:
        """Statistical personas; 0 where none were asked."""
        return self.simulation.asked if self.simulation else 0

    def all_findings(self) -> tuple[Finding, ...]:
        """Of built-in checks and of evolved probes, worst first: what every reader is shown."""
        evolved = [finding for found in self.evolved_findings.values() for finding in found]
        return tuple(worst_first([*self.findings, *evolved]))

    def all_measurements(self) -> tuple[Measurement, ...]:
        """By built-in and by evolved probes, healthy ones included."""
        return (*self.measurements, *(m for found in self.evolved.values() for m in found))

    @property
    def simulations(self) -> tuple[Simulation, ...]:
        """What was simulated: by statistical personas first, then by those that an LLM plays."""
        return tuple(s for s in (self.simulation, self.interviews) if s is not None)

    def critiques(self) -> tuple[Critique, ...]:
        """Praise and complaints of all simulated users, of statistical personas first."""
        return tuple(critique for simulation in self.simulations for critique in simulation.critiques)

    def complaints(self) -> tuple[Critique, ...]:
        """What simulated users that can be trusted say is wrong, statistical personas first."""
        return tuple(critique for simulation in self.simulations for critique in simulation.complaints())

    def users_critical(self) -> bool:
        """Whether either kind of simulated users finds the lists unusable."""
        said = [simulation.interpretation for simulation in self.simulations]
        return any(one is not None and one.status == "CRITICAL" for one in said)
