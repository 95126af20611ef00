"""python run.py sessions.txt     one session a line, ids from 1, separated by blanks"""

import random
import sys

import numpy as np
import torch
from srgnn.batches import SessionData, graphs
from srgnn.engine import Engine
from srgnn.preprocess import cached, hold_out_last, split_log

OPT = {
    "hidden_size": 64,
    "step": 1,
    "nonhybrid": False,
    "scale": 12.0,
    "dropout": 0.2,
    "batch_size": 100,
    "lr": 3e-3,
    "lr_dc": 0.5,
    "lr_dc_step": 5,
    "l2": 1e-5,
    "max_len": 19,
}


def set_seeds(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class SRGNN:
    def __init__(self, data, device, seed):
        prefixes, labels = cached(split_log(data.items, data.offsets), OPT["max_len"])
        self.train_data = SessionData(prefixes, labels, shuffle=True, seed=seed)
        self.engine = Engine(OPT, data.n_items, device)
        self.n_items = data.n_items

    def fit(self):
        while True:
            yield {"loss": self.engine.train(self.train_data)}

    def score(self, users, histories):
        sessions = [row[row > 0][-OPT["max_len"] :].tolist() for row in np.asarray(histories)]
        scores = self.engine.scores(graphs(sessions))
        out = torch.full((len(sessions), self.n_items + 1), -1e4)
        out[:, 1:] = scores.cpu()
        return out

    def item_embeddings(self):
        return torch.nn.functional.normalize(self.engine.model.embedding.weight.detach(), dim=-1)

    def state_dict(self):
        return self.engine.model.state_dict()

    def load_state_dict(self, state):
        self.engine.model.load_state_dict(state)


def build(data, *, device, seed):
    set_seeds(seed)
    return SRGNN(data, device, seed)


def main(path, epochs=30, patience=5):
    set_seeds(2026)
    with open(path) as f:
        sequences = [[int(x) for x in line.split()] for line in f]
    train, valid, test = hold_out_last(sequences)
    engine = Engine(OPT, max(max(s) for s in sequences), "cuda" if torch.cuda.is_available() else "cpu")
    train_data = SessionData(*cached(train, OPT["max_len"]), shuffle=True)
    valid_data = SessionData(*valid, shuffle=False)
    test_data = SessionData(*test, shuffle=False)
    best, bad, kept = -1.0, 0, None
    for epoch in range(epochs):
        loss = engine.train(train_data)
        recall, mrr = engine.test(valid_data)
        print(f"epoch {epoch} loss {loss:.3f} valid Recall@20 {recall:.2f} MRR@20 {mrr:.2f}")
        if mrr > best:
            best, bad = mrr, 0
            kept = {k: v.clone() for k, v in engine.model.state_dict().items()}
        else:
            bad += 1
            if bad >= patience:
                break
    engine.model.load_state_dict(kept)
    print("test Recall@20 %.2f MRR@20 %.2f" % engine.test(test_data))


if __name__ == "__main__":
    main(sys.argv[1])
