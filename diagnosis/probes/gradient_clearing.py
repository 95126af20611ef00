"""Is each gradient used for one step: computed, applied, cleared? (generative-recommenders PR 332)"""

from diagnosis.evidence import Evidence
from diagnosis.examination import Watched
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.expectation import held, violated
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.symptoms import UNLEARNED, WEAK

UNIT = "share of steps"
_WEAK = ("not-learning", "not-converged", *WEAK, *UNLEARNED)
NOT_CLEARED = FindingKind(
    code="gradients-not-cleared",
    found_by=FoundBy.PROBE,
    title="Gradients are never cleared",
    why="Every step then follows the sum of all gradients since the start, old batches included.",
    definition="Share of steps whose backward pass met a gradient that an earlier optimizer step had used already.",
    roles=(Role.OPTIMIZER,),
    explains=_WEAK,
)
CLEARED_EARLY = FindingKind(
    code="no-gradient-at-step",
    found_by=FoundBy.PROBE,
    title="Steps without a gradient",
    why="An optimizer step without any gradient changes nothing, or decays weights alone.",
    definition="Share of the optimizer's steps at which no parameter had a gradient other than 0.",
    roles=(Role.OPTIMIZER,),
    explains=_WEAK,
)
NEVER_STEPPED = FindingKind(
    code="never-stepped",
    found_by=FoundBy.PROBE,
    title="The optimizer is never stepped",
    why="Gradients are computed and nobody applies them: the model stays as it was initialised.",
    definition="Backward passes that were watched without one step of an optimizer.",
    roles=(Role.OPTIMIZER,),
    explains=_WEAK,
)
MOST = 0.8  # share of steps above which it is no accident
FEWEST = 4  # steps


def gradient_clearing(evidence: Evidence) -> list[Measurement]:
    """The gradients at `backward` and at the optimizer's step, in the watched epochs."""
    watched = evidence.watched
    if watched is None:
        return []
    if len(watched.losses) < FEWEST:
        return [unjudged(NOT_CLEARED.code, "no training was watched", unit=UNIT)]
    found = _never_stepped(watched) or _not_cleared(watched) or _cleared_early(watched)
    if found is not None:
        return [found]
    return [held(NOT_CLEARED, f"gradients were cleared in each of {watched.steps} steps", unit=UNIT)]


def _never_stepped(watched: Watched) -> Measurement | None:
    made = watched.trace.get("optimizers", ())
    if watched.optimizer_steps or not made:
        return None
    there = CodePlace(path=made[0]["path"], line=made[0]["line"], does="makes the optimizer")
    message = f"{len(watched.losses)} backward passes, and no step of the optimizer made at {there.path}:{there.line}"
    return violated(
        NEVER_STEPPED,
        float(len(watched.losses)),
        message,
        [watched.loss_place, there],
        unit="backward passes",
        severity=Severity.ERROR,
    )


def _not_cleared(watched: Watched) -> Measurement | None:
    share = watched.gradients_not_cleared / max(min(watched.optimizer_steps, len(watched.losses)) - 1, 1)
    several = len(watched.trace.get("optimizers", ())) > 1
    if share < MOST or (several and watched.clear_place is not None):
        return None
    message = f"{watched.gradients_not_cleared} of {watched.optimizer_steps} steps began with the gradient of the step before: "
    message += (
        "nothing clears them"
        if watched.clear_place is None
        else f"zero_grad at {_at(watched.clear_place)} does not reach them"
    )
    places = [watched.step_place, watched.loss_place, watched.clear_place]
    if watched.step_place and watched.loss_place and watched.step_place.path != watched.loss_place.path:
        places[:2] = places[1::-1]  # the step is in a wrapper of the optimizer, the loop in another file
    return violated(NOT_CLEARED, min(share, 1.0), message, places, unit=UNIT, severity=Severity.ERROR)


def _cleared_early(watched: Watched) -> Measurement | None:
    looked_at = max((p.steps_looked_at for p in watched.parameters), default=0)
    share = watched.steps_without_gradient / max(looked_at, 1)
    if (
        looked_at < FEWEST or share < MOST or len(set(watched.losses)) == 1
    ):  # a constant loss is its own cause
        return None
    message = f"{watched.steps_without_gradient} of {looked_at} steps had no gradient of any parameter"
    clear, back, step = watched.clear_place, watched.loss_place, watched.step_place
    if clear is not None and _between(back, clear, step):
        words = f"{message}: {_at(clear)} clears them after backward and before step"
        places = [clear, step]
    else:
        # `backward` raises where a loss depends on nothing, so this one does on parameters that the optimizer lacks
        words = f"{message}: the loss does not depend on what the optimizer was given"
        places = [*_made(watched), back, step]
    return violated(CLEARED_EARLY, min(share, 1.0), words, places, unit=UNIT, severity=Severity.ERROR)


def _made(watched: Watched) -> list[CodePlace]:
    """The line of the optimizer, where there is one alone."""
    made = watched.trace.get("optimizers", ())
    return [
        CodePlace(path=one["path"], line=one["line"], does="makes the optimizer")
        for one in made
        if len(made) == 1
    ]


def _between(back: CodePlace | None, clear: CodePlace, step: CodePlace | None) -> bool:
    if back is None or step is None or not back.path == clear.path == step.path:
        return False
    return back.line <= clear.line <= step.line


def _at(place: CodePlace) -> str:
    return f"{place.path}:{place.line}"


PROBE = Probe(kinds=(NOT_CLEARED, CLEARED_EARLY, NEVER_STEPPED), run=gradient_clearing)
