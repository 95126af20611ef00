"""Which training events were never a target, and what they have in common."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import Evidence
from diagnosis.examination import Stream
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.measured import measured
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.streams.disorder import later_by_id
from diagnosis.streams.draws import Draws, draws
from diagnosis.streams.log import Log
from diagnosis.streams.reading import Read, aims_right, read
from diagnosis.streams.recorded import chosen, epoch_of
from diagnosis.streams.recorded import drawn as random
from seeds.amounts import number, percent

_WEAK = ("weaker-than-popularity", "weaker-than-markov", "weaker-than-ease", "not-learning", "untrained-rows")
NEVER = FindingKind(
    code="events-never-targets",
    found_by=FoundBy.PROBE,
    title="Events that are never a target",
    why="The model learns nothing from them, though they are in the training data.",
    definition="Share of training events (a user's first one apart, where the next event is the target) that were no target in whole epochs.",
    roles=(Role.LOADER,),
    explains=_WEAK,
)
NEWEST = FindingKind(
    code="newest-never-target",
    found_by=FoundBy.PROBE,
    title="The newest event is never a target",
    why="What users did last says most of what they do next, and held-out events are already taken away.",
    definition="Share of users whose newest training event was a target in whole epochs, beside the same for all other events.",
    roles=(Role.LOADER,),
    explains=_WEAK,
)
UNIFORM = FindingKind(
    code="users-drawn-uniformly",
    found_by=FoundBy.PROBE,
    title="Users are drawn uniformly",
    why="Events of active users are hardly ever learned from, while those of others are learned many times.",
    definition="Draws for each event of the most active users (a quarter of all events), beside that of all others.",
    roles=(Role.LOADER,),
    explains=_WEAK,
)
UNIT = "share of events"
FEW, MANY = 0.02, 0.05  # events that may be missed; from where on it is a warning
HELD_OUT = (
    "the newest events of users are left out, and the training evaluates itself meanwhile, perhaps on these"
)


def target_coverage(evidence: Evidence) -> list[Measurement]:
    """Which events, users and items were never aimed at in whole epochs."""
    seen = read(evidence)
    return [] if seen is None else judged(seen)


def judged(seen: Read) -> list[Measurement]:
    """The same for a training that was read."""
    if not seen.positives:
        return []
    drawn = draws(seen)
    if drawn is None:
        if seen.whole:
            return []  # what targets are is not known, or a finding of its own
        return [unjudged(NEVER.code, "no epoch was seen from its start to its end", unit=UNIT)]
    if not aims_right(seen) or later_by_id(seen.log, drawn) is not None:
        return []  # a finding of its own, which explains what is missed
    if drawn.mean < 0.05:
        return [unjudged(NEVER.code, "an epoch holds too few targets to tell", unit=UNIT)]
    places = chosen(_rows_of(seen, drawn))
    newest = _newest(seen.log, drawn, places)
    if any(one.healthy is False for one in newest):
        return [unjudged(NEWEST.code, HELD_OUT, unit=newest[0].unit)] if _evaluates(seen) else newest
    never = _never(seen, drawn, places)
    patterned = never.healthy is False or never.details.get("shape", "") not in ("", "fixed")
    return [*newest, *([] if patterned else _uniform(seen.log, drawn, random(_rows_of(seen, drawn)))), never]


def _evaluates(seen: Read) -> bool:
    """Whether the training looks users or items up without a gradient as well: it evaluates itself on what it leaves out."""
    fewest = min(seen.log.n_items, seen.log.n_users) - 2
    return any(
        each.kind == "index" and not each.grad and each.rows >= fewest and len(each.calls)
        for each in seen.watched.streams
    )


def _rows_of(seen: Read, drawn: Draws) -> Stream:
    """The stream whose ids were made with the rows alone: positives may be put together with negatives."""
    if seen.inputs is None:
        return seen.users[0][0].stream if seen.users else drawn.each[0].view.stream
    aimed = drawn.each[0].view.stream
    shared = any((each.view.stream.id == aimed.id) for each in seen.negatives)
    return seen.inputs.view.stream if shared and seen.inputs.view.width > 1 else aimed


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What missed events have in common. design: known methods do it on purpose. kept: events of a user at the
    end that is spoken of, 0 if not told."""

    name: str
    words: str
    design: bool = False
    kept: int = 0


