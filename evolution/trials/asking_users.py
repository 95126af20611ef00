"""Whether a trained model that scores by user id answers for the user who is asked about, and not for a neighbour."""

import numpy as np

from evolution.base.amounts import number
from evolution.domain.trial import ContractCheck
from evolution.trials.answers_compared import Float64, unmasked
from evolution.trials.asked import LOCATED, Asked, said
from evolution.trials.asking_time import standard_errors
from evolution.trials.sampled import in_batches
from seeds.interactions import Float32, Int64

CODE = "user-shifted"
USERS = 256
SHIFTS = (-1, 1)
SIGNIFICANT = 6.0
TWICE = 2.0


def check_users(asked: Asked) -> ContractCheck:
    """The same history with other users' ids: whose training events score high, the user's own or a neighbour's?"""
    training = asked.data.training
    n = training.n_users
    users = 1 + np.unique(np.linspace(0, n - 1, min(USERS, n)).astype(np.int64))
    middle = len(asked.users) // 2
    histories = np.repeat(asked.histories[middle : middle + 1], len(users), axis=0)
    scores = in_batches(asked.score, users, histories)
    personal = _personal(scores)
    if personal is None:
        return said(CODE, None, "warning", "the user's id changes no score")
    own = _of_neighbours(asked, personal, users, 0)
    for shift in SHIFTS:
        theirs = _of_neighbours(asked, personal, users, shift)
        known = ~np.isnan(theirs) & ~np.isnan(own)
        if known.sum() < 20 or standard_errors(theirs[known]) < SIGNIFICANT:
            continue
        if standard_errors((theirs - own)[known]) > SIGNIFICANT and theirs[known].mean() > TWICE * max(
            own[known].mean(), 0.0
        ):
            words = (
                f"{number(theirs[known].mean())} standard deviations above the mean are the training events of user u{shift:+d}, "
                f"{number(own[known].mean())} those of user u, who is asked for ({int(known.sum())} users): user ids run from 1"
            )
            pair = (users[:LOCATED], histories[:LOCATED]), (users[1 : LOCATED + 1], histories[:LOCATED])
            return said(CODE, False, "warning", words, asked.located(*pair).parts)
    return said(CODE, True, "warning", "no neighbour's training events score higher than the user's own")


def _personal(scores: Float32) -> Float64 | None:
    """The scores in standard deviations of their row, without what all users share; None where they share all."""
    counted = unmasked(scores)
    values = np.where(counted, scores.astype(np.float64), np.nan)
    columns = counted.sum(axis=0) > 1
    values[:, ~columns] = np.nan
    least = np.where(counted, scores, np.inf).min(axis=1, keepdims=True)
    tied = (scores == least) & ((scores == least).sum(axis=1, keepdims=True) > 1)
    values[tied] = np.nan
    n = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    values -= np.where(np.isnan(values), 0.0, values).sum(axis=0) / n
    filled = np.where(np.isnan(values), 0.0, values)
    size = np.maximum((~np.isnan(values)).sum(axis=1), 1)
    deviation = np.sqrt((filled**2).sum(axis=1) / size)
    if np.median(deviation) <= 1e-5 * float(np.median(np.abs(scores[:, 1:]).max(axis=1))):
        return None
    return values / np.maximum(deviation, 1e-300)[:, None]


def _of_neighbours(asked: Asked, personal: Float64, users: Int64, shift: int) -> Float64:
    """Mean personal score of the training items of user u + shift that u does not have: float64 (U,), NaN for none."""
    training = asked.data.training
    found = np.full(len(users), np.nan)
    for row, user in enumerate(users):
        other = int(user) + shift
        if not 1 <= other <= training.n_users:
            continue
        items = np.unique(training.history(other))
        beside = [
            training.history(int(user) + s)
            for s in (0, *SHIFTS)
            if s != shift and 1 <= user + s <= training.n_users
        ]
        items = np.setdiff1d(items, np.concatenate(beside)) if beside else items
        values = personal[row, items]
        values = values[~np.isnan(values)]
        if len(values):
            found[row] = values.mean()
    return found
