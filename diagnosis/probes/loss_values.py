"""Is the loss one that can be learned from: does it change at all, and does it begin where a guess would?"""

import math

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.examination import LearnedParameter, Watched
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.flow import Flow
from diagnosis.operations import made_by, place_of
from diagnosis.probes.expectation import held, violated
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer
from diagnosis.probes.squashed_logits import OF_CLASSES, losses_of_logits
from diagnosis.symptoms import UNLEARNED
from seeds.amounts import number, percent

CONSTANT = FindingKind(
    code="constant-loss",
    found_by=FoundBy.PROBE,
    title="The loss is the same at every step",
    why="A loss that no batch and no update changes teaches nothing.",
    definition="Spread of the losses of all watched steps relative to their size.",
    roles=(Role.LOSS,),
    explains=("not-learning", "weaker-than-popularity", "weaker-than-markov", "weaker-than-ease"),
)
SCALE = FindingKind(
    code="initial-scale",
    found_by=FoundBy.PROBE,
    title="The training begins far worse than a guess",
    why="Tables drawn too large make the first scores extreme, and the first epochs only undo them. (pytorch issue 3121).",
    definition="Loss of the first step relative to the loss of equal scores; of losses of pairs where the first scores of a row spread by 4.5 "
    "or more. Of losses that the repo writes itself, the spread of the first scores of a row, where it is 8 or more and the loss at least an eighth of it.",
    roles=(Role.INITIALIZATION, Role.ITEM_TABLE),
    explains=("not-converged", *UNLEARNED),
)
SAME = 1e-7
FEWEST = 10  # steps
FAR = 4.0  # times a guess's loss
# Of pairs: tables of a standard deviation of 1 and 21 numbers or more, where a sigmoid is flat already.
WIDE, FAR_OF_PAIRS = 4.5, 2.5
# Of losses that a repo writes itself: no margin and no sigmoid tells scores so far apart from each other.
WIDEST = 8.0
NARROW = 1.5  # logits: three of these apart lose no four guesses
MASKED = 1e6


def loss_values(evidence: Evidence) -> list[Measurement]:
    """The losses of the watched steps."""
    watched = evidence.watched
    if watched is None:
        return []
    losses = [loss for loss in watched.losses if loss is not None]
    if len(losses) < FEWEST:
        return [unjudged(CONSTANT.code, "fewer than ten steps were watched", unit="share of the loss")]
    found = (
        _constant(watched, losses) or _scale(evidence, watched, losses) or _spread(evidence, watched, losses)
    )
    if found is not None:
        return [found]
    spread = float(np.std(losses) / max(abs(float(np.mean(losses))), 1e-12))
    words = f"the loss began at {number(losses[0])} and varies by {percent(spread)}"
    return [held(CONSTANT, words, unit="share of the loss", value=spread, reference=None, reference_name="")]


def _constant(watched: Watched, losses: list[float]) -> Measurement | None:
    spread = (max(losses) - min(losses)) / max(abs(losses[0]), 1e-12)
    if spread > SAME:
        return None
    message = f"the loss was {number(losses[0])} at each of {len(losses)} steps"
    flow = Flow(watched.trace)
    made = [place_of(flow.ops[loss.op], "computes it") for loss in losses_of_logits(flow)]
    return violated(
        CONSTANT,
        spread,
        message,
        [*made[:1], watched.loss_place],
        unit="share of the loss",
        severity=Severity.ERROR,
    )