def _never(seen: Read, drawn: Draws, places: tuple[CodePlace, ...]) -> Measurement:
    share = float(drawn.missed.sum() / max(drawn.possible.sum(), 1))
    by_chance = float(np.exp(-drawn.mean)) if drawn.rows_are_events or drawn.mean < 0.9 else 0.0
    unknown = drawn.missed.sum() * seen.whole <= 1.5 * drawn.unplaced
    shape = None if unknown else shape_of(seen.log, drawn)
    if shape is not None and shape.name in ("users", "items") and not _same_each_epoch(seen, drawn):
        shape = None  # others are missed in every epoch
    named = {"missed": int(drawn.missed.sum()), "shape": shape.name if shape else ""}
    said = f"{percent(share)} of {int(drawn.possible.sum())} events were no target in {seen.whole} epochs"
    if shape is None or share < FEW:
        random = not unknown and share > max(FEW, 1.3 * by_chance + 0.02)
        if random and drawn.mean < 0.9 and not _same_each_epoch(seen, drawn):
            return unjudged(NEVER.code, f"an epoch of this training is no whole pass: {said}", unit=UNIT)
        if random and _same_each_epoch(seen, drawn):
            shape = Shape(
                name="fixed", words="they are the same in both epochs, without a pattern", design=share < 0.15
            )
        else:
            return measured(
                NEVER.code, share, said, unit=UNIT, healthy=True, reference=by_chance, details=named
            )
    mild = share < (0.25 if shape.design else MANY)
    silent = shape.design and share < 0.25 and shape.name != "fixed"
    silent = silent or _is_meant(shape, seen)
    return measured(
        NEVER.code,
        share,
        f"{said}: {shape.words}",
        unit=UNIT,
        healthy=silent,
        reference=by_chance,
        reference_name="missed by chance",
        severity=Severity.INFORMATION if mild or shape.design else Severity.WARNING,
        places=places,
        details={**named, "shape": shape.name},
    )


def _is_meant(shape: Shape, seen: Read) -> bool:
    """Whether only events are missed that lie further back than any that `score` is given, or that fill the first window."""
    if shape.name == "oldest-cut":
        return 0 < seen.watched.max_history <= shape.kept + 1
    return shape.name == "heads" and seen.inputs is not None and shape.kept <= seen.inputs.view.width


def shape_of(log: Log, drawn: Draws) -> Shape | None:
    """What most of the missed events have in common and the others have not; None if nothing."""
    missed, possible = drawn.missed, drawn.possible
    if missed.sum() < 20:
        return None
    if _splits(log.from_end == 0, ~missed, possible, 0.75) and missed.sum() > 0.3 * possible.sum():
        return Shape(name="only-newest", words="only the newest event of a user ever is one")
    users = _whole(log.users, missed, possible, log.n_users + 1)
    if missed[users[log.users]].sum() > 0.8 * missed.sum():
        return _of_users(log, users)
    items = _whole(log.items, missed, possible, log.n_items + 1)
    if missed[items[log.items]].sum() > 0.8 * missed.sum():
        return _of_items(log, items)
    for name, rank, kept in (("oldest", log.from_end, "newest"), ("newest", log.from_start, "oldest")):
        for most in (0.999, 0.99, 0.97):  # a few rows were found at a wrong place
            limit = int(np.quantile(rank[possible & ~missed], most)) + 1 if (possible & ~missed).any() else 0
            beyond = rank >= limit
            if limit and (_splits(beyond, missed, possible, 0.8) or _never_beyond(drawn, beyond)):
                words = f"of each user all but his {kept} {limit} are left out"
                return Shape(name=f"{name}-cut", words=words, design=name == "oldest", kept=limit)
    return _heads(log, missed, possible) or _in_time(log, missed, possible)


