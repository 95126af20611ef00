"""A run of evolution as a value: which programs were tried, in which order, and with which outcome.

The run is a record of decisions. The trials, feedback and exchanges that these rest on are stored apart. So a run that
is started again from its first step finds all of them and arrives at the same record; resuming and replaying rely on
this.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from evolution.base import serial
from evolution.base.amounts import number, percent
from evolution.domain.limits import LLM_USERS
from evolution.domain.proposal import Corrected, Idea, Verified
from evolution.domain.trial import Metric


class RunState(StrEnum):
    """Where a run is in its life."""

    RUNNING = "running"
    DONE = "done"  # the budget is used, or nothing is left to try
    STOPPED = "stopped"  # cancelled or killed; can be resumed


class NodeStatus(StrEnum):
    """How far a node's program got."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    NOT_MADE = "not made"  # the idea never became a program that passes the cheap rungs
    VOID = "void"  # the patch computes what its parent computes, so the idea was not tried: no evidence for or against it
    WAITING = "waiting"  # made, and not trained yet


@dataclass(frozen=True, kw_only=True)
class Moved:
    """How a measurement or a complaint that an idea addressed changed. Both ends were measured.

    before, after: in the measurement's own unit, or the shares of users who complain, for parent and child.
    as_intended: whether it changed in the right direction.
    healthy: of a complaint, that too few users make it by now for it to count.
    """

    code: str
    before: float
    after: float
    as_intended: bool
    healthy: bool
    of_users: bool = False  # a complaint

    @property
    def words(self) -> str:
        """The change in words, with what "healthy" means for it."""
        how = "as intended" if self.as_intended else "not as intended"
        if self.of_users:
            least = ", so few that it no longer counts as a complaint" if self.healthy else ""
            return f"{self.code}: {percent(self.before)} of users said so, now {percent(self.after)} ({how}{least})"
        return f"{self.code} moved from {number(self.before)} to {number(self.after)} ({how}{', now healthy' if self.healthy else ''})"


@dataclass(frozen=True, kw_only=True)
class Node:
    """One program of a run, or one idea that did not become one.

    program, parent: tree hashes, "" if there is none.
    objective: by the run's configuration, pooled over the `seeds` that the program was trained with in this run.
    findings, critiques: codes of what is open; None for strategies that do not use feedback.
    rounds: the rounds of coder and debugger, in words.
    spent: what the whole run had been charged when this node was added.
    """

    order: int
    generation: int
    program: str
    parent: str
    trial: str
    status: NodeStatus
    idea: Idea | None
    proposal: str = ""
    objective: Metric | None = None
    seeds: int = 1
    corrected: Corrected | None = None  # its gain over the user's version, for the choice among all nodes
    verified: Verified = Verified.NO
    findings: tuple[str, ...] | None = None
    critiques: tuple[str, ...] | None = None
    moved: tuple[Moved, ...] = ()
    why: str = ""
    rounds: tuple[str, ...] = ()
    spent: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunTerms:
    """What a run was asked to be. Two runs on the same terms are one run; its limits only decide how far it goes.

    proposer: "recipes", "llm" or "both".
    model: the endpoint's, "" without one.
    gate: whether a program that users and measurements both call critical counts as 0, as in Self-EvolveRec.
    """

    root: str  # the user's program
    measured: str  # fingerprint of data, configuration and device: what a figure of this run means
    strategy: str
    seed: int
    proposer: str
    model: str = ""
    gate: bool = False
    llm_users: int = LLM_USERS  # that an LLM plays, if one proposes

    @property
    def run_id(self) -> str:
        """10 hex digits of the terms; the usual number of users says nothing, nor any without an LLM."""
        terms = serial.plain(self)
        if self.llm_users == LLM_USERS or not self.model:
            del terms["llm_users"]
        return hashlib.sha256(serial.dumps(terms).encode()).hexdigest()[:10]


@dataclass(frozen=True, kw_only=True)
class Run:
    """The record of one run.

    nodes: in order, the user's own version first.
    limits, spent: of the budget, by name.
    probes: id of an evolved probe -> the generation from which it counts; 0 for those that the user keeps.
    notes: what else happened, in words.
    judged: an LLM's opinions of programs that an LLM wrote, marked as such.
    llm: models, efforts and prices, for a replay.
    """

    id: str
    terms: RunTerms
    state: RunState
    created_at: float
    finished_at: float = 0.0
    job: str = ""
    nodes: tuple[Node, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    spent: Mapping[str, float] = field(default_factory=dict)
    probes: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    judged: tuple[Mapping[str, Any], ...] = ()
    llm: Mapping[str, Any] = field(default_factory=dict)

    @property
    def best(self) -> Node | None:
        """The verified gain with the highest objective; without any, the complete node that has it, the earlier of equals."""
        scored = [
            (node.verified is Verified.GAIN, node.objective.value, -node.order, node)
            for node in self.nodes
            if node.objective and node.status is NodeStatus.COMPLETE
        ]
        return max(scored, key=lambda entry: entry[:3])[3] if scored else None


UNTRIED = (
    NodeStatus.NOT_MADE,
    NodeStatus.VOID,
    NodeStatus.WAITING,
)  # of nodes that no trial says anything about


def candidates(run: Run) -> list[Node]:
    """The nodes that cost a trial, in order."""
    return [node for node in run.nodes[1:] if node.status not in UNTRIED]


def best_so_far(run: Run) -> list[float]:
    """The best objective after 0, 1, ... trials; [] if the user's own version has none."""
    first = run.nodes[0].objective if run.nodes else None
    best = [first.value] if first else []
    for node in candidates(run) if best else ():
        best.append(max(best[-1], node.objective.value) if node.objective else best[-1])
    return best


def decisions(run: Run) -> list[dict[str, Any]]:
    """The nodes as plain documents: what two runs must agree on to be the same."""
    return [serial.plain(node) for node in run.nodes]
