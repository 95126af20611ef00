import torch
from torch.utils.data import Dataset


class SequenceDataset(Dataset):
    """The newest `max_length` items of each user, `copies` times an epoch since masks differ."""

    def __init__(self, sequences, max_length, copies):
        self.sequences = [s[-max_length:] for s in sequences if len(s) > 1]
        self.copies = copies

    def __len__(self):
        return len(self.sequences) * self.copies

    def __getitem__(self, index):
        return self.sequences[index % len(self.sequences)]


def category_features(item_columns, n_items):
    """(n_items + 2, C) float: which categories an item has, row for row by id; padding and mask have none."""
    names = sorted({c for cats in item_columns.categories for c in cats})
    column = {name: k for k, name in enumerate(names)}
    table = torch.zeros(n_items + 2, len(names))
    for item in range(1, n_items + 1):
        for name in item_columns.categories[item]:
            table[item, column[name]] = 1.0
    return table / table.sum(1, keepdim=True).clamp(min=1.0)
