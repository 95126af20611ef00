"""Whether negatives cover the catalogue, miss what the user chose, and are drawn anew."""

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.probes.measured import measured
from diagnosis.probes.probe import Probe
from diagnosis.streams.drawn import OWN
from diagnosis.streams.log import Log
from diagnosis.streams.negatives import (
    Negatives,
    negatives,
    never_drawn,
    repeated_at_places,
    repeated_in_calls,
    repeated_in_epochs,
    repeated_in_rows,
)
from diagnosis.streams.reading import Read, read
from diagnosis.streams.recorded import drawn
from seeds.amounts import percent
from seeds.interactions import Int64

_WEAK = (
    "weaker-than-popularity",
    "weaker-than-markov",
    "weaker-than-ease",
    "ranking-margin",
    "popularity-bias",
    "exposure-concentration",
)
HIT = FindingKind(
    code="negatives-hit-positives",
    found_by=FoundBy.PROBE,
    title="Negatives are the user's own items",
    why="The model is told to rank low what it is told to rank high elsewhere.",
    definition="Share of drawn negatives that are training events of the user beside them, held against the same items beside other users; and whether "
    "those of the user with the next number, or the items beside his own, are avoided in their place.",
    roles=(Role.NEGATIVES,),
    explains=_WEAK,
)
KEPT = FindingKind(
    code="negatives-not-rejected",
    found_by=FoundBy.PROBE,
    title="Hits are not drawn again",
    why="Most samplers leave it at chance, which costs little in a large catalogue; in a small one drawing hits again is stronger.",
    definition="As for negatives-hit-positives, where the share is what a draw that does not look at the user gives.",
    roles=(Role.NEGATIVES,),
    nature=Nature.ADVICE,
)
RANGE = FindingKind(
    code="negatives-out-of-range",
    found_by=FoundBy.PROBE,
    title="Negatives miss a part of the catalogue",
    why="Items that are never a negative are never pushed down, and ids outside of the catalogue teach nothing.",
    definition="Share of the catalogue that was never drawn as a negative beyond chance, or of draws that are no item.",
    roles=(Role.NEGATIVES,),
    explains=(*_WEAK, "untrained-rows"),
)
REPEATED = FindingKind(
    code="negatives-repeated",
    found_by=FoundBy.PROBE,
    title="Negatives are not drawn anew",
    why="The model tells few pairs of items apart, however long it trains.",
    definition="Share of negatives that are the same in the whole batch, at all positions of a row, at the same place of the next batch, or in the next epoch beside the same positive.",
    roles=(Role.NEGATIVES,),
    explains=_WEAK,
)
OF_EPOCHS = "of_epochs"  # in the details: the negatives of the first two epochs are alike
OTHER_IDS = (
    0.3  # of what was read as negatives: so many that are no items are ids of something else, as of users
)
HITS = 0.1  # from where on hits cost accuracy
CHANCE_HITS = 0.05  # the same where they come of chance, which is a choice
ONE = 0.6  # of the negatives of a batch or row: they are one draw, some of it drawn again
UNREJECTED = 0.7  # of what chance gives: so many hits that none was drawn again
SURELY_MET = 60  # draws, by chance: so many that none of them is met tells that they are avoided
ENOUGH = 12.0  # draws an item, so that a uniform draw misses one of a hundred thousand


def negatives_drawn(evidence: Evidence) -> list[Measurement]:
    """Hits, range and repetition of each view of negatives."""
    seen = read(evidence)
    return [] if seen is None else judged(seen)


def judged(seen: Read) -> list[Measurement]:
    """The same for a training that was read."""
    if seen.turned is not None:
        return []
    found: dict[str, Measurement] = {}
    views = negatives(seen)
    for each in views:
        repeated, hits = _repeated(seen, views, each), _hits(seen, each)
        few = repeated is not None and repeated.healthy is False  # few draws tell little of range and hits
        if few and hits is not None and hits.code == HIT.code and hits.value >= OWN:
            # Items of the user, always the same ones: of what no label calls wrong it is not known whether it is a negative.
            told = (hits,) if each.drawn.labelled else ()
        else:
            told = (repeated,) if few else (repeated, hits, _range(seen.log, each))
        for one in told:
            if one is not None and (one.code not in found or found[one.code].healthy):
                found[one.code] = one
    return list(found.values())


