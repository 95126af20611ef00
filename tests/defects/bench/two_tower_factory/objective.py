import torch
import torch.nn.functional as F


class InBatchSoftmax(torch.nn.Module):
    def __init__(self, temperature, log_q=None):
        super().__init__()
        self.temperature = temperature
        self.log_q = log_q

    def forward(self, query, item, ids):
        sim = query @ item.T / self.temperature
        if self.log_q is not None:
            sim = sim - self.log_q[ids][None, :]
        dup = ids[None, :] == ids[:, None]
        dup.fill_diagonal_(False)
        sim = sim.masked_fill(dup, torch.finfo(sim.dtype).min)
        labels = torch.arange(len(ids), device=sim.device)
        return F.cross_entropy(sim, labels)
