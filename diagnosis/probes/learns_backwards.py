"""Does training raise the scores of what users chose above those of other items, and push anything down at all?"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from diagnosis.evidence import Evidence
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, of_kept_step, places, unanswered
from diagnosis.streams.reading import read
from diagnosis.streams.recorded import made
from diagnosis.streams.views import View
from diagnosis.symptoms import WEAK
from seeds.amounts import percent

GAIN, LIFTED = "standard deviations of a user's scores", "share of items"
UNIFORM = 0.29  # standard deviation of a share that is anything from 0 to 1
ERRORS = 3.0  # standard errors
MOST = 0.6
BACKWARDS = FindingKind(
    code="learns-backwards",
    found_by=FoundBy.PROBE,
    title="Learns backwards",
    why="Each step pushes away what users chose and draws others near: a sign is wrong, or positives and negatives are exchanged.",
    definition="Mean rise of the score of the event that follows a history above items that its user never chose, after a small step "
    "against the gradient of the loss, where these events score below other items already.",
    roles=(Role.LOSS, Role.NEGATIVES),
    explains=(
        *WEAK,
        "scores-inverted",
        "same-list",
        "popularity-bias",
        "popularity-reversed",
        "exposure-concentration",
        "not-learning",
    ),
    unit=GAIN,
    reference="above 0",
)
NO_NEGATIVES = FindingKind(
    code="nothing-pushed-down",
    found_by=FoundBy.PROBE,
    title="Nothing is pushed down",
    why="A loss that only raises scores is lowest when every item scores high for everybody.",
    definition="Share of items that a user never chose whose score rises with a small step against the gradient of the loss, where every "
    "score that the loss is made of moves it the same way.",
    roles=(Role.LOSS,),
    explains=(
        *WEAK,
        "same-list",
        "popularity-bias",
        "exposure-concentration",
        "not-learning",
        "embedding-collapse",
    ),
    unit=LIFTED,
    reference="60 %",
)


def learns_backwards(evidence: Evidence) -> list[Measurement]:
    """What a small step of the kept loss does to the scores."""
    seen = read(evidence)
    if seen is not None and seen.turned is not None:
        return [_turned(seen.turned)]
    served = answer(evidence, "serving")
    if served.get("negated"):
        return [_negated(served)]
    exchanged = answer(evidence, "wrong_class")
    if exchanged:
        return [_wrong_class(exchanged)]
    told = answer(evidence, "direction")
    if not told:
        return unanswered(
            evidence, (BACKWARDS, NO_NEGATIVES), "no rows of a kept step could be scored as well"
        )
    return [_backwards(evidence, told), _without_negatives(told)]


def _turned(labels: View) -> Measurement:
    message = "the users' own events are labelled as what to rank low, and drawn items as what to rank high"
    return replace(_direction(-1.0, message, made(labels.stream), healthy=False), details={"labels": True})


def _negated(told: Mapping[str, Any]) -> Measurement:
    message = (
        f"the scores of {told['rows']} rows are the lower the higher training's own: scoring turns their sign"
    )
    return _direction(-1.0, message, places(told), healthy=False)


def _wrong_class(told: Mapping[str, Any]) -> Measurement:
    message = (
        f"column {told['right']} of the candidates holds the users' own events, and the loss takes column {told['taken']}, which holds "
        "negatives, for the right one"
    )
    return _direction(-1.0, message, places(told), healthy=False)


def _backwards(evidence: Evidence, told: Mapping[str, Any]) -> Measurement:
    spread = (
        ERRORS * UNIFORM / math.sqrt(told["rows"])
    )  # of the mean of as many shares, if all were by chance
    below = told["above"] < 0.5 - spread
    rises = told["gain"] > ERRORS * told["error"]
    if below and rises:
        return unjudged(
            BACKWARDS.code, "a step moves these scores the other way than all steps before it did", unit=GAIN
        )
    falls = below and not rises
    words = "does not rise above" if falls else "rises above"
    message = (
        f"{percent(told['above'])} of items that a user never chose score below the next event (in {told['rows']} rows), and with a "
        f"step of training it {words} them"
    )
    where = (
        (*(places(told) if len(told["places"]) > 1 else (*places(told), *_sampled(evidence))),)
        if falls
        else ()
    )
    return _direction(told["gain"], message, where, healthy=not falls)


def _sampled(evidence: Evidence) -> tuple[CodePlace, ...]:
    """Where positives and negatives get their ids: they may be exchanged there."""
    seen = read(evidence)
    drawn = (*seen.positives[:1], *seen.negatives[:1]) if seen is not None else ()
    return tuple(place for each in drawn for place in made(each.view.stream)[:1])


def _without_negatives(told: Mapping[str, Any]) -> Measurement:
    found = told["one_way"] and told["lifted"] > MOST
    message = (
        f"{percent(told['lifted'])} of the scores of items that users never chose rise with a step of training"
        + (": every score that the loss sees is pushed up" if found else "")
    )
    where = (*places(told, "cut"), *places(told)[:1]) if found else ()
    return of_kept_step(NO_NEGATIVES, told["lifted"], message, where, healthy=not found, reference=MOST)


def _direction(gain: float, message: str, where: tuple[CodePlace, ...], *, healthy: bool) -> Measurement:
    return of_kept_step(
        BACKWARDS, gain, message, where, healthy=healthy, reference=0.0, higher_is_better=True
    )


PROBE = Probe(kinds=(BACKWARDS, NO_NEGATIVES), run=learns_backwards)
