"""Whose rows a kept step is about: users and histories that `score` can be asked for, read from what is looked up.

Ids are held against the log: a row of item ids is a history where it is a stretch of one user's events, a column of ids is
users where the items beside them are theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .epoch_streams import Lookup, lookups
from .step_kept import RECURRENT, Call, KeptStep

MOST_ROWS = 31
LEAST_ROWS = 6
LEAST_TURNED = (
    3  # events of a history that is read from its end: a target beside the event before it looks like two
)
BEGUN = 0.95  # of the events of a step that are the first of somebody
CELLS = {"gru_cell", "lstm_cell", "rnn_tanh_cell", "rnn_relu_cell"}
SHIFTS = (0, 1)  # ids count from 1, or from 0
LONGEST = 400  # ids of a row that are looked at


class Asked:
    """Rows of the step that scoring can be asked for: users (R,), histories (R, L).

    batch: which row of the batch each is. places: where its last event stands in what was looked up, of the shape `laid_out`, with
    rows first; () where it was no history. turned: time comes first there.
    """

    def __init__(self, batch: list[int], users: list[int], histories: list[Any]) -> None:
        self.batch, self.users = np.array(batch), np.array(users, np.int64)
        self.places: Any = ()
        self.laid_out: tuple[int, ...] = ()
        self.turned = False
        width = max(1, *(len(one) for one in histories))
        self.histories = np.zeros((len(batch), width), np.int64)
        for row, ids in zip(self.histories, histories):
            row[width - len(ids) :] = ids

    def has_rows(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape may hold something for each row, as negatives that a batch shares do not."""
        laid_out = self.laid_out[::-1] if self.turned else self.laid_out
        return (bool(laid_out) and tuple(shape[:2]) == laid_out) or shape[0] > int(self.batch.max())

    def at(self, array: Any, row: int) -> Any:
        """What an array of the batch holds for a row: at its last event, where the array has the shape of histories."""
        if self.laid_out and self.turned and array.shape[:2] == self.laid_out[::-1]:
            array = array.swapaxes(0, 1)
        if self.laid_out and array.shape[:2] == self.laid_out:
            return np.atleast_1d(array[self.batch[row], self.places[row]])
        return np.atleast_1d(array[self.batch[row]]).ravel()


class Events:
    """The training log, as far as rows are held against it."""

    def __init__(self, data: Any) -> None:
        self.items, self.users = np.asarray(data.items), np.asarray(data.users)
        self.offsets = np.asarray(data.offsets)
        self.n_users, self.n_items = int(data.n_users), int(data.n_items)

    def of(self, user: int) -> Any:
        """A user's items, oldest first."""
        return self.items[self.offsets[user] : self.offsets[user + 1]]

    def user_of(self, ids: Any, likely: int = 0) -> int:
        """A user of whose events these ids are a stretch, the likely one if he is one, or if they are his with others left out
        between them; 0 if there is none.
        """
        if likely and len(ids) >= LEAST_TURNED and self._has_in_order(likely, ids):
            return likely
        ends = np.flatnonzero(self.items == ids[-1])
        for back in range(1, min(len(ids), 6)):
            ends = ends[ends >= back]
            ends = ends[self.items[ends - back] == ids[-1 - back]]
        same = self.users[ends] == self.users[np.maximum(ends - min(len(ids), 6) + 1, 0)]
        users = self.users[ends[same]]
        return likely if likely in users else int(users[0]) if len(users) else 0

    def _has_in_order(self, user: int, ids: Any) -> bool:
        own = iter(self.of(user).tolist())
        return all(one in own for one in ids.tolist())


def index_lookups(step: KeptStep, n_items: int) -> Iterator[tuple[Call, Lookup]]:
    """The calls of the step that look rows up for the loss, with what they look up."""
    for call in step.upstream(step.loss):
        for found in lookups(call.function, call.args, call.kwargs, n_items):
            if (
                found.kind == "index"
                and call.outputs[0].requires_grad
                and list(call.outputs[0].shape[: found.ids.dim()]) == list(found.ids.shape)
            ):
                yield call, found