def _scale(evidence: Evidence, watched: Watched, losses: list[float]) -> Measurement | None:
    flow = Flow(watched.trace)
    for loss in losses_of_logits(flow):
        call = flow.ops[loss.op]
        plain = call["scalars"].get("reduction", "mean") == "mean" and call["out"] == [[]]
        if (
            call["function"] not in OF_CLASSES
            or not plain
            or loss.classes < 3
            or not _is_the_loss(flow, loss.op)
        ):
            continue
        times = losses[0] / math.log(loss.classes)
        apart = _spread_before(evidence)
        if times < FAR or (apart is not None and apart < NARROW):
            return None  # scores so near to each other cost no such loss: its right class is masked, or another number is
        message = (
            f"first loss {number(losses[0])}, {number(times)} times that of equal scores for {loss.classes} classes: "
            "scores begin far too large"
        )
        return violated(
            SCALE, times, message, [*_table(watched, flow, loss.op), place_of(call)],
            unit="times a guess's loss", reference=1.0, reference_name="a guess",
        )  # fmt: skip
    return None


def _spread(evidence: Evidence, watched: Watched, losses: list[float]) -> Measurement | None:
    """Of losses of pairs, as the kept step adds them up: the first scores are far apart, and cost more than a guess."""
    flow = Flow(watched.trace)
    compared = [loss.op for loss in losses_of_logits(flow)]
    spread = _spread_before(evidence)
    if spread is None:
        return None
    if not compared:
        return _spread_of_own_loss(watched, flow, losses[0], spread)
    guess = float(answer(evidence, "guess").get("guess", 0.0))
    times = losses[0] / guess if guess > 0 else 0.0
    if spread < WIDE or times < FAR_OF_PAIRS:
        return None
    message = (
        f"first loss {number(losses[0])}, {number(times)} times that of equal scores: scores begin far too large, those of a row with a "
        f"standard deviation of {number(spread)}"
    )
    return violated(
        SCALE, times, message, [*_table(watched, flow, compared[0]), place_of(flow.ops[compared[0]])],
        unit="times a guess's loss", reference=1.0, reference_name="a guess",
    )  # fmt: skip


def _spread_of_own_loss(watched: Watched, flow: Flow, first: float, spread: float) -> Measurement | None:
    """Of a loss that no library computes: the first scores are so far apart that it pays for their distance."""
    own = [way[0] for back in flow.backward for way in made_by(flow, back)]
    if spread < WIDEST or first < spread / 8 or not own:
        return None
    message = f"first loss {number(first)}, standard deviation of a row's scores {number(spread)} before training: scores begin far too large"
    return violated(
        SCALE, spread, message, [*_table(watched, flow, own[0]), place_of(flow.ops[own[0]])],
        unit="standard deviation of a row's scores", reference=1.0, reference_name="scores of a size that a loss tells apart",
    )  # fmt: skip


def _spread_before(evidence: Evidence) -> float | None:
    """The median over users of the standard deviation of their scores before the training; None where these are not known."""
    scores = evidence.artifacts.untrained_dense_scores
    if scores is None or not scores.shape[0]:
        return None
    rows = [row[np.isfinite(row) & (np.abs(row) < MASKED)] for row in scores[:, 1:].astype(np.float64)]
    return float(np.median([row.std() if len(row) else 0.0 for row in rows]))


def _is_the_loss(flow: Flow, op: int) -> bool:
    """Whether `backward` is called on this call's result, with nothing added or multiplied in between."""
    return any(way[0] == op for back in flow.backward for way in made_by(flow, back))


def _table(watched: Watched, flow: Flow, loss: int) -> list[CodePlace]:
    """Of the tables that the scores were made from the one whose numbers were drawn the largest; the largest table where that is not known."""
    near = {s for op in flow.upstream([loss]) for slot in flow.ops[op]["inputs"] for s in slot if s[0] == "p"}
    tables = [p for p in watched.parameters if f"p{p.number}" in near and len(p.shape) == 2]
    largest = max(tables, key=lambda p: (_deviation(p), math.prod(p.shape)), default=None)
    return [largest.place] if largest is not None and largest.path else []


def _deviation(table: LearnedParameter) -> float:
    """The root mean square of a table's numbers before the first step, to one digit: two that are drawn alike are as large."""
    mean = table.weight_norm_before / math.sqrt(math.prod(table.shape))
    return float(f"{mean:.0e}")


PROBE = Probe(kinds=(CONSTANT, SCALE), run=loss_values)
