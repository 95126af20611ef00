from dataclasses import dataclass

import numpy as np


@dataclass
class ExampleSet:
    """Row k: what the user had seen, oldest first, padded on the left with 0, and what came next."""

    users: np.ndarray
    history: np.ndarray
    target: np.ndarray

    def __len__(self):
        return len(self.target)

    def where(self, keep):
        return ExampleSet(self.users[keep], self.history[keep], self.target[keep])


@dataclass
class Examples:
    train: ExampleSet
    valid: ExampleSet
    owned: np.ndarray


class ExampleBuilder:
    def __init__(self, settings):
        self.length = settings.model.history_len
        self.stride = settings.valid.user_stride

    def from_log(self, data):
        rows, held_out = [], []
        for user in range(1, data.n_users + 1):
            events = self._events_of(user, data)
            for position in range(1, len(events)):
                rows.append((user, self._past(events, position), events[position]))
                held_out.append(user % self.stride == 0 and position == len(events) - 1)
        users, history, target = (np.array(column) for column in zip(*rows))
        held_out = np.array(held_out)
        everything = ExampleSet(users, history, target)
        train, valid = everything.where(~held_out), everything.where(held_out)
        return Examples(train, valid, self._ownership(train, data))

    def _events_of(self, user, data):
        begin, end = data.offsets[user], data.offsets[user + 1]
        order = np.argsort(data.timestamps[begin:end], kind="stable")
        return data.items[begin:end][order]

    def _past(self, events, position):
        past = events[max(0, position - self.length) : position]
        return np.pad(past, (self.length - len(past), 0))

    def _ownership(self, train, data):
        owned = np.zeros((data.n_users + 1, data.n_items + 1), dtype=bool)
        owned[train.users, train.target] = True
        owned[np.repeat(train.users, self.length), train.history.ravel()] = True
        return owned