def facts_lookups(step: KeptStep, n_items: int) -> Iterator[Lookup]:
    """What the step looks up in tables of whole numbers with a row for each item, as the numbers of its features are."""
    for call in step.upstream(step.loss):
        if call.function not in ("__getitem__", "index_select", "embedding") or len(call.inputs) != 2:
            continue
        table, ids = call.inputs[::-1] if call.function == "embedding" else call.inputs
        if (
            not (table.is_floating_point() or ids.is_floating_point())
            and table.dim() > 1
            and n_items <= len(table) <= n_items + 3
            and call.outputs[0].shape == (*ids.shape, *table.shape[1:])
        ):
            yield Lookup("index", ids, table, len(table), table.shape[-1])


def bag_lookups(step: KeptStep, n_items: int) -> Iterator[Lookup]:
    """What the step sums up in bags for the loss: a row of ids for each."""
    for call in step.upstream(step.loss):
        if call.function == "embedding_bag" and call.outputs[0].requires_grad:
            found = lookups(call.function, call.args, call.kwargs, n_items)
            yield from (one for one in found if one.ids.dim() == 2 and len(one.ids) == len(call.outputs[0]))


def asked_rows(step: KeptStep, events: Events, most: int = MOST_ROWS) -> Asked | None:
    """Histories that the step reads, with their users; else its users, with their histories; None where it has neither."""
    found = [one for _, one in index_lookups(step, events.n_items)]
    wide = [
        one for one in found if one.ids.dim() == 2 and one.ids.shape[1] > 1 and one.rows > events.n_items // 2
    ]
    for one in wide:
        for turned, newest_first in ((False, False), (True, False), (False, True), (True, True)):
            ids = _plain(one.ids.T if turned else one.ids)
            beside = _users_beside(found, len(ids), events)
            asked = _first(_histories(ids + shift, events, most, newest_first, beside) for shift in SHIFTS)
            if asked is not None:
                asked.turned = turned
                return asked
    for one in bag_lookups(step, events.n_items):
        asked = _histories(_plain(one.ids), events, most) if one.rows > events.n_items // 2 else None
        if asked is not None:
            asked.laid_out = ()  # a bag has no place in what the step computes
            return asked
    for one in found:
        if one.ids.dim() == 1 and events.n_users <= one.rows <= events.n_users + 2:
            items = [
                _plain(other.ids) for other in found if other is not one and other.ids.shape == one.ids.shape
            ]
            asked = _first(_users(_plain(one.ids) + shift, items, events, most) for shift in SHIFTS)
            if asked is not None:
                return asked
    if any(call.function in (*RECURRENT, *CELLS) for call in step.upstream(step.loss)):
        for one in found:
            if one.ids.numel() == max(one.ids.shape, default=0) and one.rows > events.n_items // 2:
                asked = _first(
                    _beginnings(_plain(one.ids).reshape(-1) + shift, events, most) for shift in SHIFTS
                )
                if asked is not None:
                    return asked
    return _first(_sets(call, events, most) for call in step.upstream(step.loss))


def _beginnings(ids: Any, events: Events, most: int) -> Asked | None:
    """ids: (B,), one event for each row, as lanes of sessions have in the first step of an epoch: the oldest of as many users."""
    begun = events.offsets[:-1][np.diff(events.offsets) > 0]
    free: dict[int, list[int]] = {}
    for user, item in zip(events.users[begun], events.items[begun]):
        free.setdefault(int(item), []).append(int(user))
    users = [free[item].pop() if free.get(item) else 0 for item in ids.tolist()]
    if len(ids) < LEAST_ROWS or np.mean(np.array(users) > 0) < BEGUN:
        return None
    kept = [(row, user) for row, user in enumerate(users) if user][:most]
    histories = [events.of(user)[:1] for _, user in kept]
    return _enough([row for row, _ in kept], [user for _, user in kept], histories, 0, most)


def _first(tried: Iterator[Asked | None]) -> Asked | None:
    return next((one for one in tried if one is not None), None)


def _plain(ids: Any) -> Any:
    return ids.detach().cpu().numpy().astype(np.int64)


