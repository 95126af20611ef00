"""Whether batches are shuffled, whole and of a useful size."""

from collections.abc import Sequence

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.measured import measured
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.streams.reading import Read, read
from diagnosis.streams.rows import Passes, Rows, passes
from seeds.amounts import percent
from seeds.interactions import Int64

ORDER = FindingKind(
    code="batches-in-one-order",
    found_by=FoundBy.PROBE,
    title="Batches come in the same order",
    why="Neighbours of the log train each other in every epoch, and what comes last weighs most.",
    definition="Share of rows that stand in the second epoch where they stood in the first; of an epoch by itself, whether users or lengths only rise.",
    roles=(Role.LOADER,),
    explains=(
        "nothing-pushed-down",
        "weaker-than-popularity",
        "weaker-than-markov",
        "weaker-than-ease",
        "not-learning",
    ),
)
DROPPED = FindingKind(
    code="last-batch-dropped",
    found_by=FoundBy.PROBE,
    title="The last batch is dropped",
    why="Every epoch leaves out rows that are trained nowhere else in it.",
    definition="Share of rows that an epoch leaves out, where all batches are full and the rest would make one more.",
    roles=(Role.LOADER,),
    explains=("weaker-than-popularity", "not-learning", "not-converged"),
)
SINGLE = FindingKind(
    code="batch-of-one",
    found_by=FoundBy.PROBE,
    title="A batch is one row",
    why="Steps are noisy and nearly all of their time is overhead.",
    definition="Rows of a batch, in the median.",
    roles=(Role.LOADER,),
)
MUCH = 0.05  # of the rows of an epoch


def batches(evidence: Evidence) -> list[Measurement]:
    """Order, rest and size of the batches of whole epochs."""
    dropping = _dropping(evidence)
    seen = read(evidence)
    found = [] if seen is None else judged(seen, _loaders(evidence))
    if not dropping:
        return found
    return [*(one for one in found if one.code != DROPPED.code), *dropping]


def _dropping(evidence: Evidence) -> list[Measurement]:
    """Loaders that say so themselves: what is left of their rows makes no whole batch, and is dropped."""
    for each in evidence.artifacts.trace.get("loaders", ()):
        rows, size = int(each.get("rows", 0)), int(each["batch_size"])
        if not (each.get("trained") and each.get("drops_last") and size > 1 and rows):
            continue
        left = rows % size
        if left >= MUCH * rows:
            place = CodePlace(path=str(each["path"]), line=int(each["line"]), does="makes the loader")
            return [_dropped(rows, left, size, [place])]
    return []


def _loaders(evidence: Evidence) -> tuple[CodePlace, ...]:
    """Where the loaders that fit iterates were made, in the traced step."""
    found = [each for each in evidence.artifacts.trace.get("loaders", ()) if each.get("trained")]
    return tuple(CodePlace(path=str(each["path"]), line=int(each["line"])) for each in found)


def judged(seen: Read, loaders: Sequence[CodePlace] = ()) -> list[Measurement]:
    """The same for a training that was read."""
    gone = passes(seen)
    if gone is None:
        return []
    places = (*loaders, *gone.places)
    by_hand = seen.watched.kind != "torch"  # SGD by hand takes a step for each row, and has no batch to fill
    return [
        *_order(gone, places),
        *_rest(seen, gone, places),
        *([] if by_hand else _size(gone, places)),
    ]


def _order(gone: Passes, places: Sequence[CodePlace]) -> list[Measurement]:
    first = gone.epochs[0]
    if len(first.sizes) < 4 or len(first.keys) < 50:
        return []
    sorted_by = _sorted_by(first)
    if len(gone.epochs) < 2 or not len(gone.epochs[1].keys):
        if not sorted_by:
            return [unjudged(ORDER.code, "only one epoch was seen", unit="share of rows")]
        return [_in_order(1.0, f"rows of an epoch are sorted by {sorted_by}", places)]
    second = gone.epochs[1]
    n = min(len(first.keys), len(second.keys))
    same = float((first.keys[:n] == second.keys[:n]).mean())
    alike = float(n / len(first.keys))
    if same > 0.95 and alike > 0.95:
        how = f", sorted by {sorted_by}" if sorted_by else ""
        return [
            _in_order(same, f"{percent(same)} of {n} rows come in the same place in both epochs{how}", places)
        ]
    if sorted_by and _sorted_by(second):
        return [_in_order(same, f"rows of every epoch are sorted by {sorted_by}", places)]
    return [
        measured(
            ORDER.code,
            same,
            f"{percent(same)} of {n} rows come in the same place in both epochs",
            unit="share of rows",
            healthy=True,
            reference=0.0,
        )
    ]


