from pathlib import Path

import torch
from shopdata import Split
from shopmodels import SequenceModel
from torch.nn import functional as F

from .transitions import Transitions


class Engine:
    """Trains one model on the histories of a split and keeps the best state."""

    def __init__(self, model: SequenceModel, split: Split, settings: dict, folder: Path) -> None:
        self.model = model
        self.split = split
        self.settings = settings
        self.folder = folder
        self.optimizer = torch.optim.Adam(
            model.parameters(), lr=settings["lr"], weight_decay=settings["weight_decay"]
        )
        self.transitions = Transitions(split.train, model.n_products, settings["negatives"], settings["seed"])
        self.best = -1.0

    def run(self) -> float:
        for number in range(self.settings["epochs"]):
            loss = self.train_one_pass()
            hits = self.evaluate()
            print(f"pass {number + 1}: loss {loss:.4f}, hit rate at 10 {hits:.4f}")
            if hits > self.best:
                self.best = hits
                torch.save(self.model.state_dict(), self.folder / "best.pt")
        return self.best

    def train_one_pass(self) -> float:
        self.model.train()
        total = steps = 0.0
        for visitors, last, candidates in self.transitions.batches(self.settings["batch_size"]):
            scores = self.model.score_pairs(visitors, last, candidates)
            # BPR over several negatives
            loss = F.softplus(scores[:, 1:] - scores[:, :1]).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item()
            steps += 1
        return total / steps

    def evaluate(self, k: int = 10) -> float:
        self.model.eval()
        visitors = list(self.split.held_out)
        last = torch.tensor([self.split.train[v][-1] for v in visitors])
        scores = self.model.score_all(torch.tensor(visitors), last)
        for row, visitor in enumerate(visitors):
            scores[row, self.split.train[visitor]] = float("-inf")
        wanted = torch.tensor([self.split.held_out[v] for v in visitors])
        top = scores.topk(k, dim=1).indices
        return (top == wanted[:, None]).any(1).float().mean().item()
