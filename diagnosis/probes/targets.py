"""Whether each target is the event that follows what was put in."""

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.examination import Stream
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.measured import measured
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.streams.crossing import inputs_cross, targets_cross
from diagnosis.streams.drawn import Drawn
from diagnosis.streams.log import Log
from diagnosis.streams.profiles import Profiles
from diagnosis.streams.reading import Read, read
from diagnosis.streams.recorded import apart, made
from diagnosis.streams.relations import Relation
from diagnosis.streams.row_users import histories_stray
from diagnosis.streams.torn import torn
from diagnosis.streams.views import views
from diagnosis.streams.ways import way_to_loss
from seeds.amounts import percent

_WEAK = ("weaker-than-popularity", "weaker-than-markov", "weaker-than-ease", "ranking-margin", "not-learning")

IS_INPUT = FindingKind(
    code="target-is-input",
    found_by=FoundBy.PROBE,
    title="The target is the input itself",
    why="The model is asked to name an item that it sees, learns to copy, and has learned nothing of what comes next.",
    definition="Share of targets that are the very event the model sees at their position (or, where a row has one target, its newest event).",
    roles=(Role.LOADER, Role.LOSS),
    explains=_WEAK,
)
MISPLACED = FindingKind(
    code="target-misplaced",
    found_by=FoundBy.PROBE,
    title="The target is not the next event",
    why="The model learns to name an event that scoring does not ask for: an earlier one, or one that skips the next.",
    definition="Share of targets that lie a fixed number of events, other than one, after the event at their position, located in the training log.",
    roles=(Role.LOADER, Role.LOSS),
    explains=(*_WEAK, "order-ignored", "scores-differ-from-training"),
)
OF_ANOTHER = FindingKind(
    code="target-of-another",
    found_by=FoundBy.PROBE,
    title="Targets are not this user's",
    why="What the model is told to rank high has nothing to do with the user or history beside it.",
    definition="Share of targets that are training events of the user beside them.",
    roles=(Role.LOADER, Role.LOSS),
    explains=(*_WEAK, "same-list", "popularity-bias", "scores-differ-from-training"),
)
NEVER_LAST = FindingKind(
    code="last-position-never-masked",
    found_by=FoundBy.PROBE,
    title="The last position is never masked",
    why="Scoring asks for the last position, and training never does.",
    definition="Share of rows whose newest event is hidden and a target, beside the same for all other events.",
    roles=(Role.LOADER, Role.LOSS),
    explains=(*_WEAK, "scores-differ-from-training"),
)
UNIT = "share of targets"
LEAKED = 0.25  # of targets are put in, beyond what is met again
NEARLY = 0.95  # of the targets are seen
LEAST_OF_ONE = 200  # targets that are all the same
CROSSED = 0.5  # of the borders between users


def targets(evidence: Evidence) -> list[Measurement]:
    """One measurement for each of the kinds that the watched training can be held against."""
    seen = read(evidence)
    if seen is None:
        return []
    return judged(seen, _surely_read(evidence, seen))


def _surely_read(evidence: Evidence, seen: Read) -> bool:
    """Whether what is taken for the input has a longer way to the loss than the target, so that they are not exchanged."""
    trace = seen.watched.trace or evidence.artifacts.trace
    if seen.inputs is None or not trace.get("ops"):
        return True
    way = way_to_loss(trace)
    classes = any(each.view.stream.kind == "target" for each in seen.positives)
    return classes or any(way(seen.inputs.view.stream) > way(each.view.stream) for each in seen.positives)


def judged(seen: Read, surely_read: bool = True) -> list[Measurement]:
    """What targets are, for a training that was read."""
    alike = _of_one_class(seen)
    if alike:
        return alike
    if seen.turned is not None:
        return []  # `learns-backwards` tells it
    foreign = _strangers(seen) or _foreign(seen) or _nobodys(seen)
    if foreign is not None:
        return [foreign]
    if seen.profiles is not None:
        return _of_profiles(seen.log, seen.profiles)
    related = [each for each in seen.positives if each.relation is not None and each.relation.by is not None]
    if any(_is_of_items(seen, one) and next(views(one), None) for one in seen.watched.streams):
        related = [each for each in related if each.view.stream.kind == "target"]
    if not related:
        return _torn(seen)
    best = max(related, key=lambda each: _apart(seen, each))
    relation = best.relation
    assert relation is not None
    if relation.by == 0:
        return _beside_itself(seen, best, relation)
    if relation.by == 1:
        across = _across(seen, best)
        return [across] if across is not None else [_following(relation), _not_seen(relation)]
    if not surely_read and (relation.by or 0) < 0:
        return [
            unjudged(MISPLACED.code, "which look-up is read and which is aimed at is not known", unit=UNIT)
        ]
    return [_elsewhere(seen, best, relation)]


