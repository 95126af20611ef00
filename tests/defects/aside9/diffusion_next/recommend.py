"""Diffusion over the next few items, conditioned on the history.      python recommend.py log.csv"""
from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Iterator

import numpy as np
import torch
from torch.utils.data import DataLoader

from denoiser import Denoiser
from diffusion import GaussianDiffusion, StepSampler
from sessions import NextFew, padded, read_sequences, split


@dataclass(frozen=True, kw_only=True)
class Options:
    dim: int = 64
    step_dim: int = 16
    depth: int = 2
    dropout: float = 0.2
    maxlen: int = 20
    ahead: int = 3
    fade_ahead: float = 0.6
    fade_past: float = 0.8
    steps: int = 8
    beta_low: float = 0.05
    beta_high: float = 0.7
    scale: float = 4.0
    ceiling: float = 5.0
    unconditional: float = 0.1
    guidance: float = 0.5
    batch_size: int = 128
    lr: float = 3e-3
    weight_decay: float = 1e-3
    clip: float = 1.0
    epochs: int = 12
    seed: int = 0
    device: str = "cpu"


class DiffusionRecommender:
    def __init__(self, sequences: list[list[int]], n_items: int, o: Options) -> None:
        torch.manual_seed(o.seed)
        self.o = o
        examples = NextFew(sequences, n_items, o.maxlen, o.ahead, o.fade_ahead)
        self.loader = DataLoader(examples, batch_size=o.batch_size, shuffle=True)
        self.diffusion = GaussianDiffusion(o.steps, o.beta_low, o.beta_high, o.device)
        self.sampler = StepSampler(o.steps, memory=0.9, floor=0.1, device=o.device)
        self.net = Denoiser(n_items, o.dim, o.step_dim, o.depth, o.dropout).to(o.device)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=o.lr, weight_decay=o.weight_decay)

    def losses(self, history: torch.Tensor, coming: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """(B,) squared error of each example, weighted by its step's signal-to-noise ratio"""
        clean = self.o.scale * coming
        condition = self.net.condition(history, self.o.fade_past)
        unknown = torch.rand(len(history), 1, device=history.device) < self.o.unconditional
        condition = torch.where(unknown, self.net.nobody, condition)
        predicted = self.net(self.diffusion.noised(clean, t), t, condition)
        error = (predicted - clean).pow(2).sum(1)
        return (0.2 + self.diffusion.weight(t, self.o.ceiling)) * error

    def step(self, history: torch.Tensor, coming: torch.Tensor) -> torch.Tensor:
        history, coming = history.to(self.o.device), coming.to(self.o.device)
        t, importance = self.sampler.draw(len(history))
        losses = self.losses(history, coming, t)
        loss = (importance * losses).mean()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.o.clip)
        self.optimizer.step()
        self.sampler.learn(t, losses)
        return loss.detach()

    def fit(self) -> Iterator[dict[str, float]]:
        for _ in range(self.o.epochs):
            self.net.train()
            total = torch.stack([self.step(history, coming) for history, coming in self.loader])
            yield {"loss": float(total.mean())}

    @torch.no_grad()
    def restored(self, history: torch.Tensor) -> torch.Tensor:
        """(B, L) -> (B, n_items + 1)"""
        self.net.eval()
        condition = self.net.condition(history, self.o.fade_past)
        nobody = self.net.nobody.expand_as(condition)
        w = self.o.guidance

        def predict(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            return (1 + w) * self.net(x, t, condition) - w * self.net(x, t, nobody)

        return self.diffusion.restore(predict, len(history), self.net.width)

    def score(self, users: np.ndarray, histories: np.ndarray) -> np.ndarray:
        rows = [padded([int(i) for i in row if i], self.o.maxlen) for row in np.asarray(histories)]
        return self.restored(torch.tensor(rows, device=self.o.device)).cpu().numpy()

    def state_dict(self) -> dict[str, torch.Tensor]:
        return self.net.state_dict()

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        self.net.load_state_dict(state)


def build(data, *, device: str, seed: int) -> DiffusionRecommender:
    items = np.asarray(data.items)
    users = range(1, data.n_users + 1)
    sequences = [items[data.offsets[u]:data.offsets[u + 1]].tolist() for u in users]
    return DiffusionRecommender(sequences, data.n_items, Options(device=device, seed=seed))


def ndcg_and_coverage(model: DiffusionRecommender, pairs: list[tuple], k: int = 10) -> tuple[float, float]:
    """NDCG over all items but those of the past, and the share of the catalogue that is shown to anybody."""
    gains, shown = [], set()
    for start in range(0, len(pairs), 128):
        part = pairs[start:start + 128]
        scores = model.restored(torch.tensor([padded(past, model.o.maxlen) for past, _ in part], device=model.o.device))
        scores[:, 0] = float("-inf")
        for row, (past, target) in zip(scores, part):
            row[[i for i in past if i != target]] = float("-inf")
        top = scores.topk(k, dim=1).indices.tolist()
        for (_, target), row in zip(part, top):
            gains.append(1 / np.log2(row.index(target) + 2) if target in row else 0.0)
            shown.update(row)
    return sum(gains) / len(pairs), len(shown) / (model.net.width - 1)


def main(path: str) -> None:
    sequences, n_items = read_sequences(path)
    train, valid, test = split(sequences)
    model = DiffusionRecommender(train, n_items, Options())
    best, state = -1.0, {}
    for epoch, report in enumerate(model.fit(), start=1):
        ndcg, coverage = ndcg_and_coverage(model, valid)
        print(f"epoch {epoch}  loss {report['loss']:.3f}  ndcg {ndcg:.4f}  coverage {coverage:.2f}")
        if ndcg > best:
            best, state = ndcg, {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(state)
    print("test", ndcg_and_coverage(model, test))


if __name__ == "__main__":
    main(sys.argv[1])
