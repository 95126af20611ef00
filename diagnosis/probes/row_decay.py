"""Do rows of a table move that no batch touched? (DirectAU issue 2: Adam adds weight decay to the gradient)"""

import math

from diagnosis.evidence import Evidence
from diagnosis.examination import LearnedParameter, Watched
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role
from diagnosis.probes.expectation import held, violated
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from seeds.amounts import percent

UNIT = "share of a row's length per epoch"
KIND = FindingKind(
    code="decay-without-gradient",
    found_by=FoundBy.PROBE,
    title="Rows decay without a gradient",
    why="Adam divides the decay by its own size, so that rows of rare items lose as much at each step as rows that learn.",
    definition="How far rows of a table that had no gradient moved per epoch, relative to their length.",
    roles=(Role.OPTIMIZER,),
    explains=("popularity-bias", "exposure-concentration", "untrained-rows", "weaker-than-ease"),
)
CLOSELY = 50  # steps in which touched rows are followed, see evolution/worker/guest/epoch_learning.py
MOST = 0.5  # of a row's length, over the whole training
FEWEST_ROWS = 20


def row_decay(evidence: Evidence) -> list[Measurement]:
    """The tables of which some rows had no gradient in the first watched steps."""
    watched = evidence.watched
    if watched is None:
        return []
    if not watched.epoch_ends or not watched.optimizer_steps:
        return [unjudged(KIND.code, "no whole epoch was watched", unit=UNIT)]
    tables = [
        p
        for p in watched.parameters
        if 0 < p.rows_touched <= p.shape[0] - FEWEST_ROWS and p.weight_norm_before > 0
    ]
    if not tables:
        return [held(KIND, "every row of every table had a gradient", unit=UNIT)]
    worst = max(tables, key=lambda p: _per_epoch(p, watched))
    moved, decayed = _per_epoch(worst, watched), _optimizer(worst, watched)
    epochs = max(watched.max_epochs, len(evidence.artifacts.curves))
    if moved * epochs < MOST or decayed is None:
        words = f"rows without a gradient moved by {percent(moved)} of their length per epoch"
        return [held(KIND, words, unit=UNIT, value=moved)]
    rows = worst.shape[0] - worst.rows_touched
    message = (
        f"{rows} rows of {worst.name or 'a table'} had no gradient in the first {min(CLOSELY, watched.steps)} steps, and moved "
        f"by {percent(moved)} of their length per epoch: {decayed['type']} with `weight_decay={decayed['defaults']['weight_decay']:g}` "
        "decays rows that no batch touches"
    )
    there = CodePlace(path=decayed["path"], line=decayed["line"], does="makes the optimizer")
    return [violated(KIND, moved, message, [there, worst.place], unit=UNIT)]


def _per_epoch(table: LearnedParameter, watched: Watched) -> float:
    rows = table.shape[0]
    length = table.weight_norm_before * math.sqrt((rows - table.rows_touched) / rows)
    return table.moved_without_grad_norm / length / min(CLOSELY, watched.steps) * watched.epoch_ends[0]


def _optimizer(table: LearnedParameter, watched: Watched) -> dict | None:  # type: ignore[type-arg]
    """The optimizer that decays it."""
    for made in watched.trace.get("optimizers", ()):
        decay = made["defaults"].get("weight_decay", 0)
        if decay and f"p{table.number}" in made["parameters"]:
            return dict(made)
    return None


PROBE = Probe(kinds=(KIND,), run=row_decay)
