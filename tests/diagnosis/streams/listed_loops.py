"""Samplers in plain Python, whose lists index tables of vectors as they are, or as arrays of numpy's."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from seeds.interactions import Interactions
from tests.diagnosis.streams.recorder import Epochs

BATCH = 128


def sampled(
    log: Interactions, plant: str, rng: random.Random
) -> Iterator[tuple[list[int], list[int], list[int]]]:
    """Batches of users, items and negatives, ids from 0; each event once, or as many users drawn uniformly."""
    histories = [[item - 1 for item in log.history(user).tolist()] for user in range(1, log.n_users + 1)]
    pairs = [(user, item) for user, history in enumerate(histories) for item in history]
    rng.shuffle(pairs)
    if plant == "users-uniform":
        chosen = [rng.randrange(log.n_users) for _ in pairs]
        pairs = [(user, rng.choice(histories[user])) for user in chosen]
    for start in range(0, len(pairs), BATCH):
        users, goods, bads = list[int](), list[int](), list[int]()
        for user, good in pairs[start : start + BATCH]:
            bad = rng.randrange(log.n_items)
            while plant != "negatives-any" and bad in histories[user]:
                bad = rng.randrange(log.n_items)
            if plant == "negatives-own":
                bad = rng.choice(histories[user])
            users.append(user)
            goods.append(good)
            bads.append(bad)
        yield users, goods, bads


def listed(log: Interactions, plant: str = "", as_given: Callable[[list[int]], Any] = list) -> Epochs:
    """Parameters of a dictionary, indexed by lists."""

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        rng = random.Random(0)
        tables = nn.ParameterDict(
            {
                "user_vec": nn.Parameter(torch.randn(log.n_users, 8) * 0.1),
                "item_vec": nn.Parameter(torch.randn(log.n_items, 8) * 0.1),
            }
        )
        adam = torch.optim.Adam(tables.parameters(), 1e-2)
        while True:
            for users, goods, bads in sampled(log, plant, rng):
                of_users, of_items = tables["user_vec"] * 1.0, tables["item_vec"] * 1.0
                u = of_users[as_given(users), :]
                up = (u * of_items[as_given(goods), :]).sum(-1)
                down = (u * of_items[as_given(bads), :]).sum(-1)
                loss = F.softplus(down - up).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def arrays(log: Interactions, plant: str = "") -> Epochs:
    """The same by arrays of numpy's."""
    return listed(log, plant, np.array)
