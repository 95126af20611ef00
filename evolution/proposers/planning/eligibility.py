"""Decides in code which of the planner's ideas may be tried."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from evolution.proposers.planning.replies import AXES, PlannedIdea

CRITIQUES = 2  # critiques that an idea must address (Self-EvolveRec), or all open ones if there are fewer
_FILE = re.compile(r"(?<![\w.])(?:[\w-]+/)*[\w-]+\.(?:py|ipynb|toml|ya?ml|json|cfg|ini|csv|txt)\b")
FINDINGS = 1  # findings that it must address


@dataclass(frozen=True, kw_only=True)
class Open:
    """What is open on the parent.

    findings, critiques: ids.
    tried: codes of the ideas tried on it, or in its lineage.
    void: codes of ideas whose patch changed nothing there.
    """

    findings: Collection[str]
    critiques: Collection[str]
    tried: Collection[str]
    void: Collection[str] = ()


def objection(idea: PlannedIdea, still: Open, *, directional: bool) -> str:
    """Why an idea may not be tried, in one sentence; "" if it may."""
    if not idea.code.strip() or not idea.change.strip():
        return "it says no code name or no change"
    if idea.code in still.tried:
        return f"{idea.code} was tried here already"
    if idea.code in still.void:
        return f"a patch for {idea.code} was written here already, and changed nothing that is computed"
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


def out_of_reach(idea: PlannedIdea, editable: Collection[str], others: Collection[str]) -> str:
    """Why the change that an idea describes cannot be made, "" if it can: of the program's files it names none but such that
    may not be edited.

    editable, others: paths of the program's files that may be edited, and that may not.
    """
    named = dict.fromkeys(_FILE.findall(idea.change))
    outside = [name for name in named if _is_one_of(name, others) and not _is_one_of(name, editable)]
    if not outside or any(_is_one_of(name, editable) for name in named):
        return ""
    return f"it changes {', '.join(outside)}, which may not be edited"


def _is_one_of(name: str, paths: Collection[str]) -> bool:
    """Whether a path, or its end, is the name of one of these files."""
    return any(path == name or path.endswith(f"/{name}") for path in paths)


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
