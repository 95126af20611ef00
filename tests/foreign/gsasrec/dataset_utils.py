import json

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


def get_num_items(dataset):
    with open(f"datasets/{dataset}/dataset_stats.json") as f:
        return json.load(f)["num_items"]


def get_padding_value(dataset):
    return get_num_items(dataset) + 1


def _lines(path):
    with open(path) as f:
        return [[int(token) for token in line.split()] for line in f]


def _fit_length(sequence, length, pad):
    return [pad] * (length - len(sequence)) + sequence[-length:]


class SequenceDataset(Dataset):
    def __init__(self, inputs, num_items, length, outputs=None):
        super().__init__()
        self.inputs = inputs
        self.outputs = outputs
        self.length = length
        self.pad = num_items + 1

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, idx):
        sequence = self.inputs[idx]
        padded = torch.tensor(_fit_length(sequence, self.length, self.pad), dtype=torch.int64)
        if self.outputs is not None:
            return padded, set(sequence), self.outputs[idx]
        return padded


def collate_with_negatives(batch, num_items, negs_per_pos):
    positives = torch.stack(batch, dim=0)
    negatives = torch.randint(1, num_items + 1, (*positives.shape, negs_per_pos))
    return positives, negatives


def collate_val_test(batch):
    inputs, rated, outputs = zip(*batch)
    return torch.stack(inputs), list(rated), torch.tensor(outputs)


def get_train_dataloader(dataset, batch_size=32, max_length=200, negs_per_pos=256):
    num_items = get_num_items(dataset)
    train = SequenceDataset(_lines(f"datasets/{dataset}/train/input.txt"), num_items, max_length + 1)
    return DataLoader(
        train,
        batch_size=batch_size,
        shuffle=True,
        collate_fn=lambda batch: collate_with_negatives(batch, num_items, negs_per_pos),
    )


def get_eval_dataloader(dataset, part, batch_size=32, max_length=200):
    inputs = _lines(f"datasets/{dataset}/{part}/input.txt")
    outputs = [line[0] for line in _lines(f"datasets/{dataset}/{part}/output.txt")]
    evaluated = SequenceDataset(inputs, get_num_items(dataset), max_length, outputs)
    return DataLoader(evaluated, batch_size=batch_size, collate_fn=collate_val_test)


def ndcg_at(limit, found, outputs):
    """found (B, limit), outputs (B,) -> NDCG of every row"""
    hits = found == outputs[:, None]
    return (hits / np.log2(np.arange(limit) + 2)).sum(1)
