import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class LossFunction(nn.Module):
    def __init__(self, loss_type, items, n_items, args):
        super().__init__()
        self.loss_type = loss_type
        self.n_sample = args.n_sample
        pop = np.bincount(items, minlength=n_items + 1).astype(float)
        p = np.where(pop > 0, pop**args.sample_alpha, 0.0)
        p[0] = 0.0
        self.p = p / p.sum()
        self.log_p = torch.log(torch.from_numpy(self.p).float().clamp(min=1e-9))

    def sample(self):
        return torch.from_numpy(np.random.choice(len(self.p), size=self.n_sample, p=self.p))

    def forward(self, model, output, target):
        if self.loss_type == "CrossEntropy":
            return self.xe(model, output, target)
        if self.loss_type == "BPR-max":
            return self.bpr_max(model, output, target)
        raise NotImplementedError(self.loss_type)

    def xe(self, model, output, target):
        """Targets of the batch and a popularity sample as classes, corrected for how often each is drawn."""
        items = torch.cat([target, self.sample().to(target.device)])
        logit = model.scores_of(output, items) - self.log_p.to(target.device)[items]
        same = items[None, :] == target[:, None]
        same[torch.arange(len(target)), torch.arange(len(target))] = False
        logit = logit.masked_fill(same, -1e9)
        return F.cross_entropy(logit, torch.arange(len(target), device=target.device))

    def bpr_max(self, model, output, target):
        items = torch.cat([target, self.sample().to(target.device)])
        logit = model.scores_of(output, items)
        gold = logit.diagonal()[:, None]
        weight = torch.softmax(logit.masked_fill(items[None, :] == target[:, None], -1e9), dim=1)
        return -torch.log((torch.sigmoid(gold - logit) * weight).sum(1) + 1e-9).mean()
