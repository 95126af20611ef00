"""Feedback: everything said of one trial, findings and critiques together. The directional signal."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from diagnosis.findings import Anchor, Finding, Measurement, Site
from simulator.critiques import Critique, Simulation


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """simulation None: the users have not been asked. interviews: the same by personas that an LLM plays.
    critique_anchors: critique id -> lines it points at. evolved: probe id -> what it measured here.
    evolved_findings: probe id -> what of that is unhealthy, on its lines."""

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

    @property
    def simulations(self) -> tuple[Simulation, ...]:
        """What was simulated: by statistical personas first, then by those that an LLM plays."""
        return tuple(s for s in (self.simulation, self.interviews) if s is not None)

    def critiques(self) -> tuple[Critique, ...]:
        """Praise and complaints of all simulated users, of statistical personas first."""
        return tuple(critique for simulation in self.simulations for critique in simulation.critiques)

    def complaints(self) -> tuple[Critique, ...]:
        """Complaints of simulated users whose choices are predicted better than by chance."""
        return tuple(c for c in self.critiques() if not c.positive and c.fidelity.beats_chance)

    def users_critical(self) -> bool:
        """Whether either kind of simulated users finds the lists unusable."""
        said = [simulation.interpretation for simulation in self.simulations]
        return any(one is not None and one.status == "CRITICAL" for one in said)
