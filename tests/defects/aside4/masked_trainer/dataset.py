import torch
from torch.utils.data import Dataset


class SequenceDataset(Dataset):
    """Every beginning of every sequence, cut to its newest `max_length` items."""

    def __init__(self, sequences, max_length):
        self.sequences = sequences
        self.max_length = max_length
        self.ends = [(row, end) for row, seq in enumerate(sequences) for end in range(2, len(seq) + 1)]

    def __len__(self):
        return len(self.ends)

    def __getitem__(self, index):
        row, end = self.ends[index]
        return self.sequences[row][max(0, end - self.max_length):end]


def category_features(item_columns, n_items):
    """(n_items + 2, C) float: which categories an item has, row for row by id; padding and mask have none."""
    names = sorted({c for cats in item_columns.categories for c in cats})
    column = {name: k for k, name in enumerate(names)}
    table = torch.zeros(n_items + 2, len(names))
    for item in range(1, n_items + 1):
        for name in item_columns.categories[item]:
            table[item, column[name]] = 1.0
    return table / table.sum(1, keepdim=True).clamp(min=1.0)
