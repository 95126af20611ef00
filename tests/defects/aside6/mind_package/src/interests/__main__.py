"""python -m src.interests LOG.csv: trains, keeps the epoch that is best on validation, and tests it."""

from __future__ import annotations

import copy
import sys

import torch

from .config import Config
from .data import make_loader, read_log
from .evaluate import evaluate
from .model import InterestModel
from .trainer import Trainer


def main(path: str, config: Config = Config()) -> None:
    torch.manual_seed(config.seed)
    histories, catalogue = read_log(path)
    training = [items[:-2] for items in histories]
    known = [items[:-1] for items in histories]
    valid, test = [int(items[-2]) for items in histories], [int(items[-1]) for items in histories]

    tc = config.train
    loader = make_loader(training, catalogue.n_items, config.model.max_len, tc.batch_size, tc.n_negatives, config.seed)
    model = InterestModel(catalogue, config.model)
    trainer = Trainer(model, loader, tc, torch.device("cpu"))
    best, state = -1.0, model.state_dict()
    for epoch in range(1, tc.epochs + 1):
        report = trainer.epoch()
        metrics = evaluate(model, training, valid, config.top_k)
        print(epoch, report, metrics)
        if metrics["ndcg"] > best:
            best, state = metrics["ndcg"], copy.deepcopy(model.state_dict())
    model.load_state_dict(state)
    print("test", evaluate(model, known, test, config.top_k))


if __name__ == "__main__":
    main(sys.argv[1])
