"""Does the learning rate suit the training: neither gone before its end, nor warming up beyond it, nor far too high or low?"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.examination import LearnedParameter, Watched
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.expectation import held, violated
from diagnosis.probes.not_learning import not_learning
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.symptoms import UNLEARNED, WEAK
from seeds.amounts import number, percent

_WEAK = ("not-learning", "not-converged", *WEAK, *UNLEARNED)
RUNS_OUT = FindingKind(
    code="schedule-runs-out",
    found_by=FoundBy.PROBE,
    title="The learning rate runs out",
    why="Once the rate is next to nothing, further epochs change nothing; often a plan for epochs is stepped at every batch.",
    definition="Highest learning rate in the second epoch relative to the highest one before; of a plan that falls by a constant, "
    "the rate that it leaves after few steps, before the middle of the training.",
    roles=(Role.OPTIMIZER,),
    explains=_WEAK,
)
WARM_UP = FindingKind(
    code="warm-up-too-long",
    found_by=FoundBy.PROBE,
    title="The warm-up outlasts the training",
    why="A rate that is still rising when the training ends was never the rate that was chosen.",
    definition="Share of the chosen learning rate that is reached by the last epoch if it rises as in the first two.",
    roles=(Role.OPTIMIZER,),
    explains=_WEAK,
)
WRAPS = FindingKind(
    code="schedule-wraps",
    found_by=FoundBy.PROBE,
    title="The schedule goes on beyond its plan",
    why="A cosine schedule rises again beyond its last step, so that the rate swings instead of falling.",
    definition="Steps of the schedule in the watched epochs relative to the steps that it was planned for.",
    roles=(Role.OPTIMIZER,),
    explains=_WEAK,
)
TOO_LOW = FindingKind(
    code="learning-rate-too-low",
    found_by=FoundBy.PROBE,
    title="Far too low a learning rate",
    why="Weights that hardly move cannot learn in the epochs that the training has.",
    definition="Length of the update over the watched epochs relative to the weights, of the parameter that moved most.",
    roles=(Role.OPTIMIZER,),
    explains=_WEAK,
)
TOO_HIGH = FindingKind(
    code="learning-rate-too-high",
    found_by=FoundBy.PROBE,
    title="Far too high a learning rate",
    why="Steps that overshoot throw the weights about, and the loss stays above where it began.",
    definition="Highest loss of the watched steps, over five of them or half of them, relative to the first step's; over two of them "
    "where the matrices moved by several times their length. Of Adam and its kind also the last epoch's relative to the first's.",
    roles=(Role.OPTIMIZER,),
    explains=_WEAK,
)
SHARE = "share of the rate"
GONE = 0.05  # of the highest rate: no training left
REACHED = 0.5  # of the chosen rate
MANY_STEPS = 1000  # with the full rate or a good part of it: a plan may end there
FEW_EPOCHS = 5  # a plan for fewer is over soon, and rightly so
MANY_CHANGES = 6  # of the rate, in two epochs
STILL = 2e-3  # of their length; less over two epochs is no training
FLAT = 0.01  # of the first loss
THROWN = 1.5  # times their own length
RISEN = 1.02  # times the first loss, in the second half of the watched steps
SWEPT = 4.0  # times their own length, of the matrices in the median
OVERSHOT = 1.4  # times the first loss, over two steps
LEAPT = 5.0  # times the first loss, over START steps together
START = 5  # steps
LARGE = 0.1  # a rate by which no weight of these models should move at a step
ADAPTIVE = {"adam", "adamw", "nadam", "radam", "adamax", "rmsprop"}
FEWEST = 8  # steps


def learning_rate(evidence: Evidence) -> list[Measurement]:
    """The rates of the watched epochs, and what they did to weights and loss."""
    watched = evidence.watched
    if watched is None:
        return []
    if watched.optimizer_steps < FEWEST or not watched.learning_rates:
        return [
            unjudged(RUNS_OUT.code, f"fewer than {FEWEST} steps of an optimizer were watched", unit=SHARE)
        ]
    planned = watched.max_epochs
    found = (
        _runs_out(watched, planned)
        or _falls_early(watched, planned)
        or _wraps(watched)
        or _warms_up(watched, planned)
    )
    found = found or _too_high(watched) or _diverges(evidence, watched) or _too_low(watched)
    if found is not None:
        return [found]
    words = f"the learning rate went from {number(watched.learning_rates[0][1])} to {number(watched.learning_rates[-1][1])}"
    return [
        held(
            RUNS_OUT,
            words,
            unit=SHARE,
            value=1.0,
            reference=1.0,
            reference_name="the highest",
            higher_is_better=True,
        )
    ]


def rates(watched: Watched) -> np.ndarray:
    """float64 (steps,): the learning rate of each step of the optimizer."""
    told = np.zeros(watched.optimizer_steps)
    for step, rate in watched.learning_rates:
        told[max(0, step - 1) :] = rate
    return told


def _runs_out(watched: Watched, planned: int) -> Measurement | None:
    if len(watched.epoch_ends) < 2 or planned < FEW_EPOCHS:
        return None
    by_step = rates(watched)
    first, second = by_step[: watched.epoch_ends[0]], by_step[watched.epoch_ends[0] : watched.epoch_ends[1]]
    if not len(second) or first.max() <= 0:
        return None
    share = float(second.max() / by_step.max())
    halfway = (
        float(by_step.max() * (second[-1] / first[-1]) ** (planned / 2)) if _is_geometric(watched) else np.inf
    )
    if share >= GONE and halfway >= GONE * by_step.max():
        return None
    per_epoch = watched.scheduler.get("calls", 0) / max(1, watched.epochs)
    message = f"rate from {number(by_step.max())} to {number(by_step[-1])} in two of {planned} epochs"
    if per_epoch > 2:
        message += f": the schedule is stepped {per_epoch:.0f} times per epoch"
    return violated(
        RUNS_OUT, share, message, [_schedule(watched), watched.step_place], unit=SHARE, severity=Severity.ERROR,
        reference=1.0, reference_name="the highest", higher_is_better=True,
    )  # fmt: skip


def _falls_early(watched: Watched, planned: int) -> Measurement | None:
    """A plan that takes the rate away before the middle of the training, and before it has taken many steps."""
    plan, per_epoch = watched.scheduler, watched.scheduler.get("calls", 0) / max(1, watched.epochs)
    if not plan.get("at") or not per_epoch or planned < FEW_EPOCHS or len(watched.epoch_ends) < 1:
        return None
    falls = math.ceil(math.log(GONE) / math.log(plan["factor"]))
    if falls > len(plan["at"]):
        return None
    epoch = plan["at"][falls - 1] / per_epoch
    steps = int(epoch * watched.epoch_ends[-1] / max(1, watched.epochs))
    if epoch > planned / 2 or steps >= MANY_STEPS:
        return None
    message = (
        f"below {percent(GONE)} of the rate of {number(rates(watched).max())} after {steps} steps, from epoch "
        f"{math.ceil(epoch) + 1} of {planned} on"
    )
    return violated(
        RUNS_OUT, plan["factor"] ** falls, message, [_schedule(watched), watched.step_place], unit=SHARE,
        severity=Severity.WARNING, reference=1.0, reference_name="the highest", higher_is_better=True,
    )  # fmt: skip


def _is_geometric(watched: Watched) -> bool:
    """Whether the rate falls by the same factor again and again, several times in an epoch."""
    told = np.array([rate for _, rate in watched.learning_rates if rate > 0])
    if len(told) < MANY_CHANGES:
        return False
    by = told[1:] / told[:-1]
    return bool(by.max() < 1 and by.max() - by.min() < 1e-3)


def _wraps(watched: Watched) -> Measurement | None:
    scheduler = watched.scheduler
    total = scheduler.get("total", 0)
    if scheduler.get("type") != "CosineAnnealingLR" or not total or scheduler["calls"] < 1.5 * total:
        return None
    message = f"{scheduler['calls']} steps in {watched.epochs} epochs of a CosineAnnealingLR planned for {total}: the rate rises again after every {total}"
    times = scheduler["calls"] / total
    return violated(
        WRAPS,
        times,
        message,
        [_schedule(watched)],
        unit="times its plan",
        reference=1.0,
        reference_name="its plan",
    )


def _warms_up(watched: Watched, planned: int) -> Measurement | None:
    by_step = rates(watched)
    chosen = max((float(made["defaults"].get("lr", 0.0)) for made in _made(watched)), default=0.0)
    if chosen <= 0 or (np.diff(by_step) < 0).any() or by_step[-1] >= REACHED * chosen:
        return None
    if by_step.max() == by_step.min() > 0:
        return None
    gained = (by_step[-1] - by_step[0]) / max(len(by_step) - 1, 1)
    per_epoch = watched.epoch_ends[0] if watched.epoch_ends else len(by_step)
    last = by_step[-1] + gained * max(0, planned * per_epoch - len(by_step))
    if last >= REACHED * chosen:
        return None
    message = (
        f"rate {number(by_step[-1])} of {number(chosen)} reached in {len(by_step)} steps; at this pace it is "
        f"{number(last)} after all {planned} epochs"
    )
    return violated(
        WARM_UP, last / chosen, message, [_schedule(watched), *_optimizers(watched)], unit=SHARE,
        reference=1.0, reference_name="the chosen rate", higher_is_better=True,
    )  # fmt: skip


def _too_low(watched: Watched) -> Measurement | None:
    learned = [p for p in watched.parameters if p.steps_with_grad and p.weight_norm_before > 0]
    losses = _losses(watched)
    if not learned or len(losses) < FEWEST or watched.epochs < 1:
        return None
    share = max(p.update_norm / p.weight_norm_before for p in learned)
    first, last = losses[: max(START, len(losses) // 4)], losses[-max(START, len(losses) // 4) :]
    fell = (np.mean(first) - np.mean(last)) / max(abs(float(np.mean(first))), 1e-12)
    if share >= STILL or fell >= FLAT:
        return None
    message = (
        f"rate {number(watched.learning_rates[0][1])}: in {watched.steps} steps no parameter moved by more than "
        f"{number(share)} of its length, and the loss fell by {percent(max(0.0, float(fell)))}"
    )
    return violated(
        TOO_LOW, share, message, _optimizers(watched), unit="share of the weights' length",
        reference=STILL, reference_name="least", higher_is_better=True,
    )  # fmt: skip


def _too_high(watched: Watched) -> Measurement | None:
    losses = _losses(watched)
    learned = [p for p in watched.parameters if p.steps_with_grad and p.weight_norm_before > 0]
    piled_up = watched.gradients_not_cleared > watched.optimizer_steps / 2  # a cause of its own, at any rate
    if len(losses) < FEWEST or not learned or piled_up:
        return None
    began, late = losses[0], float(np.median(losses[len(losses) // 2 :]))
    peak = max(float(np.mean(losses[at : at + START])) for at in range(len(losses) - START + 1))
    thrown = _thrown(learned)
    overshot = _overshot(losses, learned)
    rose = late >= RISEN * began or peak >= LEAPT * began
    if began <= 0 or thrown < THROWN or not (rose or overshot):
        return None
    highest = max(late, peak, overshot)
    message = (
        f"loss from {number(began)} to {number(highest)}, and weights moved by {number(thrown)} times their length in "
        f"{watched.steps} steps: the learning rate {number(watched.learning_rates[0][1])} is too high"
    )
    return violated(
        TOO_HIGH,
        highest / began,
        message,
        _optimizers(watched),
        unit="times the first loss",
        severity=Severity.ERROR,
        reference=1.0,
        reference_name="the first loss",
    )


def _thrown(learned: list[LearnedParameter]) -> float:
    """By how many times its own length a table or matrix moved at most; biases begin near 0 and move by more at any rate."""
    matrices = [p for p in learned if len(p.shape) >= 2] or learned
    return max(p.update_norm / p.weight_norm_before for p in matrices)


def _diverges(evidence: Evidence, watched: Watched) -> Measurement | None:
    """A loss that rises over the epochs under Adam and its kind, whose every step moves a weight by about the rate."""
    made = [each for each in _made(watched) if str(each.get("type", "")).lower() in ADAPTIVE]
    learned = [p for p in watched.parameters if p.steps_with_grad and p.weight_norm_before > 0]
    rate = watched.learning_rates[0][1]
    if rate < LARGE or not made or not learned or watched.gradients_not_cleared > watched.optimizer_steps / 2:
        return None
    curve = not_learning(evidence)[0].details
    thrown = _thrown(learned)
    if not curve.get("diverged") or thrown < THROWN:
        return None
    losses = curve["losses"]
    return violated(
        TOO_HIGH,
        losses[-1] / losses[0],
        f"loss from {number(losses[0])} to {number(losses[-1])} in {len(losses)} epochs, and weights moved by {number(thrown)} "
        f"times their length in {watched.steps} steps: the learning rate {number(rate)} is too high",
        _optimizers(watched),
        unit="times the first loss",
        severity=Severity.ERROR,
        reference=1.0,
        reference_name="the first epoch's loss",
    )


def _overshot(losses: list[float], learned: list[LearnedParameter]) -> float:
    """The highest mean of two steps' losses, where it lies above the first loss by far and the matrices have lost all they began
    with; else 0. A loss may come down again from there: the weights do not.
    """
    matrices = [p.update_norm / p.weight_norm_before for p in learned if len(p.shape) >= 2]
    if len(matrices) < 2 or float(np.median(matrices)) < SWEPT:
        return 0.0
    highest = max(float(np.mean(losses[at : at + 2])) for at in range(len(losses) - 1))
    return highest if highest >= OVERSHOT * losses[0] else 0.0


def _losses(watched: Watched) -> list[float]:
    return [loss for loss in watched.losses if loss is not None and math.isfinite(loss)]


def _made(watched: Watched) -> list[Mapping[str, Any]]:
    return list(watched.trace.get("optimizers", ()))


def _optimizers(watched: Watched) -> list[CodePlace]:
    return [
        CodePlace(path=made["path"], line=made["line"], does="makes the optimizer") for made in _made(watched)
    ]


def _schedule(watched: Watched) -> CodePlace | None:
    scheduler = watched.scheduler
    return (
        CodePlace(path=scheduler["path"], line=scheduler["line"], does="steps the schedule")
        if scheduler
        else None
    )


PROBE = Probe(kinds=(RUNS_OUT, WARM_UP, WRAPS, TOO_LOW, TOO_HIGH), run=learning_rate)
