"""python -m duorec.cli events.jsonl train.lr=0.001 model.layers=1"""

from __future__ import annotations

import copy
import sys

import torch

from .config import Config
from .data import read_jsonl
from .metrics import ranks, summary
from .trainer import Trainer


def main(path: str, *assignments: str) -> None:
    config = Config().override(*assignments)
    torch.manual_seed(config.seed)
    log = read_jsonl(path)
    sequences = [s for s in log.sequences if len(s) > 4]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trainer = Trainer([s[:-2] for s in sequences], log.category, config, device)
    best, kept = 0.0, None
    for epoch in range(config.train.epochs):
        report = trainer.epoch()
        valid = summary(ranks(trainer.scores, [s[:-2] for s in sequences], [s[-2] for s in sequences]), 10)
        print(epoch, report, valid)
        if valid["ndcg@10"] > best:
            best, kept = valid["ndcg@10"], copy.deepcopy(trainer.average.model.state_dict())
    if kept is not None:
        trainer.average.model.load_state_dict(kept)
    print("test", summary(ranks(trainer.scores, [s[:-1] for s in sequences], [s[-1] for s in sequences]), 10))


if __name__ == "__main__":
    main(*sys.argv[1:])
