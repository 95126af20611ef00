"""What a measured program shows, and whether an idea moved the measurements that it set out to move."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from diagnosis.findings import Measurement, Severity
from evolution.domain.feedback import USERS_ASKED, Feedback
from evolution.domain.proposal import Idea
from evolution.domain.run import Moved, Node
from evolution.domain.trial import Metric, Trial
from evolution.evolving.coevolution import CoEvolution
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.observer import Interviewer, code_map, feedback_of
from evolution.proposers.strategies import Strategy
from simulator.critiques import Simulation

OPEN = (Severity.ERROR, Severity.WARNING)


@dataclass(frozen=True, kw_only=True)
class Observed:
    """The feedback on one trial, with codes of its open problems.

    findings, critiques: codes of what is open, by which versions are compared; None for strategies that do not use feedback.
        Critiques are those of the statistical users, who are asked about every version.
    critical: whether measurements and users both find the program unusable, which Self-EvolveRec's gate asks.
    """

    feedback: Feedback
    findings: tuple[str, ...] | None
    critiques: tuple[str, ...] | None
    critical: bool


def look_at(
    laboratory: Laboratory,
    trial: Trial,
    strategy: Strategy,
    coevolution: CoEvolution,
    interviewer: Interviewer | None,
) -> Observed:
    """Observe a trial. Strategies that are not directional get only the map of the code's roles, and no feedback.

    interviewer: None where no users that an LLM plays are asked about this trial.
    """
    if not strategy.directional:
        return Observed(feedback=code_map(laboratory, trial), findings=None, critiques=None, critical=False)
    feedback = coevolution.extended(
        feedback_of(laboratory, trial, users=USERS_ASKED, interviewer=interviewer, charged=True), trial
    )
    if interviewer is None:  # whether a store holds what an LLM's users once said must not turn a run
        feedback = replace(feedback, interviews=None)
    findings = tuple(sorted({f.code for f in feedback.all_findings() if f.severity in OPEN}))
    complaints = feedback.simulation.complaints() if feedback.simulation is not None else ()
    return Observed(
        feedback=feedback,
        findings=findings,
        critiques=tuple(sorted({critique.code for critique in complaints})),
        critical=any(f.severity is Severity.ERROR for f in feedback.all_findings())
        and feedback.users_critical(),
    )


def gated(node: Node, look: Observed) -> Node:
    """Self-EvolveRec's gate: a program that measurements and users both find critical gets the objective 0."""
    if not look.critical:
        return node
    return replace(
        node,
        objective=Metric(value=0.0, low=None, high=None),
        why="gated: users and measurements both find it critical",
    )


def moved(idea: Idea, before: Feedback, after: Feedback) -> tuple[Moved, ...]:
    """How the measurements and complaints that the idea addressed changed from parent (`before`) to child (`after`)."""
    targets = {f.code for f in before.all_findings() if f.id in idea.addresses}
    earlier, later = _measured(before), _measured(after)
    found = [
        _moved(earlier[code], later[code]) for code in sorted(targets) if code in earlier and code in later
    ]
    return (
        *found,
        *_quieter(idea, before.simulation, after.simulation),
        *_quieter(idea, before.interviews, after.interviews),
    )


def _measured(feedback: Feedback) -> Mapping[str, Measurement]:
    """code -> measurement, without those measured beside candidate code."""
    return {m.code: m for m in feedback.all_measurements() if not m.self_reported}


def _moved(before: Measurement, after: Measurement) -> Moved:
    """`as_intended` is true if the value came closer to its reference; without a reference, if it moved in the
    direction that `higher_is_better` says. The reference is measured anew for each model.
    """
    sign = 1.0 if after.higher_is_better else -1.0
    was = sign * (before.value - (before.reference or 0.0))
    now = sign * (after.value - (after.reference or 0.0))
    return Moved(
        code=before.code,
        before=before.value,
        after=after.value,
        as_intended=now > was,
        healthy=after.healthy is True,
    )


def _quieter(idea: Idea, before: Simulation | None, after: Simulation | None) -> list[Moved]:
    """How the shares of users of one kind who make the addressed complaints changed; nothing where they were not asked."""
    if before is None or after is None:
        return []
    counted = {critique.code for critique in after.complaints()}
    found = []
    for code in sorted({c.code for c in before.complaints() if c.id in idea.addresses}):
        was, now = before.share_of(code), after.share_of(code)
        if was is not None and now is not None:
            found.append(
                Moved(
                    code=code,
                    before=was,
                    after=now,
                    as_intended=now < was,
                    healthy=code not in counted,
                    of_users=True,
                )
            )
    return found
