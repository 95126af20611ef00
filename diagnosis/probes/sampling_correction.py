"""Are the logits of sampled classes corrected for how often each is drawn, and in the right direction?"""

from collections.abc import Mapping
from typing import Any

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.popularity_bias import popularity_bias
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, of_kept_step, places, unanswered
from diagnosis.symptoms import WEAK

UNIT = "sign of the correction"
BY_POPULARITY = ("popularity-reversed", "popularity-bias", "exposure-concentration", "same-list")
SOURCE = "Yi et al. 2019, sampling-bias-corrected neural modeling"
WRONG = FindingKind(
    code="correction-wrong",
    found_by=FoundBy.PROBE,
    title="Sampling corrected the wrong way",
    why="Log q has to be taken off each class's own column; added, it favours what is drawn often twice, and a whole row moves no softmax.",
    definition="Correlation, over the sampled classes of one training step, of what is added to their logits with the logarithm of how "
    "often they occur: it must be negative, along the classes.",
    roles=(Role.LOSS,),
    explains=(*WEAK, *BY_POPULARITY),
    unit=UNIT,
    reference="-1",
    sources=(SOURCE,),
)
MISSING = FindingKind(
    code="correction-missing",
    found_by=FoundBy.PROBE,
    title="In-batch negatives without log q",
    why="The targets of other rows come as negatives in proportion to their popularity, so that popular items score too low.",
    definition="The classes of the loss are the targets of the batch, nothing is taken off their logits, and the lists hold less popular "
    "items than users choose.",
    roles=(Role.LOSS,),
    explains=(*WEAK, *BY_POPULARITY),
    unit=UNIT,
    reference="-1",
    sources=(SOURCE, "Merlin#942 (in-batch negatives without log q)"),
)
_VALUES = {"right": -1.0, "added": 1.0, "rows": 0.0, "none": 0.0}


def sampling_correction(evidence: Evidence) -> list[Measurement]:
    """The correction of the kept step; that there is none counts only where its consequence shows."""
    told = answer(evidence, "correction")
    if not told:
        return unanswered(evidence, (WRONG, MISSING), "no step was kept whose loss samples its classes")
    wrong = told["kind"] in ("added", "rows")
    missing = told["kind"] == "none" and _is_reversed(evidence)
    return [_measured(WRONG, told, found=wrong), _measured(MISSING, told, found=missing)]


def _is_reversed(evidence: Evidence) -> bool:
    return any(
        one.code == "popularity-reversed" and one.healthy is False for one in popularity_bias(evidence)
    )


def _measured(kind: FindingKind, told: Mapping[str, Any], *, found: bool) -> Measurement:
    words = {
        "added": "log q is added to the logits, which favours what is drawn often twice",
        "rows": "log q is the same for all classes of a row, so that the softmax does not notice it",
        "none": f"{told['classes']} targets of a batch compete, and nothing corrects for how often each is among them",
        "right": "log q is taken off the logits of sampled classes",
    }
    return of_kept_step(
        kind,
        _VALUES[told["kind"]],
        words[told["kind"]],
        places(told) if found else (),
        healthy=not found,
        reference=-1.0,
        reference_name="taken off",
        severity=Severity.WARNING,
    )


PROBE = Probe(kinds=(WRONG, MISSING), run=sampling_correction)
