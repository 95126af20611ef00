"""Repairs of numbers that are far off: a learning rate, a weight decay, the scale that weights start at."""

from collections.abc import Callable

import libcst as cst

from evolution.recipes.code import argument, call_name, dotted
from evolution.recipes.repairs.repair import Changes, Place, Repair
from evolution.recipes.settings import find_setting, written

ADAPTIVE = ("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "SparseAdam", "RMSprop")
USUAL_RATE, USUAL_RATE_OF_SGD = (
    1e-3,
    0.05,
)  # of the optimizers that divide by the gradient's size, and of plain steps
USUAL_DECAY, USUAL_DECAY_OF_ADAMW = 1e-6, 1e-2  # L2 that goes through the gradient; decay that does not
USUAL_STD = 0.02


def _usual_rate(place: Place) -> Changes:
    return _set(place, "lr", lambda kind: USUAL_RATE if kind in ADAPTIVE else USUAL_RATE_OF_SGD)


def _usual_decay(place: Place) -> Changes:
    return _set(place, "weight_decay", lambda kind: USUAL_DECAY_OF_ADAMW if kind == "AdamW" else USUAL_DECAY)


def _set(place: Place, name: str, usual: Callable[[str], float]) -> Changes:
    """The setting `name` as the optimizer of its type usually has it."""
    setting = find_setting(place.context, place.sources, name)
    if setting is None or setting.value == usual(setting.optimizer):
        return {}
    return {setting.literal: [setting.set_to(written(usual(setting.optimizer)))]}


def _usual_scale(place: Place) -> Changes:
    call = place.only(cst.Call, lambda node: call_name(node) in ("normal_", "trunc_normal_"))
    if call is None:
        return {}
    of_tensor = dotted(call.func).startswith(("nn.init.", "torch.nn.init.", "init."))
    std = argument(call, "std", 2 if of_tensor else 1)
    if not isinstance(std, (cst.Float, cst.Integer)):
        return {}
    return {std: [cst.Float(written(USUAL_STD))]}


USUAL_LEARNING_RATE = Repair(
    code="usual-learning-rate",
    title="Take the optimizer's usual learning rate",
    rationale="Steps that are far too long throw the weights about; steps that are far too short do not move them.",
    triggers=frozenset({"learning-rate-too-high", "learning-rate-too-low"}),
    needs="one number that sets the learning rate",
    note=f"{USUAL_RATE:g} for Adam and the like, {USUAL_RATE_OF_SGD:g} for SGD.",
    mend=_usual_rate,
)
USUAL_WEIGHT_DECAY = Repair(
    code="usual-weight-decay",
    title="Take the optimizer's usual weight decay",
    rationale="Decay that outweighs the loss shrinks what the model has learned.",
    triggers=frozenset({"decay-outweighs"}),
    needs="one number that sets the weight decay",
    note=f"{USUAL_DECAY:g}, or {USUAL_DECAY_OF_ADAMW:g} for AdamW.",
    mend=_usual_decay,
)
USUAL_START = Repair(
    code="usual-start",
    title=f"Start the weights at a standard deviation of {USUAL_STD}",
    rationale="Weights that start far too large saturate the loss, and rare items keep their random vectors.",
    triggers=frozenset({"initial-scale"}),
    needs="a normal distribution with a number as its width",
    note="Only the width is another.",
    mend=_usual_scale,
)
