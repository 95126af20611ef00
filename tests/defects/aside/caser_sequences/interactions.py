import numpy as np


class Interactions(object):
    """User histories as fixed-length windows: L items in, T items out."""

    def __init__(self, user_ids, item_ids, num_users, num_items):
        self.user_ids = user_ids
        self.item_ids = item_ids
        self.num_users = num_users
        self.num_items = num_items
        self.sequences = None

    def _groups(self):
        indices = np.flatnonzero(np.diff(self.user_ids)) + 1
        return zip(self.user_ids[np.append(0, indices)], np.split(self.item_ids, indices))

    def to_sequence(self, sequence_length=5, target_length=3):
        """
        Windows slide by one event. Short starts are padded with 0 on the left, missing targets are 0.
        """
        seqs, targets, users = [], [], []
        for uid, items in self._groups():
            for i in range(1, len(items)):
                before = items[max(0, i - sequence_length) : i]
                after = items[i : i + target_length]
                seqs.append(np.pad(before, (sequence_length - len(before), 0)))
                targets.append(np.pad(after, (0, target_length - len(after))))
                users.append(uid)
        self.sequences = SequenceInteractions(np.array(users), np.stack(seqs), np.stack(targets))


class SequenceInteractions(object):
    def __init__(self, user_ids, sequences, targets):
        self.user_ids = user_ids
        self.sequences = sequences
        self.targets = targets
        self.L = sequences.shape[1]
        self.T = targets.shape[1]


class CandidateSets(object):
    """For each user the items he never had, in rows of a table from which negatives are drawn."""

    def __init__(self, train):
        all_items = np.arange(1, train.num_items + 1)
        self.table = np.zeros((train.num_users + 1, train.num_items), dtype=np.int64)
        self.counts = np.zeros(train.num_users + 1, dtype=np.int64)
        for user in range(1, train.num_users + 1):
            own = train.item_ids[train.user_ids == user]
            left = np.setdiff1d(all_items, own)
            self.table[user, : len(left)] = left
            self.counts[user] = len(left)

    def generate_negative_samples(self, users, n):
        """(B,) users -> (B, n) items"""
        column = (np.random.rand(len(users), n) * self.counts[users][:, None]).astype(np.int64)
        return self.table[users[:, None], column]