def _apart(seen: Read, each: Drawn) -> tuple[bool, int]:
    """Next events first; of others those least made of the input itself."""
    inputs = seen.inputs.view.stream.made_at if seen.inputs is not None else ()
    shared = len({(p.path, p.line) for p in inputs} & {(p.path, p.line) for p in each.view.stream.made_at})
    return each.relation is not None and each.relation.by == 1, -shared


def _across(seen: Read, best: Drawn) -> Measurement | None:
    """Targets, or inputs, that are a neighbouring user's where a user's own events end."""
    assert seen.inputs is not None
    targets = targets_cross(seen.log, best)
    inputs = inputs_cross(seen.log, seen.inputs, best)
    for crossing, said, stream in (
        (targets, "the target beside a user's newest event is the next user's first event", best.view.stream),
        (inputs, "before a user's first event the input holds another user's", seen.inputs.view.stream),
    ):
        if crossing is not None and crossing.share > CROSSED:
            return measured(
                OF_ANOTHER.code,
                crossing.share,
                f"{said}, at {crossing.crossed} of {crossing.borders} borders between users",
                unit=UNIT,
                healthy=False,
                reference=0.0,
                reference_name="no event of another user",
                severity=Severity.ERROR,
                places=made(stream),
                details={"across": 1.0},
            )
    return None


def _following(relation: Relation) -> Measurement:
    return measured(
        MISPLACED.code,
        1 - relation.share,
        f"{percent(relation.share)} of {relation.judged} targets are the event after the one at their position",
        unit=UNIT,
        healthy=True,
        reference=0.0,
    )


def _not_seen(relation: Relation) -> Measurement:
    same = relation.shown()
    return measured(
        IS_INPUT.code,
        same,
        f"{percent(same)} of targets are the item that the model sees at their position",
        unit=UNIT,
        healthy=True,
        reference=0.0,
    )


def _beside_itself(seen: Read, best: Drawn, relation: Relation) -> list[Measurement]:
    """Masked models aim at the event of the same position, and hide it."""
    same = relation.shown()
    if same < 0.5:
        return [
            measured(
                IS_INPUT.code,
                same,
                f"targets are hidden from the model at {percent(1 - same)} of their positions",
                unit=UNIT,
                healthy=True,
                reference=0.0,
            ),
            *_last(seen, best, relation),
        ]
    where = "the newest event of their own input" if relation.aligned.newest else "the input itself"
    left = "nothing is left to predict" if same > NEARLY else "most of what is learned is to copy"
    return [
        measured(
            IS_INPUT.code,
            same,
            f"{percent(same)} of {relation.judged} targets are {where}: {left}",
            unit=UNIT,
            healthy=False,
            reference=0.0,
            reference_name="the next event",
            severity=Severity.ERROR,
            places=made(seen.inputs.view.stream, best.view.stream)
            if relation.aligned.newest and seen.inputs
            else _lines(seen, best),
        )
    ]


def _is_of_items(seen: Read, stream: Stream) -> bool:
    """Whether a loss over all items takes these classes, so that what is looked up is read and not aimed at."""
    return (
        stream.kind == "target"
        and stream.grad
        and stream.function in ("cross_entropy", "nll_loss")
        and stream.rows >= seen.log.n_items - 2
    )


def _of_one_class(seen: Read) -> list[Measurement]:
    """Every target is one and the same id, which the input holds as often: targets that were read after items were hidden."""
    if seen.inputs is None:
        return []
    read_ids = seen.inputs.view.ids
    for stream in seen.watched.streams:
        classes = stream.ids[stream.ids != stream.ignore]
        if not _is_of_items(seen, stream):
            continue
        if len(classes) < LEAST_OF_ONE or (classes != classes[0]).any() or classes[0] == seen.inputs.padding:
            continue
        if (read_ids == classes[0]).sum() < len(classes):
            continue
        return [
            measured(
                IS_INPUT.code,
                1.0,
                f"all {len(classes)} targets are id {classes[0]}, which the input holds at their positions: they are read after "
                "items were hidden, and nothing is left to predict",
                unit=UNIT,
                healthy=False,
                reference=0.0,
                reference_name="the hidden items",
                severity=Severity.ERROR,
                places=made(stream),
            )
        ]
    return []


