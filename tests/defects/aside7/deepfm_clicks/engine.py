import numpy as np
import torch
import torch.nn.functional as F

from features import Rows


def to_torch(rows, device):
    return Rows(*(torch.as_tensor(a, device=device) for a in rows))


class Engine:
    def __init__(self, model, catalogue, opt):
        self.model = model.to(opt.device)
        self.catalogue = catalogue
        self.opt = opt
        tables = [model.table.weight, model.linear.weight]
        dense = [*model.numeric.parameters(), *model.deep.parameters()]
        self.optimizer = torch.optim.Adam(
            [{"params": tables, "lr": opt.lr_tables}, {"params": dense, "lr": opt.lr_dense}]
        )
        self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimizer, mode="min", factor=0.5, patience=1
        )

    def train(self, clicks):
        self.model.train()
        total = torch.zeros((), device=self.opt.device)
        for users, hist, items, label in clicks:
            rows = to_torch(self.catalogue.rows(users, hist, items), self.opt.device)
            label = torch.as_tensor(label, device=self.opt.device).flatten()
            loss = F.binary_cross_entropy_with_logits(self.model(rows), label)
            loss = loss + self.opt.l2 * self.model.squares(rows)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
        mean = float(total) / len(clicks)
        self.plateau.step(mean)
        return mean

    @torch.no_grad()
    def score(self, users, hist, items):
        """users (B,), hist (B, L), items (B, C) -> logits (B, C)"""
        self.model.eval()
        rows = to_torch(self.catalogue.rows(users, hist, items), self.opt.device)
        return self.model(rows).view(len(users), -1).cpu().numpy()

    def score_all(self, users, hist, chunk=64):
        """-> (B, n_items + 1), a column an item"""
        everything = np.arange(self.catalogue.n_items + 1)
        parts = []
        for i in range(0, len(users), chunk):
            u, h = users[i:i + chunk], hist[i:i + chunk]
            parts.append(self.score(u, h, np.tile(everything, (len(u), 1))))
        return np.concatenate(parts)
