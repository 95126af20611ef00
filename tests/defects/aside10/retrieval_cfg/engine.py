"""python engine.py events.csv features.csv"""
import copy
import csv
import sys

import numpy as np
import torch

from feeds import pad_right, read_events, sequences, split_at, target_share
from registry import config, make
from towers import Retrieval


class Engine:
    def __init__(self, seqs, features, cfg, device="cpu"):
        self.cfg, self.device = cfg, device
        torch.manual_seed(cfg["seed"])
        share = target_share(seqs, len(features) - 1)
        self.feed = make("feed", cfg, seqs, cfg["seed"])
        self.net = Retrieval(features, share, cfg).to(device)
        opt = cfg["optim"]
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=opt["lr"], weight_decay=0.0)
        self.warmup = torch.optim.lr_scheduler.LambdaLR(
            self.opt, lambda step: min(1.0, (step + 1) / opt["warmup_steps"])
        )

    def epoch(self):
        self.net.train()
        seen, total = 0, torch.zeros((), device=self.device)
        for past, nxt in self.feed:
            loss = self.net(past.to(self.device), nxt.to(self.device))
            self.opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.cfg["optim"]["clip"])
            self.opt.step()
            self.warmup.step()
            total += loss.detach() * len(nxt)
            seen += len(nxt)
        return float(total) / seen

    @torch.no_grad()
    def scores(self, histories):
        """Lists of items -> (B, n_items + 1), column 0 is no item"""
        self.net.eval()
        past = pad_right(histories, self.cfg["feed"]["max_len"]).to(self.device)
        return self.net.scores(past).cpu().numpy()


def evaluate(engine, seqs, later, k=10, bs=128):
    """Recall and MRR at k of each later user's first event that is new to him"""
    asked = [(seqs[u], next((i for i in s if i not in seqs[u]), 0)) for u, s in later.items() if u in seqs]
    asked = [(past, item) for past, item in asked if item]
    recall = mrr = 0.0
    for a in range(0, len(asked), bs):
        past, item = zip(*asked[a:a + bs])
        s = engine.scores(past)
        s[:, 0] = -np.inf
        for row, p in enumerate(past):
            s[row, p] = -np.inf
        top = np.argsort(-s, axis=1)[:, :k]
        _, place = np.nonzero(top == np.array(item)[:, None])
        recall += len(place)
        mrr += (1.0 / (place + 1)).sum()
    return recall / len(asked), mrr / len(asked)


def read_features(path, items):
    """item,category,store,... -> long (n_items + 1, 2)"""
    with open(path) as f:
        rows = {r[0]: r[1:3] for r in csv.reader(f)}
    return number([("", "")] + [tuple(rows.get(i, ("", ""))) for i in items])


def number(rows):
    seen = [{"": 0} for _ in rows[0]]
    return torch.tensor([[s.setdefault(v, len(s)) for s, v in zip(seen, row)] for row in rows])


def main(events, features):
    rows, items = read_events(events)
    before, test = split_at(rows)
    train, valid = split_at(before)
    cfg = config()
    engine = Engine(sequences(train), read_features(features, items), cfg)
    best, state = -1.0, None
    for e in range(cfg["epochs"]):
        loss = engine.epoch()
        recall, mrr = evaluate(engine, sequences(train), sequences(valid))
        print(f"epoch {e} loss {loss:.3f} recall {recall:.4f} mrr {mrr:.4f}")
        if mrr > best:
            best, state = mrr, copy.deepcopy(engine.net.state_dict())
    engine.net.load_state_dict(state)
    print("test recall %.4f mrr %.4f" % evaluate(engine, sequences(before), sequences(test)))


if __name__ == "__main__":
    main(*sys.argv[1:3])
