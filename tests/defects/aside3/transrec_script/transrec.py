#!/usr/bin/env python
# TransRec (He, Kang & McAuley, RecSys'17): a user is a translation from the last item to the next one.
#   score(u, i -> j) = beta_j - || gamma_i + t + t_u - gamma_j ||^2
# Everything is vectorised; no DataLoader.
import argparse
import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser("transrec")
parser.add_argument("--dim", type=int, default=32)
parser.add_argument("--lr", type=float, default=4e-3)
parser.add_argument("--lr_decay", type=float, default=0.96, help="per epoch")
parser.add_argument("--batch", type=int, default=64)
parser.add_argument("--num_neg", type=int, default=4)
parser.add_argument("--reg_user", type=float, default=2e-2)
parser.add_argument("--reg_bias", type=float, default=1e-3)
parser.add_argument("--margin_scale", type=float, default=2.5)
parser.add_argument("--clip", type=float, default=5.0)
parser.add_argument("--dev_every", type=int, default=6, help="every n-th user gives his newest event to dev")
parser.add_argument("--topk", type=int, default=10)
args = parser.parse_args([])


# ---------------------------------------------------------------- data


def read_log(data):
    """Consecutive events of a user as rows (user, previous, next); the dev users keep their newest one back."""
    by_user = np.lexsort((data.timestamps, data.users))
    user, item = data.users[by_user], data.items[by_user]
    same = user[1:] == user[:-1]
    trans = np.stack([user[1:], item[:-1], item[1:]], axis=1)[same]
    newest = np.append(trans[1:, 0] != trans[:-1, 0], True)
    is_dev = newest & (trans[:, 0] % args.dev_every == 0)
    return trans[~is_dev], trans[is_dev]


def user_item_table(trans, n_users, n_items):
    seen = np.zeros((n_users + 1, n_items + 1), dtype=bool)
    seen[trans[:, 0], trans[:, 1]] = True
    seen[trans[:, 0], trans[:, 2]] = True
    seen[:, 0] = True
    return seen


def draw_negatives(rng, seen, users, n):
    """n items for each row that its user has not touched; hits are drawn again a few times."""
    neg = rng.integers(1, seen.shape[1], size=(len(users), n))
    for _ in range(8):
        hit = seen[users[:, None], neg]
        if not hit.any():
            break
        neg[hit] = rng.integers(1, seen.shape[1], size=hit.sum())
    return neg


# ---------------------------------------------------------------- model


class TransRec(nn.Module):
    def __init__(self, n_users, n_items, dim):
        super().__init__()
        self.gamma = nn.Embedding(n_items + 1, dim, padding_idx=0)
        self.beta = nn.Embedding(n_items + 1, 1)
        self.t_user = nn.Embedding(n_users + 1, dim)
        self.t_all = nn.Parameter(torch.zeros(dim))
        self.scale = args.margin_scale
        nn.init.normal_(self.gamma.weight, std=dim**-0.5)
        nn.init.zeros_(self.beta.weight)
        nn.init.zeros_(self.t_user.weight)
        with torch.no_grad():
            self.gamma.weight[0] = 0

    def where_to(self, user, prev):
        return self.gamma(prev) + self.t_all + self.t_user(user)

    def forward(self, user, prev, nxt):
        """user, prev (B,), nxt (B, K) -> (B, K)"""
        point = self.where_to(user, prev).unsqueeze(1)
        dist = (point - self.gamma(nxt)).pow(2).sum(-1)
        return self.beta(nxt).squeeze(-1) - self.scale * dist

    def all_scores(self, user, prev):
        point = self.where_to(user, prev)
        dist = torch.cdist(point, self.gamma.weight).pow(2)
        return self.beta.weight.squeeze(-1) - self.scale * dist

    @torch.no_grad()
    def project(self):
        """Items live in the unit ball."""
        w = self.gamma.weight
        w.div_(w.norm(dim=1, keepdim=True).clamp(min=1.0))


def bpr(pos, neg):
    return -F.logsigmoid(pos - neg).mean()


# ---------------------------------------------------------------- dev


@torch.no_grad()
def dev_metrics(net, dev, seen, device):
    net.eval()
    user = torch.as_tensor(dev[:, 0], device=device)
    prev = torch.as_tensor(dev[:, 1], device=device)
    target = torch.as_tensor(dev[:, 2], device=device)
    scores = net.all_scores(user, prev)
    rows = torch.arange(len(dev), device=device)
    gold = scores[rows, target].clone()
    scores[torch.as_tensor(seen[dev[:, 0]], device=device)] = -torch.inf
    scores[rows, target] = -torch.inf
    rank = (scores >= gold[:, None]).sum(1)
    gain = torch.where(rank < args.topk, 1.0 / torch.log2(rank + 2.0), torch.zeros(()))
    return {"dev_hit": (rank < args.topk).float().mean().item(), "dev_ndcg": gain.mean().item()}


# ---------------------------------------------------------------- training


class Runner:
    def __init__(self, data, device, seed):
        self.device = device
        self.rng = np.random.default_rng(seed)
        self.trans, self.dev = read_log(data)
        self.seen = user_item_table(self.trans, data.n_users, data.n_items)
        self.net = TransRec(data.n_users, data.n_items, args.dim).to(device)
        self.opt = torch.optim.Adam(self.net.parameters(), lr=args.lr)
        self.sched = torch.optim.lr_scheduler.ExponentialLR(self.opt, args.lr_decay)
        self.best, self.best_ndcg = None, -1.0

    def train_one_epoch(self):
        self.net.train()
        order = self.rng.permutation(len(self.trans))
        running = torch.zeros((), device=self.device)
        for start in range(0, len(order), args.batch):
            rows = self.trans[order[start : start + args.batch]]
            neg = draw_negatives(self.rng, self.seen, rows[:, 0], args.num_neg)
            user, prev, pos = torch.from_numpy(rows).to(self.device).unbind(1)
            neg = torch.from_numpy(neg).to(self.device)
            pos_score = self.net(user, prev, pos.unsqueeze(1))
            neg_score = self.net(user, prev, neg)
            loss = bpr(pos_score, neg_score)
            reg = args.reg_user * self.net.t_user(user).pow(2).sum(1).mean()
            reg = reg + args.reg_bias * self.net.beta(pos).pow(2).mean()
            self.opt.zero_grad()
            (loss + reg).backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), args.clip)
            self.opt.step()
            self.net.project()
            running += loss.detach() * len(rows)
        self.sched.step()
        return running.item() / len(order)

    def fit(self):
        epoch = 0
        while True:
            epoch += 1
            report = {"bpr": self.train_one_epoch(), **dev_metrics(self.net, self.dev, self.seen, self.device)}
            if report["dev_ndcg"] > self.best_ndcg:
                self.best_ndcg = report["dev_ndcg"]
                self.best = copy.deepcopy(self.net.state_dict())
            yield {"epoch": epoch, **report}

    @torch.no_grad()
    def score(self, users, histories):
        self.net.eval()
        user = torch.as_tensor(np.asarray(users), device=self.device)
        prev = torch.as_tensor(np.asarray(histories)[:, -1], device=self.device)
        return self.net.all_scores(user, prev).cpu().numpy()

    def item_embeddings(self):
        return self.net.gamma.weight.detach().cpu().numpy()

    def state_dict(self):
        return self.net.state_dict()

    def load_state_dict(self, state):
        self.net.load_state_dict(state)


def build(data, *, device, seed):
    torch.manual_seed(seed)
    return Runner(data, torch.device(device), seed)
