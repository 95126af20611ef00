"""What a trained model reads of a history: the newest event, a window, every other event, or nothing at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnosis.read_widths import encodes_order, shared_width, trained_width, trains_users
from evolution.domain.trial import ContractCheck
from evolution.trials.answers_compared import movement
from evolution.trials.asked import LOCATED, Asked, said
from evolution.trials.contract_histories import NEWEST
from evolution.trials.history_profile import DEAD, LongBatch, Profile, long_batch, profile_of
from evolution.trials.partings import Parting

READ, WINDOW, HOLES, NOTHING = "history-read", "history-window", "history-holes", "input-ignored"
# Calls that lose a change by the values that they are given: a dead unit, a maximum elsewhere, a test for padding. No event
# is cut off by them, and the events that count are others for other weights.
BY_VALUE = frozenset((
    "relu", "relu_", "relu6", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "hardtanh", "softplus", "max",
    "amax", "maximum", "clamp", "clamp_", "clip", "max_pool1d", "max_pool2d", "adaptive_max_pool1d", "layer_norm",
    "batch_norm", "sign", "round", "floor", "bool", "__bool__", "gt", "ge", "lt", "le", "eq", "ne", "greater",
    "__gt__", "__ge__", "__lt__", "__le__", "__eq__", "__ne__",
))  # fmt: skip
LOST_IN = 0.9  # of the rows, where the newest event is lost in all histories of some length
FEWEST_SHARED = (
    3  # events that training and scoring look up on one line; a pair of candidates is as wide as two
)
PART = 0.5  # of what a training step looks up, that scoring reads at least


@dataclass(frozen=True, kw_only=True, eq=False)
class HistoriesAsked:
    """Long histories, what each event of them moves, and the batch that everything else is asked of."""

    asked: Asked
    trace: Mapping[str, Any]
    batch: LongBatch
    profile: Profile

    def lost(self, place: int, code: str, words: str) -> ContractCheck | None:
        """The finding that this event counts for nothing, on the line where a change of it is lost; None where it is lost by
        what the values happen to be.
        """
        parting = self._parting(place)
        return None if parting.losing in BY_VALUE else said(code, False, "warning", words, parting.loses)

    def _parting(self, place: int) -> Parting:
        edited, _ = self.batch.exchanged([place])
        rows = self.batch.lengths >= place
        few = np.flatnonzero(rows)[:LOCATED]
        users = self.batch.users[few]
        return self.asked.located((users, self.batch.histories[few]), (users, edited[few]))


def check_histories(asked: Asked, trace: Mapping[str, Any]) -> list[ContractCheck]:
    """trace: of the smoke step, {} where there is none."""
    batch = long_batch(asked.session, asked.data, asked.max_history)
    longest = batch.histories.shape[1]
    if not len(batch.users) or longest < 2:
        return [said(READ, None, "warning", "no history has two events")]
    if not _anything_counts(asked, batch):
        return [_nothing_read(asked, batch, trace)]
    profile = profile_of(asked.session, batch)
    it = HistoriesAsked(asked=asked, trace=trace, batch=batch, profile=profile)
    found = [check for check in (_newest(it), _holes(it), _window(it)) if check is not None]
    return found or [said(READ, True, "warning", _what_is_read(it))]


def _anything_counts(asked: Asked, batch: LongBatch) -> bool:
    """Whether other histories of the same lengths get other answers."""
    places = list(range(1, batch.histories.shape[1] + 1))
    edited, _ = batch.exchanged(places)
    changed = np.where(batch.histories > 0, batch.histories, edited)
    both = np.concatenate([changed, edited], axis=1)
    moved = movement(batch.answer, asked.score(batch.users, edited), both)
    return bool((moved > DEAD).any())


def _nothing_read(asked: Asked, batch: LongBatch, trace: Mapping[str, Any]) -> ContractCheck:
    """A model may score by user id; one that trains an encoder of histories, or a table of users, uses what it trains."""
    edited, _ = batch.exchanged(list(range(1, batch.histories.shape[1] + 1)))
    shift = max(1, asked.data.training.n_users // 2)
    others = (batch.users - 1 + shift) % asked.data.training.n_users + 1
    by_user = bool((movement(batch.answer, asked.score(others, batch.histories)) > DEAD).any())
    training = asked.data.training
    users_trained = trains_users(trace, training.n_users, training.n_items)
    few = slice(0, LOCATED)
    pair = ((batch.users[few], batch.histories[few]), (others[few], edited[few]))
    if encodes_order(trace) and not users_trained:
        by = "by the user's id alone" if by_user else "the same for everybody"
        words = f"no event of a history changes a score, though training encodes histories: scores are {by}"
        return said(NOTHING, False, "warning", words, asked.located(*pair).loses)
    width = shared_width(trace, asked.n_items)
    if by_user and width >= FEWEST_SHARED:
        words = f"no event of a history changes a score, though training looks up {width} of each: scores are by the user's id alone"
        histories = (
            (batch.users[few], batch.histories[few]),
            (batch.users[few], edited[few]),
        )
        return said(NOTHING, False, "warning", words, asked.located(*histories).loses)
    if by_user:
        words = "the scores go by the user's id alone; the history is not read, so its order and its length cannot count"
        return said(READ, True, "warning", words)
    if users_trained:
        words = "neither the user nor the history changes a score, though training has a row for each user: everybody gets the same scores"
        return said(NOTHING, False, "warning", words, asked.located(*pair).loses)
    return said(
        READ, True, "warning", "the scores are the same for everybody: neither user nor history is read"
    )


def _newest(it: HistoriesAsked) -> ContractCheck | None:
    """The newest event moves nothing, in all rows or in all that are longer than some limit."""
    sizes, lengths = it.profile.sizes[1], it.batch.lengths
    lost = sizes <= DEAD
    if not it.profile.read or not lost.any():
        return None
    oldest, newest = max(it.profile.read), min(it.profile.read)
    where = (
        f"what counts is {newest} to {oldest} events back"
        if oldest > newest
        else f"what counts is {oldest} events back"
    )
    if lost.mean() >= LOST_IN:
        words = f"{int(lost.sum())} of {len(lost)} long histories have a newest event that changes no score, while older ones do: {where}"
        return it.lost(1, NEWEST, words)
    if lost.mean() >= 0.2 and lengths[lost].min() > lengths[~lost].max():
        words = (
            f"above {int(lengths[~lost].max())} events the newest of a history changes nothing, older ones do: "
            "keep the newest, `history[-limit:]`"
        )
        return it.lost(1, NEWEST, words)
    return None


def _holes(it: HistoriesAsked) -> ContractCheck | None:
    holes = it.profile.holes
    if not holes or it.profile.dead(1):
        return None
    shown = ", ".join(str(place) for place in holes[:5])
    words = f"events {shown} places back change no score, their neighbours on both sides do: some events of a history are skipped"
    return it.lost(holes[0], HOLES, words)


def _window(it: HistoriesAsked) -> ContractCheck | None:
    """The model reads a window much shorter than what its training steps look up on the same line."""
    window = it.profile.window()
    width = min(trained_width(it.trace, it.asked.n_items), it.batch.histories.shape[1])
    if not window or window > PART * width:
        return None
    words = (
        f"only the newest {window} of {it.batch.histories.shape[1]} events change a score, while a training step looks up "
        f"{width}: the rest of a history is lost while scoring"
        if window > 1
        else f"only the newest event changes a score, while a training step looks up {width}: the rest of a history is lost"
    )
    return it.lost(window + 1, WINDOW, words)


def _what_is_read(it: HistoriesAsked) -> str:
    window, longest = it.profile.window(), it.batch.histories.shape[1]
    if window:
        return f"the newest {window} of {longest} events change the scores"
    read = it.profile.read
    return (
        f"events up to {read[-1]} places back change the scores"
        if read
        else "histories change the scores as a whole"
    )
