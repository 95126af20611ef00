import torch
from torch.utils.data import DataLoader, Dataset


class PairsDataset(Dataset):
    """Each event after the first is a positive; the window before it is its context, -1 where there is none."""

    def __init__(self, sequences, window):
        self.samples = []
        for items in sequences.values():
            for at in range(1, len(items)):
                context = items[max(0, at - window) : at]
                self.samples.append(([-1] * (window - len(context)) + context, items[at]))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        context, target = self.samples[index]
        return {"context": torch.tensor(context), "target": torch.tensor(target)}


class DataModule:
    def __init__(self, dataset, window=10, batch_size=256):
        self.dataset = dataset
        self.window = window
        self.batch_size = batch_size

    def setup(self, stage):
        self.train = PairsDataset(self.dataset.sequences(), self.window)

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True, drop_last=False)