def _lines(seen: Read, each: Drawn, *, random: bool = False) -> tuple[CodePlace, ...]:
    beside = seen.inputs.view.stream if seen.inputs is not None else None
    mixed = any(one.view.stream.id == each.view.stream.id for one in seen.negatives)
    if beside is not None and mixed and each.relation is not None and each.relation.aligned.newest:
        return made(beside)  # what is put together with negatives came through their lines as well
    return made(each.view.stream, beside, random=random)


def _elsewhere(seen: Read, best: Drawn, relation: Relation) -> Measurement:
    by = relation.by or 0
    where = f"{by} events after" if by > 1 else f"{-by} event{'s' if by < -1 else ''} before"
    meaning = "history runs backwards" if by < 0 else "the next event is skipped"
    return measured(
        MISPLACED.code,
        relation.share,
        f"{percent(relation.share)} of {relation.judged} targets lie {where} the event at their position "
        f"(expected: 1 after): {meaning}",
        unit=UNIT,
        healthy=False,
        reference=0.0,
        reference_name="the next event",
        severity=Severity.ERROR,
        places=_lines(seen, best),
        details={"by": by},
    )


def _torn(seen: Read) -> list[Measurement]:
    """Targets that follow in short rows, and not in those that fill the window."""
    for each in seen.positives:
        apart = torn(seen.log, each.relation) if each.relation is not None else None
        if apart is not None:
            return [
                measured(
                    MISPLACED.code,
                    1 - apart.wrong,
                    f"{percent(apart.wrong)} of {apart.judged} targets are the next event in rows that fill the window of {apart.window} events, "
                    f"{percent(apart.right)} in shorter ones: inputs and targets of long histories are cut at different ends",
                    unit=UNIT,
                    healthy=False,
                    reference=0.0,
                    reference_name="the next event",
                    severity=Severity.ERROR,
                    places=_lines(seen, each),
                )
            ]
    return []


def _of_profiles(log: Log, rows: Profiles) -> list[Measurement]:
    """Rows of targets that are another user's, or that the row put in holds beside other events."""
    own, chance, n = rows.own(log)
    leaked, more = rows.leaked()
    repeats = 1 - float(log.distinct.sum() / log.n)  # what is met again may be in both
    if n >= 200 and own < 0.5:
        code, value, good = OF_ANOTHER.code, own, 1.0
        said = f"{percent(own)} of {n} targets are events of the user whose row is put in ({percent(chance)} would be by chance)"
    elif leaked > repeats + LEAKED and more > LEAKED:
        code, value, good = IS_INPUT.code, leaked, 0.0
        said = (
            f"{percent(leaked)} of the targets are in the row that is put in as well, "
            f"where {percent(more)} of the entries are no targets: the input holds the events to be predicted"
        )
    else:
        return []
    return [
        measured(
            code,
            value,
            said,
            unit=UNIT,
            healthy=False,
            reference=good,
            severity=Severity.ERROR,
            places=made((rows.aimed_at if code == OF_ANOTHER.code else rows.put_in).stream),
        )
    ]


def _strangers(seen: Read) -> Measurement | None:
    """User ids that are looked up beside other users' histories."""
    beside, inputs = seen.strangers, seen.inputs
    if beside is None or inputs is None:
        return None
    stray = histories_stray(seen.log, inputs, beside, (*seen.positives, *seen.negatives))
    ids, histories = beside.view.stream, inputs.view.stream
    return measured(
        OF_ANOTHER.code,
        beside.agreement,
        f"{percent(beside.agreement)} of {len(beside.view.ids)} histories are those of the user whose id is looked up beside them: "
        f"the {'histories' if stray else 'ids'} are in another order than the rest of their rows",
        unit="share of rows",
        healthy=False,
        reference=1.0,
        reference_name="every history its user's",
        higher_is_better=True,
        severity=Severity.ERROR,
        places=apart(histories, ids) if stray else apart(ids, histories),
    )


