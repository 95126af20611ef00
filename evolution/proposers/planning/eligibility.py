"""Decides in code which of the planner's ideas may be tried."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from evolution.proposers.planning.replies import AXES, PlannedIdea

CRITIQUES = 2  # critiques that an idea must address (Self-EvolveRec), or all open ones if there are fewer
FINDINGS = 1  # findings that it must address


@dataclass(frozen=True, kw_only=True)
class Open:
    """What is open on the parent.

    findings, critiques: ids.
    tried: codes of the ideas tried on it, or in its lineage.
    """

    findings: Collection[str]
    critiques: Collection[str]
    tried: Collection[str]


def objection(idea: PlannedIdea, still: Open, *, directional: bool) -> str:
    """Why an idea may not be tried, in one sentence; "" if it may."""
    if not idea.code.strip() or not idea.change.strip():
        return "it says no code name or no change"
    if idea.code in still.tried:
        return f"{idea.code} was tried here already"
    if not directional:
        return ""
    unknown = [name for name in idea.addresses if name not in {*still.findings, *still.critiques}]
    if unknown:
        return f"it addresses {', '.join(unknown)}, which is not open here"
    findings = len({name for name in idea.addresses if name in still.findings})
    critiques = len({name for name in idea.addresses if name in still.critiques})
    needed = min(FINDINGS, len(still.findings)), min(CRITIQUES, len(still.critiques))
    if findings < needed[0] or critiques < needed[1]:
        return (
            f"it addresses {critiques} critiques and {findings} findings; "
            f"at least {needed[1]} and {needed[0]} that are open are needed"
        )
    return ""


def worth(idea: PlannedIdea, progress: float) -> float:
    """A weighted mean of an idea's scores, 0 to 10. Early in a run feasible ideas weigh more, later bold ones.

    progress: 0 to 1.
    """
    weights = {
        "originality": 0.05 + 0.20 * progress,
        "potential": 0.20 + 0.15 * progress,
        "user_alignment": 0.20,
        "model_alignment": 0.20,
        "ease": 0.35 - 0.35 * progress,
    }
    assert set(weights) == set(AXES)
    scores = {axis: min(10, max(0, getattr(idea.scores, axis))) for axis in AXES}
    return sum(weight * scores[axis] for axis, weight in weights.items())


def ranked(ideas: Sequence[PlannedIdea], chosen: str, progress: float) -> list[PlannedIdea]:
    """The chosen idea first, then the others by worth. Of several ideas with one code the first counts."""
    unique = {idea.code: idea for idea in reversed(ideas)}
    first = [unique.pop(chosen)] if chosen in unique else []
    rest = sorted(unique.values(), key=lambda idea: (-worth(idea, progress), idea.code))
    return [*first, *rest]
