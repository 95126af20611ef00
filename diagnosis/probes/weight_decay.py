"""Does weight decay take more from the weights than the loss gives them?"""

import math
from collections.abc import Mapping
from typing import Any

from diagnosis.evidence import Evidence
from diagnosis.examination import LearnedParameter, Watched
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role
from diagnosis.probes.expectation import held, violated
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.symptoms import NARROW, UNLEARNED, UNTRAINED, WEAK
from seeds.amounts import number, percent

UNIT = "of the weights' length"
KIND = FindingKind(
    code="decay-outweighs",
    found_by=FoundBy.PROBE,
    title="Weight decay outweighs learning",
    why="Weights that are pulled to zero faster than the loss moves them forget each batch within an epoch.",
    definition="Length of the decayed weights after the watched epochs relative to before, where the decay alone halves them "
    "within 150 steps, or (of optimizers that add it to the gradient and rescale both) is longer than the gradient by a fifth; "
    "of AdamW also how many epochs it takes the decay to halve the weights, where it is less than half of one.",
    roles=(Role.OPTIMIZER,),
    explains=(*WEAK, *NARROW, *UNTRAINED, *UNLEARNED, "decay-without-gradient"),
)
HALVED_WITHIN = 150  # steps
SHRUNK = 0.7
TIMES = 1.2  # the mean gradient's length, by which weights that have shrunk were pulled
FEWEST = 10  # steps
# Optimizers that decay the weights themselves, by the rate times the decay at each step.
DECOUPLED = {"AdamW"}
# Optimizers that divide the decay together with the gradient by their size.
RESCALING = {"Adam", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta", "SparseAdam"}


def weight_decay(evidence: Evidence) -> list[Measurement]:
    """The optimizers that decay, by what became of their weights."""
    watched = evidence.watched
    if watched is None:
        return []
    if watched.optimizer_steps < FEWEST:
        return [unjudged(KIND.code, f"fewer than {FEWEST} steps of an optimizer were watched", unit=UNIT)]
    for made in watched.trace.get("optimizers", ()):
        decay = made["defaults"].get("weight_decay", 0)
        strongest = max(made.get("decays") or [decay if isinstance(decay, (int, float)) else 0])
        if strongest > 0:
            found = _outweighed(watched, made, float(strongest))
            if found is not None:
                return [found]
    return [held(KIND, "no decay outweighs the gradient", unit=UNIT, value=1.0, reference=1.0)]


def _outweighed(watched: Watched, made: Mapping[str, Any], decay: float) -> Measurement | None:
    of_it = set(made["parameters"])
    decays = made.get("decays") or []
    kept = {group for group, one in enumerate(decays) if one <= 0}
    learned = [
        p for p in watched.parameters if f"p{p.number}" in of_it and p.steps_with_grad and p.group not in kept
    ]
    before, after = (_length(learned, name) for name in ("weight_norm_before", "weight_norm_after"))
    rate = float(made["defaults"].get("lr", 0.0))
    if _forgets_within_an_epoch(watched, made, rate * decay):
        return _forgotten(watched, made, decay, rate)
    if before <= 0 or after >= SHRUNK * before:
        return None
    if made["type"] in RESCALING:
        times = decay * before / max(_length(learned, "grad_norm"), 1e-30)
        strong, says = times > TIMES, f"the decay is {number(times)} times the gradient"
    else:
        halved = math.log(2) / max(rate * decay, 1e-30)
        strong, says = halved < HALVED_WITHIN, f"the decay alone halves the weights within {halved:.0f} steps"
    if not strong:
        return None
    message = (
        f"{percent(after / before)} of their length is left of the weights after {watched.steps} steps: with {made['type']}, "
        f"`weight_decay={decay:g}` and a rate of {number(rate)} {says}"
    )
    there = CodePlace(path=made["path"], line=made["line"], does="makes the optimizer")
    return violated(
        KIND, after / before, message, [there], unit=UNIT, reference=1.0, reference_name="as they began",
        higher_is_better=True,
    )  # fmt: skip


def _forgets_within_an_epoch(watched: Watched, made: Mapping[str, Any], share: float) -> bool:
    """Whether a decay beside the gradient (AdamW's) halves weights more than twice an epoch, whatever the gradient is."""
    epoch = watched.epoch_ends[0] if watched.epoch_ends else 0
    return made["type"] in DECOUPLED and share > 0 and math.log(2) / share < epoch / 2


def _forgotten(watched: Watched, made: Mapping[str, Any], decay: float, rate: float) -> Measurement:
    halved = math.log(2) / (rate * decay)
    message = (
        f"{halved:.0f} steps of {made['type']} with `weight_decay={decay:g}` and a rate of {number(rate)} halve its weights, and an "
        f"epoch has {watched.epoch_ends[0]}: what a batch taught is gone before it comes again"
    )
    there = CodePlace(path=made["path"], line=made["line"], does="makes the optimizer")
    return violated(
        KIND, halved / watched.epoch_ends[0], message, [there], unit="epochs", reference=None, reference_name="longer than a run",
        higher_is_better=True,
    )  # fmt: skip


def _length(parameters: list[LearnedParameter], name: str) -> float:
    return math.sqrt(sum(getattr(parameter, name) ** 2 for parameter in parameters))


PROBE = Probe(kinds=(KIND,), run=weight_decay)
