"""python run.py log.csv        trains, selects on validation, reports on test"""
import sys
from dataclasses import dataclass

import numpy as np
import torch

from data import leave_two_out, left_pad, make_loader, read_log
from model import HawkRec
from trainer import BestCheckpoint, Trainer, WarmupCosine, WeightAverage


@dataclass
class Config:
    layout: str = "ra"
    dim: int = 48
    heads: int = 2
    window: int = 8
    dropout: float = 0.2
    smoothing: float = 0.05
    maxlen: int = 30
    batch_size: int = 32
    epochs: int = 12
    lr: float = 3e-3
    weight_decay: float = 0.02
    warmup: int = 20
    clip: float = 1.0
    average: float = 0.9
    patience: int = 2
    seed: int = 0
    device: str = "cpu"


def assemble(sequences, n_items, cfg):
    torch.manual_seed(cfg.seed)
    loader = make_loader(sequences, cfg)
    model = HawkRec(n_items, cfg).to(cfg.device)
    average = WeightAverage(cfg.average)
    callbacks = [WarmupCosine(cfg.warmup, cfg.epochs * len(loader)), average]
    return Trainer(model, loader, cfg, callbacks), average


@torch.no_grad()
def evaluate(model, pairs, k=10, batch=128):
    """Full ranking without the items of the past."""
    hits, gains = [], []
    for start in range(0, len(pairs), batch):
        part = pairs[start:start + batch]
        seq = torch.tensor([left_pad(past, model.cfg.maxlen) for past, _ in part], device=model.cfg.device)
        scores = model.predict(seq)
        scores[:, 0] = -torch.inf
        for row, (past, target) in zip(scores, part):
            row[[i for i in past if i != target]] = -torch.inf
        target = torch.tensor([t for _, t in part], device=scores.device)[:, None]
        rank = (scores > scores.gather(1, target)).sum(1)
        hit = (rank < k).float()
        hits.append(hit)
        gains.append(hit / torch.log2(rank + 2.0))
    return {"hr": torch.cat(hits).mean().item(), "ndcg": torch.cat(gains).mean().item()}


class Service:
    def __init__(self, data, cfg):
        items = np.asarray(data.items)
        sequences = [items[data.offsets[u]:data.offsets[u + 1]].tolist() for u in range(1, data.n_users + 1)]
        self.cfg = cfg
        self.trainer, self.average = assemble(sequences, data.n_items, cfg)
        self.served = self.trainer.model

    def fit(self):
        for logs in self.trainer.fit(self.cfg.epochs):
            self.served = self.average.model
            yield logs

    def score(self, users, histories):
        seq = torch.tensor([left_pad(row, self.cfg.maxlen) for row in np.asarray(histories)], device=self.cfg.device)
        self.served.eval()
        return self.served.predict(seq).cpu().numpy()

    def state_dict(self):
        return self.served.state_dict()

    def load_state_dict(self, state):
        self.served.load_state_dict(state)


def build(data, *, device, seed):
    return Service(data, Config(device=device, seed=seed))


def main(path):
    cfg = Config()
    sequences, n_items = read_log(path)
    train, valid, test = leave_two_out(sequences)
    trainer, average = assemble(train, n_items, cfg)
    best = BestCheckpoint(evaluate, valid, average, cfg.patience)
    trainer.callbacks.append(best)
    for epoch, logs in enumerate(trainer.fit(cfg.epochs), start=1):
        print(epoch, {name: round(value, 4) for name, value in logs.items()})
    average.model.load_state_dict(best.state)
    print("test", evaluate(average.model, test))


if __name__ == "__main__":
    main(sys.argv[1])