def _some(size: int, most: int) -> range:
    return range(0, size, max(1, size // (2 * most)))


def _users_beside(found: list[Lookup], rows: int, events: Events) -> Any:
    """Users (rows,) that are looked up beside histories; zeros where none are. A table without a row for nobody counts from 0."""
    for one in found:
        if tuple(one.ids.shape) == (rows,) and events.n_users <= one.rows <= events.n_users + 2:
            ids = _plain(one.ids)
            return ids + (1 if one.rows == events.n_users else 0)
    return np.zeros(rows, np.int64)


def _histories(
    ids: Any, events: Events, most: int, newest_first: bool = False, beside: Any = None
) -> Asked | None:
    """ids: (B, T). None where most rows are no stretch of anybody's events, read from the left or, newest_first, from the right.

    beside: the users of the rows, as far as the step looks them up.
    """
    ids = ids[:, ::-1] if newest_first else ids
    batch, users, histories, tried = [], [], [], 0
    for row in _some(len(ids), most):
        kept = ids[row][(ids[row] > 0) & (ids[row] <= events.n_items)][-LONGEST:]
        if len(kept) < (LEAST_TURNED if newest_first else 2):
            continue
        tried += 1
        user = events.user_of(kept, int(beside[row]) if beside is not None else 0)
        if user:
            batch.append(row)
            users.append(user)
            histories.append(kept)
    asked = _enough(batch, users, histories, tried, most)
    if asked is not None:
        filled = (ids[asked.batch] > 0) & (ids[asked.batch] <= events.n_items)
        newest = filled[:, ::-1].argmax(1)  # counted from the end
        asked.laid_out, asked.places = ids.shape, newest if newest_first else ids.shape[1] - 1 - newest
    return asked


def _enough(batch: list[int], users: list[int], histories: list[Any], tried: int, most: int) -> Asked | None:
    if len(batch) < max(LEAST_ROWS, 0.7 * tried):
        return None
    return Asked(batch[:most], users[:most], histories[:most])


def _users(ids: Any, beside: list[Any], events: Events, most: int) -> Asked | None:
    """ids: (B,) of users. beside: ids looked up for the same rows; in one of them the items must be theirs.

    Where one holds the event before another's, histories end there.
    """
    if ids.min() < 1 or ids.max() > events.n_users:
        return None
    rows = [row for row in _some(len(ids), most) if len(events.of(ids[row]))][:most]
    places = [
        [_place(items[row] + shift, events.of(ids[row])) for row in rows]
        for items in beside
        for shift in SHIFTS
    ]
    own = [np.array(one) for one in places if np.mean([place >= 0 for place in one]) >= 0.7]
    if not any((one >= 0).mean() > 0.9 for one in own):
        return None
    before = next(
        (one for one in own for other in own if ((other == one + 1) & (one >= 0)).mean() > 0.7), None
    )
    ends = [len(events.of(ids[row])) for row in rows] if before is None else before + 1
    kept = [(row, end) for row, end in zip(rows, ends) if end > 0]
    histories = [events.of(ids[row])[:end][-LONGEST:] for row, end in kept]
    return _enough([row for row, _ in kept], [int(ids[row]) for row, _ in kept], histories, 0, most)


def _place(item: int, own: Any) -> int:
    """Where an item is among a user's events, the last time; -1 for nowhere."""
    there = np.flatnonzero(own == item)
    return int(there[-1]) if len(there) else -1


def _sets(call: Call, events: Events, most: int) -> Asked | None:
    """Rows as wide as the catalogue, of which what is not 0 is the events of one user."""
    for one in lookups(call.function, call.args, call.kwargs, events.n_items):
        if one.kind != "multi-hot":
            continue
        rows = call.inputs[0].detach().cpu().numpy() != 0
        shift = 0 if rows.shape[1] > events.n_items else 1
        batch, users, histories = [], [], []
        for row in _some(len(rows), most)[:most]:
            items = np.flatnonzero(rows[row]) + shift
            met = np.bincount(events.users[np.isin(events.items, items)], minlength=events.n_users + 1)
            likely = (
                [user for user in np.argsort(-met)[:20] if set(items) <= set(events.of(user))]
                if len(items) > 1
                else []
            )
            if likely:
                own = events.of(likely[0])
                batch.append(row)
                users.append(int(likely[0]))
                histories.append(own[np.isin(own, items)][-LONGEST:])
        return _enough(batch, users, histories, min(len(rows), most), most)
    return None