def _foreign(seen: Read) -> Measurement | None:
    """Targets that belong to somebody else, or to nobody."""
    for each in seen.positives:
        aims = each.view.stream.kind == "target" or each.shuffled or each.labelled
        known = int(((each.items > 0) & (each.users > 0)[:, None]).sum())
        if not aims or known < 200 or (each.relation is not None and each.relation.by is not None):
            continue
        if each.own > 0.5:
            continue  # some event of the user, in an order that is not known here
        how = (
            "they are the right items in the wrong order, beside other users' rows"
            if each.shuffled or _right_items(seen, each)
            else "they are not the events that follow, nor any of the user's"
        )
        return measured(
            OF_ANOTHER.code,
            each.own,
            f"{percent(each.own)} of {known} targets are events of the user beside them "
            f"({percent(each.chance)} would be by chance): {how}",
            unit=UNIT,
            healthy=False,
            reference=1.0,
            reference_name="every target an event of its user",
            higher_is_better=True,
            severity=Severity.ERROR,
            places=_lines(seen, each, random=True),
        )
    return None


def _nobodys(seen: Read) -> Measurement | None:
    """Item views beside users or histories, in pairs as for positives and negatives, none of which holds an event."""
    if seen.positives or not seen.watched.epochs or _has_classes(seen):
        return None
    beside = [each for each in seen.unknown if (each.items > 0).sum() >= 200 and not _renumbered(seen, each)]
    columns = sum(
        1 if each.relation and not each.relation.aligned.newest else each.view.width for each in beside
    )
    if columns < 2 or any(each.own > max(0.3, 1.5 * each.chance) for each in beside):
        return None
    best = max(beside, key=lambda each: each.own)
    return measured(
        OF_ANOTHER.code,
        best.own,
        f"{percent(best.own)} of the items that are looked up are ones that the user beside them chose ({percent(best.chance)} would be by chance)",
        unit=UNIT,
        healthy=False,
        reference=1.0,
        reference_name="every target an event of its user",
        higher_is_better=True,
        severity=Severity.ERROR,
        places=made(beside[0].view.stream),
    )


def _has_classes(seen: Read) -> bool:
    """Whether a loss or a look-up of scores takes classes, so that positives need no rows of their own."""
    return any(
        each.kind in ("target", "multi-hot") or each.function == "gather" for each in seen.watched.streams
    )


def _renumbered(seen: Read, each: Drawn) -> bool:
    """Whether ids occur as often as items do, under another numbering."""
    counted = np.sort(np.bincount(each.view.ids[each.view.ids >= 0].reshape(-1)))[::-1].astype(float)
    expected = np.sort(seen.log.counts[1:])[::-1].astype(float)
    n = min(len(counted), len(expected))
    scaled = expected[:n] * counted[:n].sum() / max(expected[:n].sum(), 1)
    spread = np.abs(counted[:n] - counted[:n].mean()).sum()
    return bool(np.abs(counted[:n] - scaled).sum() < 0.3 * spread)


def _right_items(seen: Read, each: Drawn) -> bool:
    from diagnosis.streams.shuffled import shuffled

    return shuffled(seen.log, seen.inputs, seen.watched.epochs, each)


def _last(seen: Read, best: Drawn, relation: Relation) -> list[Measurement]:
    """Whether the newest event of a row is hidden as often as the others."""
    inputs = seen.inputs
    if inputs is None or relation.aligned.newest or relation.aligned.places.shape != inputs.places.shape:
        return []
    aimed = (relation.items > 0) & (inputs.items == 0)
    there = ((inputs.items > 0) | aimed) & (inputs.places >= 0)
    newest = there & (inputs.places == np.where(there, inputs.places, -1).max(axis=1)[:, None])
    others = there & ~newest
    if others.sum() < 100 or newest.sum() < 50:
        return []
    rate, usual = float(aimed[newest].mean()), float(aimed[others].mean())
    expected = usual * newest.sum()
    never = rate < 0.1 * usual and expected > 20
    return [
        measured(
            NEVER_LAST.code,
            rate,
            f"{percent(rate)} of {int(newest.sum())} rows hide their newest event, {percent(usual)} others"
            + (": what scoring asks for is never trained" if never else ""),
            unit="share of rows",
            healthy=not never,
            reference=usual,
            reference_name="other events",
            higher_is_better=True,
            places=_lines(seen, best),
        )
    ]


PROBE = Probe(kinds=(MISPLACED, IS_INPUT, OF_ANOTHER, NEVER_LAST), run=targets)
