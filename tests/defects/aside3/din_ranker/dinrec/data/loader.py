import numpy as np
import torch


class CandidateLoader:
    """Batches of (history, candidates, labels); a row has one clicked candidate and some that were not."""

    def __init__(self, examples, sampler, settings, seed):
        self.examples = examples
        self.sampler = sampler
        self.batch_size = settings.batch_size
        self.num_negatives = settings.num_negatives
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return -(-len(self.examples) // self.batch_size)

    def __iter__(self):
        order = self.rng.permutation(len(self.examples))
        for number in range(len(self)):
            rows = order[number * self.batch_size : (number + 1) * self.batch_size]
            yield self.collate(rows)

    def collate(self, rows):
        batch = self.examples.where(rows)
        negatives = self.sampler.sample(batch.users, self.num_negatives)
        candidates = np.concatenate([batch.target[:, None], negatives], axis=1)
        labels = np.zeros(candidates.shape, dtype=np.float32)
        labels[:, 0] = 1.0
        return torch.from_numpy(batch.history), torch.from_numpy(candidates), torch.from_numpy(labels)
