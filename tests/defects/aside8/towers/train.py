"""
Two-tower retrieval.

    python train.py --log events.csv --epochs 30 --lr 0.003
"""
import argparse

import torch

from evaluate import Candidates
from events import PrefixExamples, group, log_frequency, read_log, split_by_time
from towers import TwoTower, sampled_softmax


def get_parser():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--log", default="events.csv")
    p.add_argument("--epochs", type=int, default=30)
    p.add_argument("--batch_size", type=int, default=256)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--lr_gamma", type=float, default=0.95, help="factor of the learning rate per epoch")
    p.add_argument("--clip", type=float, default=5.0)
    p.add_argument("--emb_dim", type=int, default=32)
    p.add_argument("--out_dim", type=int, default=32)
    p.add_argument("--dropout", type=float, default=0.2)
    p.add_argument("--temperature", type=float, default=0.1)
    p.add_argument("--max_hist", type=int, default=20)
    p.add_argument("--n_cand", type=int, default=100, help="negatives per test user")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--device", default="cpu")
    return p


class Learner:
    def __init__(self, model, by_user, opt):
        self.model, self.opt = model, opt
        self.data = PrefixExamples(by_user, opt.max_hist)
        self.log_q = log_frequency(self.data.target, model.n_items).to(opt.device)
        self.optim = torch.optim.Adam(model.parameters(), lr=opt.lr)
        self.sched = torch.optim.lr_scheduler.ExponentialLR(self.optim, opt.lr_gamma)
        self.gen = torch.Generator().manual_seed(opt.seed)

    def one_epoch(self):
        self.model.train()
        total, n = 0.0, 0
        for hist, target in self.data.batches(self.opt.batch_size, self.gen):
            hist, target = hist.to(self.opt.device), target.to(self.opt.device)
            logits = self.model.similarity(hist, target)
            loss = sampled_softmax(logits, target, self.log_q[target])
            self.optim.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.opt.clip)
            self.optim.step()
            total += loss.detach() * len(target)
            n += len(target)
        self.sched.step()
        return float(total / n)


def main():
    opt = get_parser().parse_args()
    torch.manual_seed(opt.seed)
    users, items, times = read_log(opt.log)
    n_items = int(items.max())
    (tr_users, tr_items), test = split_by_time(users, items, times)
    by_user = group(tr_users, tr_items)
    model = TwoTower(n_items, opt).to(opt.device)
    learner = Learner(model, by_user, opt)
    judge = Candidates(by_user, *test, n_items, opt)
    for epoch in range(opt.epochs):
        loss = learner.one_epoch()
        print(f"[{epoch + 1}/{opt.epochs}] loss={loss:.4f}")
    hit, ndcg = judge(model)
    print(f"HR@10={hit:.4f} NDCG@10={ndcg:.4f}")


if __name__ == "__main__":
    main()
