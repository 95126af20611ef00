"""An adapter whose numbering is not its program's: told from what training looks up, held against the log."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evolution.trials.numbering_check import check_numbering
from evolution.worker.guest.looked_up import LookedUp
from evolution.worker.guest.numbering_fit import numbering_fit
from seeds.shop import make

LOG = make("micro").interactions
PLACE = ("model.py", 7, "forward")


def numbering(items: Any, users: Any = None, padding: int | None = 0) -> SimpleNamespace:
    """An adapter's ids, made at adapter.py:9."""
    users = np.arange(LOG.n_users + 1) if users is None else users
    return SimpleNamespace(items=items, users=users, padding=padding, side="left", place=("adapter.py", 9))


def shifted(by: int) -> Any:
    """The repo's id of each item: ours, and `by` more."""
    numbers = np.arange(LOG.n_items + 1) + by
    numbers[0] = -1
    return numbers


def batch_of_rows(numbers: Any, padding: int, width: int = 20) -> LookedUp:
    """Histories of the first users in the repo's ids, as a table is asked with them."""
    rows = np.full((40, width), padding, np.int64)
    for row, user in zip(rows, range(1, 41)):
        items = numbers[LOG.history(user)[-width:]]
        row[width - len(items) :] = items
    return LookedUp("index", rows, LOG.n_items + 2, PLACE, 0)


def batch_of_pairs(numbers: Any) -> list[LookedUp]:
    """Users and their items, one event each."""
    rows = np.random.default_rng(0).permutation(len(LOG.items))[:400]
    users, items = LOG.users[rows], numbers[LOG.items[rows]]
    return [
        LookedUp("index", users, LOG.n_users + 1, ("model.py", 5, "forward"), 0),
        LookedUp("index", items, LOG.n_items + 1, PLACE, 0),
    ]


def said(kept: list[LookedUp], ids: Any) -> Any:
    return check_numbering({"numbering": numbering_fit(kept, LOG, ids)})


@pytest.mark.parametrize("first", [0, 1, 3])
def test_the_programs_own_numbering_passes(first: int) -> None:
    mine = shifted(first - 1)
    padding = 0 if first else LOG.n_items
    assert said([batch_of_rows(mine, padding)], numbering(mine, padding=padding)).passed
    assert said(batch_of_pairs(mine), numbering(mine)).passed


@pytest.mark.parametrize("batch", [lambda m: [batch_of_rows(m, 0)], batch_of_pairs], ids=["rows", "pairs"])
def test_a_shift_is_told_with_what_would_fit_and_both_places(batch: Any) -> None:
    check = said(batch(shifted(0)), numbering(shifted(-1)))
    assert check.passed is False
    assert "items shifted by +1 (kit.Ids(data, items=1)) fits 100 %" in check.message
    assert [(place.path, place.line) for place in check.places] == [("adapter.py", 9), ("model.py", 7)]


def test_an_order_of_the_programs_own_is_told() -> None:
    met, first = np.unique(LOG.items, return_index=True)
    theirs = np.full(LOG.n_items + 1, -1)
    theirs[met[np.argsort(first, kind="stable")]] = np.arange(len(met)) + 2
    check = said([batch_of_rows(theirs, 0)], numbering(shifted(0)))
    assert check.passed is False and 'kit.Ids(data, order="appearance", items=2)' in check.message


def test_another_padding_is_told() -> None:
    behind = LOG.n_items + 1
    check = said([batch_of_rows(shifted(0), behind)], numbering(shifted(0)))
    assert (
        check.passed is False
        and f"training fills histories with {behind} on the left, kit.Ids with 0" in check.message
    )


def test_nothing_is_said_where_no_numbering_fits() -> None:
    """Rows that are no histories, such as negatives, and ids of which nobody knows the order."""
    drawn = np.random.default_rng(0).integers(1, LOG.n_items + 1, (64, 20))
    assert said([LookedUp("index", drawn, LOG.n_items + 1, PLACE, 0)], numbering(shifted(0))) is None
    mixed = shifted(0)
    mixed[1:] = np.random.default_rng(1).permutation(mixed[1:])
    assert said([batch_of_rows(mixed, 0)], numbering(shifted(0))) is None


def test_negatives_beside_the_positives_do_not_hide_a_shift() -> None:
    users, items = batch_of_pairs(shifted(0))
    drawn = np.random.default_rng(3).integers(1, LOG.n_items + 1, 1200)
    owners = np.tile(users.ids, 3)
    known = {(int(u), int(i)) for u, i in zip(LOG.users, LOG.items)}
    negative = np.array([(int(u), int(i)) not in known for u, i in zip(owners, drawn)])
    both = [
        LookedUp("index", np.concatenate([users.ids, owners[negative]])[:1400], LOG.n_users + 1, PLACE, 0),
        LookedUp("index", np.concatenate([items.ids, drawn[negative]])[:1400], LOG.n_items + 1, PLACE, 0),
    ]
    order = np.random.default_rng(0).permutation(len(both[0].ids))
    for one in both:
        one.ids = one.ids[order]
    assert said(both, numbering(shifted(0))).passed
    assert said(both, numbering(shifted(-1))).passed is False


def test_users_and_items_that_are_both_numbered_by_time_are_told() -> None:
    assert LOG.timestamps is not None
    order = np.argsort(LOG.timestamps, kind="stable")
    theirs = []
    for ids, n in ((LOG.users, LOG.n_users), (LOG.items, LOG.n_items)):
        met, first = np.unique(ids[order], return_index=True)
        numbers = np.full(n + 1, -1)
        numbers[met[np.argsort(first, kind="stable")]] = np.arange(len(met))
        theirs.append(numbers)
    users, items = theirs
    rows = np.random.default_rng(0).permutation(len(LOG.items))[:400]
    kept = [
        LookedUp("index", users[LOG.users[rows]], LOG.n_users, ("model.py", 5, "forward"), 0),
        LookedUp("index", items[LOG.items[rows]], LOG.n_items, PLACE, 0),
    ]
    check = said(kept, numbering(shifted(-1), users=np.arange(LOG.n_users + 1) - 1))
    assert check.passed is False
    assert 'that of kit.Ids(data, order="time", users=0, items=0) fits 100 %' in check.message
    assert said(kept, numbering(items, users=users)).passed
