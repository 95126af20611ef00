from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path

import numpy as np
import torch

import clrec.encoder  # registers the models
from clrec.data import pad_right, read_csv, training_loader
from clrec.evaluate import evaluate
from clrec.registry import create
from clrec.trainer import Trainer

HERE = Path(__file__).parent


class Recommender:
    """A registered model, trained on all histories, that answers left-padded ones."""

    def __init__(self, histories: list[np.ndarray], n_items: int, conf: dict, device, seed: int):
        self.conf = conf
        self.device = device
        self.model = create(conf["model"], n_items=n_items, conf=conf).to(device)
        loader = training_loader(histories, conf, n_items, seed)
        self.trainer = Trainer(self.model, loader, conf["train"], device)

    def fit(self):
        for _ in range(self.conf["train"]["epochs"]):
            yield self.trainer.epoch()

    @torch.inference_mode()
    def score(self, users, histories):
        self.model.eval()
        seq = self._batch(np.asarray(histories)).to(self.device)
        return self.model.recommend(seq).cpu().numpy()

    def _batch(self, histories: np.ndarray) -> torch.Tensor:
        rows = [row[row > 0][-self.conf["max_len"] :] for row in histories]
        return pad_right([row if len(row) else np.zeros(1, dtype=np.int64) for row in rows])

    def item_embeddings(self):
        encoder = self.model.encoder
        return encoder.items.weight[: encoder.n_items + 1].detach().cpu().numpy()

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    torch.manual_seed(seed)
    conf = json.loads((HERE / "shop.json").read_text())
    histories = [data.items[data.offsets[u] : data.offsets[u + 1]] for u in range(1, data.n_users + 1)]
    return Recommender(histories, data.n_items, conf, torch.device(device), seed)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("log", help="user,item,timestamp")
    parser.add_argument("--config", default=HERE / "shop.json", type=Path)
    parser.add_argument("--seed", default=0, type=int)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    conf = json.loads(args.config.read_text())
    users = [items for items in read_csv(args.log) if len(items) > 3]
    n_items = int(max(items.max() for items in users))
    train, valid, test = ([u[:end] for u in users] for end in (-2, -1, None))

    recommender = Recommender(train, n_items, conf, torch.device("cpu"), args.seed)
    model = recommender.model
    best, best_state = -1.0, None
    for epoch, losses in enumerate(recommender.fit(), start=1):
        metrics = evaluate(model, train, [v[-1] for v in valid], n_items, conf["eval"], conf["max_len"])
        print(epoch, losses, metrics)
        if metrics["ndcg"] > best:
            best, best_state = metrics["ndcg"], copy.deepcopy(model.state_dict())
    model.load_state_dict(best_state)
    print("test", evaluate(model, valid, [t[-1] for t in test], n_items, conf["eval"], conf["max_len"]))


if __name__ == "__main__":
    main()