def _heads(log: Log, missed: NDArray[np.bool_], possible: NDArray[np.bool_]) -> Shape | None:
    """The first events of each user are only read where a target wants a whole window before it."""
    for most in (1.0, 0.97, 0.9):  # users with too few events for a window miss more
        last = int(np.quantile(log.from_start[possible & missed], most))
        if _splits(log.from_start <= last, missed, possible, 0.8):
            words = f"the first {last + 1} of each user are only read"
            return Shape(name="heads", words=words, design=True, kept=last + 1)
    return None


def _never_beyond(drawn: Draws, group: NDArray[np.bool_]) -> bool:
    """Whether a large group never is a target, however seldom the others are in an epoch of few targets."""
    group, others = group & drawn.possible, ~group & drawn.possible
    if group.sum() < 0.3 * drawn.possible.sum() or not others.any():
        return False
    expected = float(drawn.counts[others].mean() * group.sum())
    return expected > 100 and float(drawn.counts[group].sum()) < 0.02 * expected


def _splits(
    group: NDArray[np.bool_], missed: NDArray[np.bool_], possible: NDArray[np.bool_], share: float
) -> bool:
    """Whether the missed are the group: most of either is in the other."""
    group, both = group & possible, group & missed & possible
    missed = missed & possible
    return bool(group.any() and both.sum() > share * missed.sum() and both.sum() > share * group.sum())


def _whole(
    ids: NDArray[np.integer], missed: NDArray[np.bool_], possible: NDArray[np.bool_], n: int
) -> NDArray[np.bool_]:
    """Users (or items) all of whose possible events were missed: bool (n,)."""
    of = np.bincount(ids[possible], minlength=n)
    return (of > 0) & (np.bincount(ids[missed], minlength=n) == of)


def _of_users(log: Log, users: NDArray[np.bool_]) -> Shape:
    ids = np.flatnonzero(users)
    others = np.flatnonzero(~users[1:] & (log.lengths[1:] > 1)) + 1
    said = f"all events of {len(ids)} users"
    if len(others) and log.lengths[ids].max() < log.lengths[others].min():
        most = int(log.lengths[ids].max())
        return Shape(name="short-users", words=f"{said}, those with {most} events or fewer", design=True)
    if len(others) and log.lengths[ids].min() > log.lengths[others].max():
        return Shape(
            name="long-users", words=f"{said}, those with {int(log.lengths[ids].min())} events or more"
        )
    if len(others) and ids.min() > np.quantile(others, 0.99):
        return Shape(name="last-users", words=f"{said}, those from id {ids.min()} on")
    if len(others) and ids.max() < np.quantile(others, 0.01):
        return Shape(name="first-users", words=f"{said}, those up to id {ids.max()}")
    return Shape(name="users", words=said)


def _of_items(log: Log, items: NDArray[np.bool_]) -> Shape:
    ids = np.flatnonzero(items)
    others = np.flatnonzero(~items[1:] & (log.counts[1:] > 0)) + 1
    said = f"all events of {len(ids)} items"
    if len(others) and log.counts[ids].max() < log.counts[others].min():
        return Shape(
            name="rare-items", words=f"{said}, those with {int(log.counts[ids].max())} events or fewer"
        )
    if len(others) and log.counts[ids].min() > log.counts[others].max():
        return Shape(name="popular-items", words=f"{said}, the most popular ones")
    if len(others) and ids.min() > np.quantile(others, 0.99):
        return Shape(name="last-items", words=f"{said}, those from id {ids.min()} on")
    if len(others) and ids.max() < np.quantile(others, 0.01):
        return Shape(name="first-items", words=f"{said}, those up to id {ids.max()}")
    return Shape(name="items", words=said)


