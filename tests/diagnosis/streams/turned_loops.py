"""Loops that read histories (B, L) and look up what comes next as (L, B): places are compared within, rows across."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from seeds.interactions import Interactions
from tests.diagnosis.streams.loops import D, Encoder, Epochs, padded


def _batches(log: Interactions, plant: str, width: int, batch: int) -> Callable[[], Iterator[Any]]:
    """Inputs and targets, (B, L) each, in an order of their own in each epoch."""
    rng = np.random.default_rng(2)
    later = 2 if plant == "two-later" else 1
    rows = [history for user in range(1, log.n_users + 1) if len(history := log.history(user)) > later]

    def batches() -> Iterator[Any]:
        order = rng.permutation(len(rows))
        for start in range(0, len(order), batch):
            chosen = [rows[i] for i in order[start : start + batch]]
            inputs = torch.from_numpy(padded([row[:-later] for row in chosen], width))
            yield inputs, torch.from_numpy(padded([row[later:] for row in chosen], width))

    return batches


def across(log: Interactions, plant: str = "", width: int = 40, batch: int = 24) -> Epochs:
    """Every row's target against those of the other rows at its place."""
    batches = _batches(log, plant, width, batch)

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        model = Encoder(log.n_items + 1)
        adam = torch.optim.Adam(model.parameters(), 1e-3)
        while True:
            for inputs, targets in batches():
                wanted = targets.T
                if plant == "other-user":
                    wanted = wanted[:, torch.randperm(wanted.shape[1])]
                scores = model(inputs).transpose(0, 1) @ model.items(wanted).transpose(1, 2)  # (L, B, B)
                there = wanted > 0
                rival = scores - scores.diagonal(dim1=1, dim2=2)[:, :, None]
                both = there[:, :, None] & there[:, None, :] & (wanted[:, :, None] != wanted[:, None, :])
                loss = F.softplus(rival[both]).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def by_place(log: Interactions, plant: str = "", width: int = 40, batch: int = 24) -> Epochs:
    """States turned to (L, B, D) before they meet a target and a negative of that layout."""
    batches = _batches(log, plant, width, batch)

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        model = Encoder(log.n_items + 1)
        adam = torch.optim.Adam(model.parameters(), 1e-3)
        while True:
            for inputs, targets in batches():
                states = model(inputs).permute(1, 0, 2)
                good = targets.t()
                if plant == "other-user":
                    good = good.roll(1, 1)
                bad = torch.randint(1, log.n_items + 1, good.shape)
                better = (states * (model.items(good) - model.items(bad))).sum(-1)
                loss = -F.logsigmoid(better[good > 0]).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def packed(log: Interactions, plant: str = "", width: int = 40, batch: int = 24) -> Epochs:
    """A recurrent net over packed rows, longest first; targets are packed as well: place by place, row by row."""
    batches = _batches(log, plant, width, batch)

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        items = torch.nn.Embedding(log.n_items + 1, 16, padding_idx=0)
        net = torch.nn.GRU(16, 16, batch_first=True)
        adam = torch.optim.Adam([*items.parameters(), *net.parameters()], 1e-3)
        while True:
            for left, right in batches():
                lengths, order = (left > 0).sum(1).sort(descending=True)
                behind = (torch.arange(width) + (width - lengths)[:, None]) % width  # padding goes behind
                inputs, targets = (rows[order].gather(1, behind) for rows in (left, right))
                if plant == "other-user":
                    targets = targets.roll(1, 0)
                read = torch.nn.utils.rnn.pack_padded_sequence(items(inputs), lengths, batch_first=True)
                wanted = torch.nn.utils.rnn.pack_padded_sequence(targets, lengths, batch_first=True).data
                states = net(read)[0].data
                bad = torch.randint(1, log.n_items + 1, wanted.shape)
                loss = -F.logsigmoid((states * (items(wanted) - items(bad))).sum(-1)).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def two_ends(log: Interactions, plant: str = "", width: int = 40, batch: int = 24) -> Epochs:
    """One window of each user; with the plant, its targets are cut from the other end than its inputs."""
    width = 8 if plant else width  # so narrow that it cuts
    rng = np.random.default_rng(2)
    rows = [history for user in range(1, log.n_users + 1) if len(history := log.history(user)) > 1]

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        model = Encoder(log.n_items + 1)
        adam = torch.optim.Adam(model.parameters(), 1e-3)
        while True:
            order = rng.permutation(len(rows))
            for start in range(0, len(order), batch):
                chosen = [rows[i] for i in order[start : start + batch]]
                wanted = [row[1:][:width] if plant else row[1:][-width:] for row in chosen]
                inputs = torch.from_numpy(padded([row[:-1] for row in chosen], width))
                targets = torch.from_numpy(padded(wanted, width))
                states = model(inputs)
                bad = torch.randint(1, log.n_items + 1, targets.shape)
                better = (states * (model.items(targets) - model.items(bad))).sum(-1)
                loss = -F.logsigmoid(better[targets > 0]).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def newest_apart(log: Interactions, plant: str = "", batch: int = 64, width: int = 10) -> Epochs:
    """A vector of the next events is reconstructed; the newest event of a row is looked up by itself, in a table of its own."""
    rows, coming = [], []
    for user in range(1, log.n_users + 1):
        history = log.history(user)
        for end in range(1, len(history)):
            rows.append(padded([history[:end]], width)[0])
            vector = np.zeros(log.n_items + 1, dtype=np.float32)
            vector[history[end : end + 3]] = (1.0, 0.6, 0.4)[: len(history[end : end + 3])]
            coming.append(vector)
    inputs, wanted = torch.from_numpy(np.stack(rows)), torch.from_numpy(np.stack(coming))

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        past, newest = nn.Embedding(log.n_items + 1, D), nn.Embedding(log.n_items + 1, D)
        out = nn.Linear(2 * D if plant == "joined" else D, log.n_items + 1)
        adam = torch.optim.Adam([*past.parameters(), *newest.parameters(), *out.parameters()], 1e-3)
        while True:
            for part in torch.randperm(len(inputs)).split(batch):
                mean = past(inputs[part]).mean(1)
                last = newest(inputs[part][:, -1])
                state = torch.cat([mean, last], 1) if plant == "joined" else mean + last
                loss = (out(state) - wanted[part]).pow(2).sum(1).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def shared_pool(log: Interactions, plant: str = "", batch: int = 64, k: int = 16) -> Epochs:
    """A batch shares its negatives; padding stands where a user has had one of them, and the loss leaves it out."""
    rng = np.random.default_rng(3)
    met = np.zeros((log.n_users + 1, log.n_items + 1), dtype=bool)
    met[log.users, log.items] = True
    highest = log.n_items // 2 if plant == "low" else log.n_items

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        of_users, of_items = nn.Embedding(log.n_users + 1, D), nn.Embedding(log.n_items + 1, D)
        adam = torch.optim.Adam([*of_users.parameters(), *of_items.parameters()], 1e-2)
        while True:
            order = rng.permutation(len(log.users))
            for start in range(0, len(order), batch):
                users, items = (part[order[start : start + batch]] for part in (log.users, log.items))
                pool = rng.choice(highest, size=k, replace=False) + 1
                drawn = torch.from_numpy(np.where(met[users][:, pool], 0, pool))
                user = of_users(torch.from_numpy(users))
                good = (user * of_items(torch.from_numpy(items))).sum(-1)
                bad = (user.unsqueeze(1) * of_items(drawn)).sum(-1)
                loss = F.softplus(-good).mean() + F.softplus(bad)[drawn > 0].mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs
