# STAMP-like short-term attention, all functions, one file. Parameters live in a dict.
import math

import numpy as np
import torch
import torch.nn.functional as F

DIM = 48
LR = 0.004
BATCH = 128
DROP = 0.25
KEEP = 20
L2 = 1e-5
NEG = 20


def init_params(n_items, dim, gen):
    def glorot(rows, cols):
        lim = math.sqrt(6 / (rows + cols))
        return ((torch.rand(rows, cols, generator=gen) * 2 - 1) * lim).requires_grad_()

    p = {}
    p["E"] = (0.1 * torch.randn(n_items + 1, dim, generator=gen)).requires_grad_()
    p["W1"] = glorot(dim, dim)
    p["W2"] = glorot(dim, dim)
    p["w0"] = glorot(dim, 1)
    p["ba"] = torch.zeros(dim, requires_grad=True)
    p["Wa"] = glorot(dim, dim)
    p["Wt"] = glorot(dim, dim)
    p["b"] = torch.zeros(n_items + 1, requires_grad=True)
    return p


def dropout(x, training):
    return F.dropout(x, DROP, training=training)


def session_vector(p, x, training):
    """x (B, L) -> (B, dim): attention over the events, asked by the newest one and by their mean."""
    mask = (x > 0).float().unsqueeze(-1)
    e = F.embedding(x, p["E"]) * mask
    e = dropout(e, training)
    mean = e.sum(1) / mask.sum(1).clamp(min=1)
    last = e[:, -1]
    act = torch.sigmoid(e @ p["W1"] + (last @ p["W2"]).unsqueeze(1) + mean.unsqueeze(1) + p["ba"])
    att = (act @ p["w0"]) * mask
    ma = (att * e).sum(1) + mean
    hs = torch.tanh(ma @ p["Wa"])
    ht = torch.tanh(last @ p["Wt"])
    return hs + ht + last


def logits(p, h, items):
    """h (B, dim), items (B, K) -> (B, K)"""
    return torch.einsum("bd,bkd->bk", h, F.embedding(items, p["E"])) + p["b"][items]


def all_logits(p, h):
    return h @ p["E"].T + p["b"]


def draw_negatives(seen, users, n_items, gen):
    neg = torch.randint(1, n_items + 1, (len(users), NEG), generator=gen)
    bad = seen[users].gather(1, neg)
    while bad.any():
        redo = torch.randint(1, n_items + 1, (int(bad.sum()),), generator=gen)
        neg[bad] = redo
        bad = seen[users].gather(1, neg)
    return neg


def batches(state, gen):
    perm = torch.randperm(len(state["y"]), generator=gen)
    for chunk in perm.split(BATCH):
        yield state["x"][chunk], state["y"][chunk], state["u"][chunk]


def loss_fn(p, x, y, neg):
    h = session_vector(p, x, True)
    pos = logits(p, h, y.unsqueeze(1))
    out = logits(p, h, neg)
    bce = F.softplus(-pos).mean() + F.softplus(out).mean()
    return bce


def l2_penalty(p):
    return L2 * sum(v.pow(2).sum() for v in p.values())


def prepare(data):
    xs, ys, us = [], [], []
    seen = torch.zeros(data.n_users + 1, data.n_items + 1, dtype=torch.bool)
    for u in range(1, data.n_users + 1):
        s = data.items[data.offsets[u] : data.offsets[u + 1]]
        seen[u, torch.as_tensor(s)] = True
        for t in range(1, len(s)):
            row = np.zeros(KEEP, dtype=np.int64)
            part = s[:t][-KEEP:]
            row[KEEP - len(part) :] = part
            xs.append(row)
            ys.append(s[t])
            us.append(u)
    return {
        "x": torch.tensor(np.array(xs)),
        "y": torch.tensor(np.array(ys)),
        "u": torch.tensor(us),
        "seen": seen,
        "n_items": data.n_items,
    }


def train_one_epoch(p, opt, state, gen):
    total = 0.0
    n = 0
    for x, y, u in batches(state, gen):
        neg = draw_negatives(state["seen"], u, state["n_items"], gen)
        opt.zero_grad()
        loss = loss_fn(p, x, y, neg) + l2_penalty(p)
        loss.backward()
        opt.step()
        total += loss.detach()
        n += 1
    return (total / n).item()


class Handle:
    def __init__(self, data, seed):
        self.gen = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.state = prepare(data)
        self.p = init_params(data.n_items, DIM, self.gen)
        self.opt = torch.optim.Adam(list(self.p.values()), lr=LR)

    def fit(self):
        while True:
            yield {"loss": train_one_epoch(self.p, self.opt, self.state, self.gen)}

    def score(self, users, histories):
        x = torch.as_tensor(histories)[:, -KEEP:]
        with torch.no_grad():
            return all_logits(self.p, session_vector(self.p, x, False))

    def item_embeddings(self):
        return self.p["E"].detach()

    def state_dict(self):
        return {k: v.detach().clone() for k, v in self.p.items()}

    def load_state_dict(self, state):
        with torch.no_grad():
            for k, v in state.items():
                self.p[k].copy_(v)


def build(data, *, device, seed):
    return Handle(data, seed)
