"""From a log to batches.  A history is an array of items in order of time, from 1; `None` where a user has none."""
import csv
from typing import NamedTuple

import numpy as np
import torch


class Batch(NamedTuple):
    users: torch.Tensor      # (B,)
    recent: torch.Tensor     # (B, R)
    items: torch.Tensor      # (B,)
    negatives: torch.Tensor  # (B, N)


def last(items, width):
    row = np.zeros(width, dtype=np.int64)
    tail = np.asarray(items)[-width:]
    if len(tail):
        row[-len(tail):] = tail
    return row


def examples(histories, width):
    """Every event after a user's first: users (E,), what came before (E, width), items (E,)"""
    rows = [(u, last(h[:t], width), h[t]) for u, h in histories.items() for t in range(1, len(h))]
    users, recent, items = zip(*rows)
    return np.array(users), np.stack(recent), np.array(items)


def seen_matrix(histories, n_users, n_items):
    seen = np.zeros((n_users + 1, n_items + 1), dtype=bool)
    for user, items in histories.items():
        seen[user, items] = True
    return seen


def draw_negatives(seen, users, n, rng):
    """(B, n) uniform over the items that each user has not had"""
    drawn = rng.integers(1, seen.shape[1], size=(len(users), n))
    for _ in range(20):
        clash = seen[users[:, None], drawn]
        if not clash.any():
            break
        drawn[clash] = rng.integers(1, seen.shape[1], size=clash.sum())
    return drawn


def batches(table, seen, s, rng):
    """One pass over all examples in a new order, with new negatives."""
    users, recent, items = table
    order = rng.permutation(len(users))
    for start in range(0, len(order), s.batch_size):
        pick = order[start:start + s.batch_size]
        negatives = draw_negatives(seen, users[pick], s.negatives, rng)
        arrays = (users[pick], recent[pick], items[pick], negatives)
        yield Batch(*(torch.as_tensor(a, dtype=torch.long, device=s.device) for a in arrays))


def read(path):
    """Columns user, item, timestamp, category, price -> histories {user: items}, categories, prices, both by item id"""
    users, items, events = {}, {}, []
    categories, prices = [""], [float("nan")]
    with open(path, newline="") as handle:
        for row in csv.DictReader(handle):
            user = users.setdefault(row["user"], len(users) + 1)
            if row["item"] not in items:
                items[row["item"]] = len(items) + 1
                categories.append(row["category"])
                prices.append(float(row["price"] or "nan"))
            events.append((int(row["timestamp"]), user, items[row["item"]]))
    events.sort(key=lambda e: e[0])
    histories = {}
    for _, user, item in events:
        histories.setdefault(user, []).append(item)
    return histories, categories, prices


def hold_out(histories, n=2):
    """-> training histories, and n lists of questions (user, past, target), the older events first"""
    train, questions = {}, [[] for _ in range(n)]
    for user, items in histories.items():
        cut = len(items) - n if len(items) > n + 1 else len(items)
        train[user] = items[:cut]
        for k, t in enumerate(range(cut, len(items))):
            questions[k].append((user, items[:t], items[t]))
    return train, questions
