import numpy as np


class Interactions(object):
    """
    Interactions of users with items.

    user_ids: from 0; item_ids: from 1, as 0 pads sequences; timestamps: of any unit.
    num_items counts the padding.
    """

    def __init__(self, user_ids, item_ids, timestamps, num_users=None, num_items=None):
        self.user_ids = np.asarray(user_ids, dtype=np.int64)
        self.item_ids = np.asarray(item_ids, dtype=np.int64)
        self.timestamps = np.asarray(timestamps, dtype=np.int64)
        self.num_users = num_users or int(self.user_ids.max()) + 1
        self.num_items = num_items or int(self.item_ids.max()) + 1
        self.sequences = None

    def __len__(self):
        return len(self.user_ids)

    def seen(self):
        """(num_users, num_items), True where the user has the item"""
        table = np.zeros((self.num_users, self.num_items), dtype=bool)
        table[self.user_ids, self.item_ids] = True
        return table

    def by_user(self):
        """item ids of each user, oldest first"""
        order = np.lexsort((self.timestamps, self.user_ids))
        users, items = self.user_ids[order], self.item_ids[order]
        histories = [[] for _ in range(self.num_users)]
        for user, item in zip(users, items):
            histories[user].append(int(item))
        return histories

    def to_sequence(self, sequence_length=5, target_length=2):
        """
        One window for each event but a user's first: the sequence_length items before it, padded on the left,
        and target_length items that begin with it, padded on the right.
        """
        users, windows = [], []
        for user, items in enumerate(self.by_user()):
            padded = [0] * (sequence_length - 1) + items + [0] * (target_length - 1)
            for window in _sliding_window(padded, sequence_length + target_length):
                users.append(user)
                windows.append(window)
        windows = np.array(windows, dtype=np.int64)
        self.sequences = SequenceInteractions(
            np.array(users, dtype=np.int64), windows[:, :sequence_length], windows[:, sequence_length:]
        )
        return self.sequences


class SequenceInteractions(object):
    """user_ids (N,), sequences (N, L), targets (N, T)"""

    def __init__(self, user_ids, sequences, targets):
        self.user_ids = user_ids
        self.sequences = sequences
        self.targets = targets
        self.L = sequences.shape[1]
        self.T = targets.shape[1]


def _sliding_window(items, size):
    for start in range(len(items) - size + 1):
        yield items[start:start + size]


def last_items(histories, length):
    """The newest items of each history, padded on the left: (B, length)"""
    sequences = np.zeros((len(histories), length), dtype=np.int64)
    for row, items in enumerate(histories):
        kept = items[-length:]
        if len(kept):
            sequences[row, -len(kept):] = kept
    return sequences


def read_ratings(path):
    """Lines "user item rating timestamp", ids from 1"""
    table = np.loadtxt(path, dtype=np.int64, usecols=(0, 1, 3))
    return Interactions(table[:, 0] - 1, table[:, 1], table[:, 2])


def user_based_split(interactions, valid_share=0.1, test_share=0.2):
    """The newest events of each user are the test, those before them the validation"""
    order = np.lexsort((interactions.timestamps, interactions.user_ids))
    count = np.bincount(interactions.user_ids, minlength=interactions.num_users)
    place = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    size = np.repeat(count, count)
    in_test = place >= size - np.floor(size * test_share)
    in_valid = ~in_test & (place >= size - np.floor(size * (valid_share + test_share)))

    def part(mask):
        kept = order[mask]
        return Interactions(
            interactions.user_ids[kept],
            interactions.item_ids[kept],
            interactions.timestamps[kept],
            interactions.num_users,
            interactions.num_items,
        )

    return part(~in_test & ~in_valid), part(in_valid), part(in_test)
