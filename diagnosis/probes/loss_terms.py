"""What the terms of the loss weigh: does a penalty outweigh what is to be learned, has a term no weight?"""

from collections.abc import Mapping
from typing import Any

from diagnosis.evidence import Evidence
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, of_kept_step, places, unanswered
from diagnosis.symptoms import UNLEARNED, WEAK
from seeds.amounts import number

UNIT = "gradient relative to that of the other terms"
OUTWEIGHS = 0.5  # of the other terms' gradient
NEVER = 1e-3  # of it, at the end of a training in which the weight grows as it did
PENALTY = FindingKind(
    code="penalty-outweighs",
    found_by=FoundBy.PROBE,
    title="The penalty outweighs",
    why="A penalty as strong as what is to be learned keeps weights near zero, where all scores are alike.",
    definition="Norm of the gradient of all terms that only shrink what they take, over that of all others, in one training step "
    "after the watched epochs.",
    roles=(Role.LOSS,),
    explains=(
        *WEAK,
        "same-list",
        "popularity-bias",
        "exposure-concentration",
        "not-learning",
        "embedding-collapse",
        *UNLEARNED,
    ),
    unit=UNIT,
    reference="half",
)
WITHOUT_WEIGHT = FindingKind(
    code="term-without-weight",
    found_by=FoundBy.PROBE,
    title="A term without weight",
    why="A term of the loss that weighs next to nothing to the end might as well not be there.",
    definition="Norm of the gradient of one term over that of the others, if its weight grows to the last epoch as it did until the step "
    "was kept.",
    roles=(Role.LOSS,),
    unit=UNIT,
    reference="a thousandth",
)


def loss_terms(evidence: Evidence) -> list[Measurement]:
    """The terms of the kept step."""
    told = answer(evidence, "terms")
    if not told or told["gradient"] <= 0:
        return unanswered(evidence, (PENALTY, WITHOUT_WEIGHT), "no step was kept whose loss has a gradient")
    share = told["penalty_gradient"] / told["gradient"]
    message = f"{number(share)} times the gradient of all other terms is the penalty's, after {_epochs(evidence)} epochs"
    found = [
        of_kept_step(
            PENALTY,
            share,
            message,
            places(told),
            healthy=share < OUTWEIGHS,
            reference=OUTWEIGHS,
            severity=Severity.WARNING,
        )
    ]
    return [*found, _faintest(evidence, told)]


def _faintest(evidence: Evidence, told: Mapping[str, Any]) -> Measurement:
    watched = evidence.watched
    longer = max(1.0, (watched.max_epochs if watched else 0) / _epochs(evidence))
    for term in told["faint"]:
        share = term["gradient"] / told["gradient"] * longer
        if share < NEVER:
            message = f"{number(share)} times the gradient of the other terms is its, even if its weight grows to the last epoch as it did so far"
            return _weight(share, message, places(term), healthy=False)
    return _weight(1.0, "every term has a weight", (), healthy=True)


def _epochs(evidence: Evidence) -> int:
    return max(1, evidence.watched.epochs if evidence.watched else 1)


def _weight(share: float, message: str, where: tuple[CodePlace, ...], *, healthy: bool) -> Measurement:
    return of_kept_step(
        WITHOUT_WEIGHT,
        share,
        message,
        where,
        healthy=healthy,
        reference=NEVER,
        severity=Severity.WARNING,
        higher_is_better=True,
    )


PROBE = Probe(kinds=(PENALTY, WITHOUT_WEIGHT), run=loss_terms)