def _in_order(value: float, said: str, places: Sequence[CodePlace]) -> Measurement:
    return measured(
        ORDER.code,
        value,
        f"{said}: nothing is shuffled",
        unit="share of rows",
        healthy=False,
        reference=0.0,
        reference_name="shuffled",
        places=places,
    )


def _sorted_by(rows: Rows) -> str:
    """ "user" or "length" where it only rises or falls over an epoch; "" otherwise."""
    for name, values in (("user", rows.users), ("length", rows.lengths)):
        known = values[values > 0]
        if len(known) < 50 or len(np.unique(known)) < 8:
            continue
        by, between = np.diff(known), _between_batches(values, rows.sizes)
        for way in (1, -1):
            # A batch that is sorted for itself, as packing wants it, begins again where the last one began.
            if (way * by >= 0).mean() > 0.995 and (way * between >= 0).mean() > 0.9:
                return name
    return ""


def _between_batches(values: Int64, sizes: Int64) -> Int64:
    """By how much the first value of each batch is more than the last of the batch before it."""
    starts = np.cumsum(sizes)[:-1]
    starts = starts[starts < len(values)]
    starts = starts[(values[starts] > 0) & (values[starts - 1] > 0)]
    return values[starts] - values[starts - 1] if len(starts) else np.zeros(1, np.int64)


def _rest(seen: Read, gone: Passes, places: Sequence[CodePlace]) -> list[Measurement]:
    """What an epoch leaves out, where the number of rows of a whole pass is known."""
    first = gone.epochs[0]
    expected = _expected(seen)
    if expected is None or len(first.sizes) < 1 or len(np.unique(first.sizes)) > 1:
        return []
    size, left = int(first.sizes[0]), expected - int(first.sizes.sum())
    if not 0 <= left < size:
        return []
    return [_dropped(expected, left, size, places)]


def _dropped(rows: int, left: int, size: int, places: Sequence[CodePlace]) -> Measurement:
    return measured(
        DROPPED.code,
        left / rows,
        f"each epoch trains {rows - left} of {rows} rows in batches of {size}"
        + (f": the last {left} are dropped" if left else ""),
        unit="share of rows",
        healthy=left < MUCH * rows,
        reference=0.0,
        reference_name="all rows",
        severity=Severity.WARNING,
        places=places,
    )


def _expected(seen: Read) -> int | None:
    """Rows of a whole pass: events, where rows are pairs; users with two events, where a row is a history."""
    log = seen.log
    positives = [each for each in seen.positives if not each.mixed]
    if not positives:
        return None
    if seen.inputs is None:
        return log.n
    if seen.inputs.view.width == 1:
        return int((log.from_start >= 1).sum())
    rows_of_user = np.bincount(seen.inputs.located.user[seen.inputs.located.found])
    known = rows_of_user[rows_of_user > 0]  # a few short rows are taken for another user's
    each_once = len(known) > 0 and (known <= seen.watched.epochs).mean() > 0.9
    return int((log.lengths >= 2).sum()) if each_once else None


def _size(gone: Passes, places: Sequence[CodePlace]) -> list[Measurement]:
    sizes = np.concatenate([rows.sizes for rows in gone.epochs])
    if len(sizes) < 50:
        return []
    middle = float(np.median(sizes))
    return [
        measured(
            SINGLE.code,
            middle,
            f"batches hold {middle:.0f} row{'' if middle == 1 else 's'} in the median",
            unit="rows",
            healthy=middle > 1,
            higher_is_better=True,
            severity=Severity.INFORMATION,
            places=places,
        )
    ]


PROBE = Probe(kinds=(ORDER, DROPPED, SINGLE), run=batches)
