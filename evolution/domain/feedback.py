"""Feedback, the directional signal: all findings and critiques of one trial."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from diagnosis.backing import Backing, backing_of
from diagnosis.blame import Healing, connected
from diagnosis.findings import Anchor, Finding, Measurement, Site
from evolution.domain.trial import ContractCheck
from seeds.amounts import percent, percent_within
from simulator.critiques import Critique, Simulation

USERS_ASKED = 200  # statistical personas that are asked about a trial, unless told otherwise


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """All findings and critiques of one trial. Readers take `all_findings` and `all_measurements`.

    measurements, findings: of built-in checks. Findings are stored unconnected: causes and symptoms each by themselves.
    evolved: probe id -> what that evolved probe measured.
    evolved_findings: probe id -> findings for what it measured as unhealthy.
    own, own_findings: what the probes that the user has written say, and what is wrong with these. own_key: which they were.
    healed: code -> patches of this program after which what the code measures was healthy.
    simulation: of statistical personas; None if none were asked.
    interviews: of personas that an LLM plays; None if none were asked.
    asked: what the trained model was asked, where it was examined.
    critique_anchors: critique id -> the lines that it points at.
    examined: whether the program's training was watched and its trained model asked.
    """

    trial: str
    program: str
    created_at: float
    made_by: str = ""  # version of the probes, rules and personas; feedback by another version is made anew
    measurements: tuple[Measurement, ...] = ()
    findings: tuple[Finding, ...] = ()
    sites: tuple[Site, ...] = ()
    simulation: Simulation | None = None
    interviews: Simulation | None = None
    critique_anchors: Mapping[str, tuple[Anchor, ...]] = field(default_factory=dict)
    evolved: Mapping[str, tuple[Measurement, ...]] = field(default_factory=dict)
    evolved_findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    healed: Mapping[str, tuple[Healing, ...]] = field(default_factory=dict)
    own: tuple[Measurement, ...] = ()
    own_findings: tuple[Finding, ...] = ()
    own_key: str = ""
    examined: bool = False
    asked: tuple[ContractCheck, ...] = ()

    @property
    def users_asked(self) -> int:
        """How many statistical personas were asked; 0 if none were."""
        return self.simulation.asked if self.simulation else 0

    def all_findings(self) -> tuple[Finding, ...]:
        """Findings of built-in checks, of evolved probes and of the user's own as every reader is shown them: the worst group first, each
        symptom after what explains it.
        """
        evolved = [finding for found in self.evolved_findings.values() for finding in found]
        return tuple(connected([*self.findings, *self.own_findings, *evolved], self.healed))

    def all_measurements(self) -> tuple[Measurement, ...]:
        """Measurements by built-in probes, the user's own and evolved ones, healthy ones included."""
        return (*self.measurements, *self.own, *(m for found in self.evolved.values() for m in found))

    @property
    def simulations(self) -> tuple[Simulation, ...]:
        """The simulations that were made: of statistical personas first, then of those that an LLM plays."""
        return tuple(s for s in (self.simulation, self.interviews) if s is not None)

    def critiques(self) -> tuple[Critique, ...]:
        """Praise and complaints of all simulated users, those of statistical personas first."""
        return tuple(critique for simulation in self.simulations for critique in simulation.critiques)

    def complaints(self) -> tuple[Critique, ...]:
        """The complaints of simulated users that can be trusted, those of statistical personas first."""
        return tuple(critique for simulation in self.simulations for critique in simulation.complaints())

    def backing(self, critique: Critique) -> Backing:
        """What was found and measured that bears on a critique."""
        return backing_of(critique.code, self.all_findings(), self.all_measurements())

    def bearing_on(self, critique: Critique) -> list[str]:
        """A line each: what explains a critique, bears it out or contradicts it, who says it most, and whether the other kind of users
        shares it."""
        most = [
            f"said most by users with the trait “{one.trait}”: {percent_within(one.share, one.low, one.high)} of {one.users}, {percent(one.others)} of the others"
            for one in critique.cells
        ]
        return [*(one.line for one in self.backing(critique).told()), *most, *self._of_others(critique)]

    def _of_others(self, critique: Critique) -> list[str]:
        """What the other kind of users says of a complaint, where it was asked and may vote."""
        told = []
        for other in self.simulations:
            counted = [*other.critiques, *other.voices]
            count = next((one.count for one in counted if one.code == critique.code), 0)
            silent = other.no_vote or not other.users or not other.fidelity.beats_chance
            if silent or critique.positive or any(one.id == critique.id for one in other.critiques):
                continue
            shared = any(one.code == critique.code for one in other.critiques)
            who = f"users that {other.model} plays" if other.model else "statistical users"
            told.append(
                f"{'shared' if shared else 'not shared'} by {other.users} {who}, of whom {count} say so"
            )
        return told

    def users_critical(self) -> bool:
        """Whether either kind of simulated users finds the lists unusable."""
        said = [simulation.interpretation for simulation in self.simulations]
        return any(one is not None and one.status == "CRITICAL" for one in said)
