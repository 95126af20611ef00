"""Negative instances for point-wise training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.interactions import Interactions


class NegativeSampler:
    """Items that a user has not interacted with, drawn in proportion to popularity ** power."""

    def __init__(self, train: Interactions, power: float, rng: np.random.Generator) -> None:
        self.known = train.membership()
        self.num_items = train.num_items
        self.rng = rng
        counts = np.bincount(train.items, minlength=train.num_items)
        self.prob = (counts + 1.0) ** power
        self.prob /= self.prob.sum()

    def sample(self, users: np.ndarray) -> np.ndarray:
        """One negative for each entry of `users`."""
        negatives = self.rng.choice(self.num_items, size=len(users), p=self.prob)
        wrong = np.flatnonzero(self.known[users, negatives])
        while len(wrong):
            negatives[wrong] = self.rng.choice(self.num_items, size=len(wrong), p=self.prob)
            wrong = wrong[self.known[users[wrong], negatives[wrong]]]
        return negatives


class InstanceFeed:
    """Point-wise instances (user, item, label), made anew for every epoch."""

    def __init__(self, train: Interactions, settings: dict, seed: int) -> None:
        self.train = train
        self.num_negative = settings["num_negative"]
        self.batch_size = settings["batch_size"]
        self.rng = np.random.default_rng(seed)
        self.sampler = NegativeSampler(train, settings["neg_power"], self.rng)

    def __len__(self) -> int:
        return -(-len(self.train) * (1 + self.num_negative) // self.batch_size)

    def epoch(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        neg_users = np.repeat(self.train.users, self.num_negative)
        users = np.concatenate([self.train.users, neg_users])
        items = np.concatenate([self.train.items, self.sampler.sample(neg_users)])
        labels = np.zeros(len(users), dtype=np.float32)
        labels[: len(self.train)] = 1.0
        order = self.rng.permutation(len(users))
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            yield users[rows], items[rows], labels[rows]