def _hits(seen: Read, each: Negatives) -> Measurement | None:
    if each.drawn.mixed or not (each.drawn.users > 0).any():
        return None
    users = np.broadcast_to(each.drawn.users[:, None], each.drawn.items.shape)
    good = each.counted & (each.drawn.items > 0) & (users > 0)
    n = int(good.sum())
    if n < 200:
        return None
    hit = seen.log.met(users[good], each.drawn.items[good])
    share = float(hit.mean())
    chance = _chance(seen.log, users[good], each.drawn.items[good])
    same = float((each.positives[good] == each.drawn.items[good]).mean())
    error = share >= OWN
    by_chance = share < 1.5 * chance  # a uniform draw that keeps hits, as most samplers of the literature do
    as_chance = share > 0 and share - 2 * np.sqrt(share * (1 - share) / n) > UNREJECTED * chance
    bad = error or (as_chance and share > CHANCE_HITS if by_chance else share > HITS)
    said = f"{percent(share)} of {n} negatives are items that their user chose ({percent(chance)} would be by chance)"
    if same > max(0.02, 3 / seen.log.n_items):
        said += f", {percent(same)} are the positive itself"
    beside = _rejected_beside(seen.log, users[good], each.drawn.items[good])
    if beside and as_chance and not error:
        return measured(
            HIT.code,
            share,
            f"{percent(share)} of {n} negatives are the user's own, and hardly any is {beside}: the wrong row or column is asked",
            unit="share of negatives",
            healthy=False,
            reference=chance,
            reference_name="the same items beside other users",
            severity=Severity.WARNING,
            places=drawn(each.drawn.view.stream),
        )
    kept = as_chance and by_chance and not error
    if kept or (bad and not error):
        said += ": hits are not drawn again" if kept else ": they are drawn towards what users chose"
    return measured(
        KEPT.code if kept else HIT.code,
        share,
        said,
        unit="share of negatives",
        healthy=not bad,
        reference=chance,
        reference_name="the same items beside other users",
        severity=Severity.ERROR if error else Severity.INFORMATION if kept else Severity.WARNING,
        places=drawn(each.drawn.view.stream),
    )


def _rejected_beside(log: Log, users: Int64, items: Int64) -> str:
    """Whose events draws avoid in place of the user's own: those of the user with the next number, or the items beside his own ones;
    "" where they avoid neither.
    """
    for by in (1, -1):
        for words, others, beside in (
            (
                f"an item of the user whose number is {'one higher' if by > 0 else 'one lower'}",
                users + by,
                items,
            ),
            (f"{'one above' if by > 0 else 'one below'} an item that the user chose", users, items - by),
        ):
            known = (others >= 1) & (others <= log.n_users) & (beside >= 1) & (beside <= log.n_items)
            if not known.any():
                continue
            expected = _chance(log, others[known], beside[known]) * known.sum()
            if expected >= SURELY_MET and log.met(others[known], beside[known]).sum() < expected / 20:
                return words
    return ""


def _chance(log: Log, users: Int64, items: Int64) -> float:
    """How often the drawn items would be met beside other users: most samplers of the literature leave it at that."""
    return float(log.met(np.roll(users, len(users) // 2), items).mean())


def _range(log: Log, each: Negatives) -> Measurement | None:
    outside = each.counted & (each.drawn.items == 0)
    n = int(each.counted.sum())
    if n < 200:
        return None
    places = drawn(each.drawn.view.stream)
    if outside.sum() > OTHER_IDS * n:
        return None
    if outside.mean() > 0 and outside.sum() > 3 and not _stand_for_hits(log, each, outside):
        share = float(outside.sum() / n)
        ids = np.unique(each.drawn.view.ids[outside])
        named = ", ".join(str(i) for i in ids[:4]) + (", ..." if len(ids) > 4 else "")
        return measured(
            RANGE.code,
            share,
            f"{percent(share)} of {n} negatives are no item of the catalogue (id {named} of the table at this line)",
            unit="share of negatives",
            healthy=False,
            reference=0.0,
            places=places,
        )
    return _unreached(log, each, places)


def _stand_for_hits(log: Log, each: Negatives, outside: np.ndarray) -> bool:
    """Whether one id that is no item stands where a draw hit the user's own items, so that the loss can leave these out: as many
    are of it as hits are by chance, and hardly any hit is left.
    """
    users = np.broadcast_to(each.drawn.users[:, None], each.drawn.items.shape)
    left = each.counted & (each.drawn.items > 0) & (users > 0)
    if len(np.unique(each.drawn.view.ids[outside])) > 1 or left.sum() < 200:
        return False
    chance = _chance(log, users[left], each.drawn.items[left])
    share = outside.sum() / each.counted.sum()
    hits = log.met(users[left], each.drawn.items[left]).mean()
    return bool(hits < chance / 10 and chance / 2 < share < 2 * chance)


def _unreached(log: Log, each: Negatives, places) -> Measurement | None:
    items = each.items
    missed, by_chance = never_drawn(log, items)
    missed = missed[~_unknown_to_the_repo(log, each, missed)]
    share = len(missed) / log.n_items
    said = f"{len(items)} negatives were drawn of {log.n_items - len(missed)} of {log.n_items} items"
    pattern = _pattern(log, items, missed, by_chance)
    return measured(
        RANGE.code,
        share,
        f"{said}; {pattern}" if pattern else said,
        unit="share of the catalogue",
        healthy=not pattern,
        reference=by_chance / log.n_items,
        reference_name="a uniform draw",
        places=places,
    )


def _unknown_to_the_repo(log: Log, each: Negatives, missed: np.ndarray) -> np.ndarray:
    """Bool for each missed item: without training events, and without a row, as the repo counted its items in the log it was given."""
    numbering, rows = each.drawn.numbering, each.drawn.view.stream.rows
    if numbering.items is None:
        beyond = missed + int(numbering.offset or 0) >= rows
    else:
        beyond = ~np.isin(missed, numbering.items[:rows])
    return beyond & (log.counts[missed] == 0)


def _pattern(log: Log, items: np.ndarray, missed: np.ndarray, by_chance: float) -> str:
    """What the items that were never drawn have in common, where chance does not explain them; "" otherwise."""
    n_each = len(items) / log.n_items
    if not len(missed) or len(missed) <= by_chance + 4 * np.sqrt(by_chance) or n_each < 1:
        return ""
    kept = np.setdiff1d(np.arange(1, log.n_items + 1), missed)
    if not len(kept):
        return ""
    # each item of the range must be likely to be drawn, were it in the range
    sure = np.exp(-len(items) / max(len(kept), 1)) * log.n_items < 1e-3 or len(missed) >= 5
    if sure and missed.min() > kept.max():
        return f"ids from {missed.min()} on never are one: the range ends too early"
    if sure and missed.max() < kept.min():
        return f"ids up to {missed.max()} never are one: the range starts too late"
    block = np.concatenate([missed[missed > kept.max()], missed[missed < kept.min()]])
    if len(block) >= 0.9 * len(missed) and sure:
        return f"only ids {kept.min()} to {kept.max()} are ever one"
    return _scattered(log, items, missed, n_each)


def _scattered(log: Log, items: np.ndarray, missed: np.ndarray, n_each: float) -> str:
    counts = np.bincount(items, minlength=log.n_items + 1)[1:]
    drawn = counts[counts > 0]
    even = np.quantile(drawn, 0.05) > 0.3 * drawn.mean()
    if n_each < ENOUGH or not even or len(missed) < 0.05 * log.n_items:
        return ""  # drawn by popularity, which is a choice
    if (log.counts[missed] == 0).all():
        return "" if len(missed) < 0.1 * log.n_items else "items without training events never are one"
    return f"{len(missed)} items never are one, though all others are drawn alike"


def _repeated(seen: Read, views: list[Negatives], each: Negatives) -> Measurement | None:
    if not each.counted.any():
        return None
    places = drawn(each.drawn.view.stream)
    in_calls, calls = repeated_in_calls(views, each)
    in_rows, rows = repeated_in_rows(views, each)
    at_places, places_seen = repeated_at_places(each)
    epochs = repeated_in_epochs(seen, each)
    details: dict[str, bool] = {}
    if calls >= 5 and in_calls > ONE:
        value, said = (
            in_calls,
            f"{percent(in_calls)} of the negatives of a batch are one item, in {calls} batches",
        )
    elif rows >= 20 and in_rows > ONE:
        value, said = in_rows, f"{percent(in_rows)} of the negatives of a row are one item, in {rows} rows"
    elif places_seen >= 5 and at_places > 0.5:
        value = at_places
        said = f"{percent(at_places)} of the negatives stand at the same place of the batch as in the batch before: each draw starts from the same seed"
    elif epochs is not None and epochs[0] > 0.9 and epochs[1] < 0.6:
        value = epochs[0]
        said = (
            f"{percent(epochs[0])} of the negatives of the second epoch stood beside the same positive in the first "
            f"({percent(epochs[1])} would by chance): they are drawn once"
        )
        details = {OF_EPOCHS: True}
    else:
        again = f", {percent(epochs[0])} of them as in the epoch before" if epochs else ""
        return measured(
            REPEATED.code,
            epochs[0] if epochs else in_calls,
            f"negatives differ within batches and rows{again}",
            unit="share of negatives",
            healthy=True,
            reference=epochs[1] if epochs else 0.0,
        )
    return measured(
        REPEATED.code,
        value,
        said,
        unit="share of negatives",
        healthy=False,
        reference=0.0,
        reference_name="drawn anew",
        places=places,
        details=details,
    )


PROBE = Probe(kinds=(HIT, KEPT, RANGE, REPEATED), run=negatives_drawn)
