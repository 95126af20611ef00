"""The order in which training goes through the data: one key for each row of a batch, epoch by epoch."""

from dataclasses import dataclass

import numpy as np

from diagnosis.examination import Stream
from diagnosis.findings import CodePlace
from diagnosis.streams.reading import Read
from diagnosis.streams.recorded import D0, epoch_of, ordered
from diagnosis.streams.views import View
from seeds.interactions import Int64


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Rows of one epoch in the order in which they were trained.

    keys: int64 (n,), equal for equal rows. users, lengths: int64 (n,), -1 where not known.
    sizes: int64 (calls,), rows of each batch.
    """

    keys: Int64
    users: Int64
    lengths: Int64
    sizes: Int64


@dataclass(frozen=True, kw_only=True, eq=False)
class Passes:
    """The rows of each whole epoch. places: lines that make the rows, the outermost first."""

    epochs: tuple[Rows, ...]
    places: tuple[CodePlace, ...]


def _row_stream(seen: Read, view: View) -> Stream:
    """The stream whose ids were made with the rows: users, where rows are pairs and items may be put together."""
    return seen.users[0][0].stream if seen.inputs is None and seen.users else view.stream


def passes(seen: Read) -> Passes | None:
    """How each whole epoch went through the data; None where the rows are not understood."""
    if seen.watched.epochs < 1:
        return None
    inputs = seen.inputs
    if inputs is not None and inputs.view.width > 1:
        view = inputs.view
        keys, users = inputs.located.start * 2 + 1, inputs.located.user
        lengths = (inputs.items > 0).sum(axis=1)
    elif seen.positives and seen.profiles is None:
        first = seen.positives[0]
        view, users = first.view, first.users
        keys = first.users * (seen.log.n_items + 1) + first.items.max(axis=1)
        lengths = np.full(len(keys), -1)
    else:
        return None
    epoch, call_epoch = (epoch_of(seen.watched, steps) for steps in (view.steps, view.calls[:, 0]))
    epochs = tuple(
        Rows(
            keys=keys[epoch == e],
            users=users[epoch == e],
            lengths=lengths[epoch == e],
            sizes=view.calls[call_epoch == e, D0].astype(np.int64),
        )
        for e in range(seen.watched.epochs)
    )
    return Passes(epochs=epochs, places=ordered(_row_stream(seen, view)))
