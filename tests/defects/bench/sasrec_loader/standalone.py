"""python standalone.py log.csv: train with the paper's protocol, keep the best epoch, report once."""

import copy
import sys
from collections import defaultdict

import torch
from config import cfg
from dataset import get_loader
from evaluate import evaluate, leave_one_out
from network import SeqNet
from trainer import Trainer


def read(path):
    log = defaultdict(list)
    with open(path) as f:
        rows = sorted((line.strip().split(",") for line in f), key=lambda r: (int(r[0]), int(r[2])))
    for user, item, _ in rows:
        log[int(user)].append(int(item))
    return log


def main(path, epochs=50):
    log = read(path)
    n_items = max(max(v) for v in log.values())
    train, valid, test = leave_one_out(log)
    net = SeqNet(n_items, cfg)
    trainer = Trainer(net, get_loader(train, n_items, cfg, 0), cfg, "cpu")
    best, best_state = 0.0, None
    for epoch in range(epochs):
        trainer.run_epoch()
        hr, ndcg = evaluate(net, train, valid)
        if ndcg > best:
            best, best_state = ndcg, copy.deepcopy(net.state_dict())
        print(epoch, hr, ndcg)
    net.load_state_dict(best_state)
    both = {u: train[u] + [valid[u]] for u in valid}
    print("test", evaluate(net, both, test))


if __name__ == "__main__":
    torch.manual_seed(0)
    main(sys.argv[1])
