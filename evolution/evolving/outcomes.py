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

OPEN = (Severity.ERROR, Severity.WARNING)


@dataclass(frozen=True, kw_only=True)
class Observed:
    """The feedback on one trial, with codes of its open problems.

    findings, critiques: codes of what is open; None for strategies that do not use feedback.
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
    """Observe a trial. Strategies that are not directional get only the map of the code's roles, and no feedback."""
    if not strategy.directional:
        return Observed(feedback=code_map(laboratory, trial), findings=None, critiques=None, critical=False)
    feedback = coevolution.extended(
        feedback_of(laboratory, trial, users=USERS_ASKED, interviewer=interviewer, charged=True), trial
    )
    findings = tuple(sorted({f.code for f in feedback.all_findings() if f.severity in OPEN}))
    complaints = feedback.complaints()
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
    complaints = {c.code for c in before.complaints() if c.id in idea.addresses}
    earlier, later = _measured(before), _measured(after)
    found = [
        _moved(earlier[code], later[code]) for code in sorted(targets) if code in earlier and code in later
    ]
    return (*found, *(_quieter(code, before, after) for code in sorted(complaints)))


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


def _quieter(code: str, before: Feedback, after: Feedback) -> Moved:
    """A complaint's change, measured by the share of users who make it."""
    was, now = (_share(code, feedback) for feedback in (before, after))
    return Moved(code=code, before=was, after=now, as_intended=now < was, healthy=now == 0.0)


def _share(code: str, feedback: Feedback) -> float:
    return max((c.share for c in feedback.complaints() if c.code == code), default=0.0)