def _in_time(log: Log, missed: NDArray[np.bool_], possible: NDArray[np.bool_]) -> Shape | None:
    times = log.training.timestamps
    if times is None or not (possible & ~missed).any():
        return None
    latest, earliest = np.quantile(times[possible & ~missed], (0.995, 0.005))
    if _splits(times > latest, missed, possible, 0.9):
        return Shape(name="newest-in-time", words="they are the newest of the whole log")
    if _splits(times < earliest, missed, possible, 0.9):
        return Shape(name="oldest-in-time", words="they are the oldest of the whole log", design=True)
    return None


def _same_each_epoch(seen: Read, drawn: Draws) -> bool:
    """Whether two epochs missed the same events."""
    if seen.whole < 2:
        return False
    sets = []
    for epoch in range(2):
        inside = epoch_of(seen.watched, drawn.each[0].steps) == epoch
        events = drawn.each[0].events[inside]
        sets.append(np.unique(events[events >= 0]))
    both = len(np.intersect1d(sets[0], sets[1], assume_unique=True))
    return both >= 0.98 * max(len(sets[0]), len(sets[1]))


def _newest(log: Log, drawn: Draws, places: tuple[CodePlace, ...]) -> list[Measurement]:
    newest = drawn.possible & (log.from_end == 0)
    others = drawn.possible & (log.from_end > 0)
    if newest.sum() < 30 or others.sum() < 30:
        return []
    rate, usual = float((drawn.counts[newest] > 0).mean()), float((drawn.counts[others] > 0).mean())
    if usual < 0.2:
        return []
    cut = rate < 0.1 * usual
    masked = any(one.relation is not None and one.relation.by == 0 for one in drawn.each)
    if masked and cut:
        return []  # told as a position that is never masked
    last = int(np.quantile(log.from_end[others & (drawn.counts > 0)], 0.001)) if cut else 0
    which = "newest event of every user is" if last < 2 else f"{last} newest events of every user are"
    return [
        measured(
            NEWEST.code,
            rate,
            f"{percent(rate)} of {int(newest.sum())} users have their newest event as a target, {percent(usual)} other events"
            + (f": the {which} cut off, though what is held out is gone already" if cut else ""),
            unit="share of users",
            healthy=not cut,
            reference=usual,
            reference_name="other events",
            higher_is_better=True,
            places=places,
        )
    ]


def _uniform(log: Log, drawn: Draws, places: tuple[CodePlace, ...]) -> list[Measurement]:
    """Draws per event of active users against others', where a row has one target."""
    if not drawn.rows_are_events or drawn.mean < 0.2:
        return []
    length = np.bincount(log.users[drawn.possible], minlength=log.n_users + 1)
    of_user = np.bincount(log.users, weights=drawn.counts, minlength=log.n_users + 1)
    order = np.argsort(-length, kind="stable")
    active = np.zeros(len(length), dtype=bool)
    active[order[: int(np.searchsorted(np.cumsum(length[order]), 0.25 * length.sum())) + 1]] = True
    others = ~active & (length > 0)
    if active.sum() < 5 or others.sum() < 20:
        return []
    events = (
        float(of_user[active].sum() / length[active].sum()),
        float(of_user[others].sum() / length[others].sum()),
    )
    drawn_each = float(of_user[active].mean()), float(of_user[others].mean())
    ratio = events[0] / max(events[1], 1e-9)
    longer = float(length[active].mean() / length[others].mean())
    # between "as often as they have events" (ratio 1) and "as often as others" (ratio 1 / longer)
    uniform = longer > 2 and drawn_each[0] < 1.5 * drawn_each[1]
    said = f"{number(events[0])} times an event of the {int(active.sum())} most active users was a target, {number(events[1])} times others"
    return [
        measured(
            UNIFORM.code,
            ratio,
            said
            + (
                f": users are drawn alike, though these have {number(longer)} times the events"
                if uniform
                else ""
            ),
            unit="times the draws of other events",
            healthy=not uniform,
            reference=1.0,
            reference_name="every event alike",
            higher_is_better=True,
            places=places,
        )
    ]


PROBE = Probe(kinds=(NEVER, NEWEST, UNIFORM), run=target_coverage)
