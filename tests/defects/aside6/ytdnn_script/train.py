# Candidate generation with bags of features and an MLP (after Covington, Adams & Sargin, RecSys 2016).
#   python train.py --data ratings.csv          columns: user,item,timestamp,category
import argparse
import csv
import math
import time
from collections import defaultdict

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument('--data', default='ratings.csv')
parser.add_argument('--epochs', type=int, default=6)
parser.add_argument('--passes', type=int, default=3, help='passes over the examples per epoch')
parser.add_argument('--batch', type=int, default=128)
parser.add_argument('--lr', type=float, default=0.008)
parser.add_argument('--gamma', type=float, default=0.8, help='decay of the learning rate per epoch')
parser.add_argument('--wd', type=float, default=1e-5)
parser.add_argument('--clip', type=float, default=5.0)
parser.add_argument('--dim', type=int, default=32)
parser.add_argument('--cat_dim', type=int, default=8)
parser.add_argument('--hidden', type=int, default=64)
parser.add_argument('--dropout', type=float, default=0.2)
parser.add_argument('--max_bag', type=int, default=20, help='newest events in the bag of items')
parser.add_argument('--recency', type=float, default=0.8, help='weight of an event against the next newer one')
parser.add_argument('--n_neg', type=int, default=80, help='sampled negatives per batch')
parser.add_argument('--power', type=float, default=0.75)
parser.add_argument('--topk', type=int, default=10)
parser.add_argument('--seed', type=int, default=1)
opt = parser.parse_args() if __name__ == '__main__' else parser.parse_args([])

DEVICE = torch.device('cpu')
# filled by setup()
ITEMS = TIMES = EXAMPLES = ITEM_CAT = Q = None
N_ITEMS = N_CATS = 0
T_END = T_SPAN = 1


def setup(items, times, offsets, item_cat):
    """items, times: (N,) by user, then time; user u's events at offsets[u]:offsets[u + 1]; item_cat: (n_items + 1,)."""
    global ITEMS, TIMES, EXAMPLES, ITEM_CAT, N_ITEMS, N_CATS, Q, T_END, T_SPAN
    ITEMS, TIMES = np.asarray(items), np.asarray(times)
    ITEM_CAT = torch.as_tensor(item_cat).to(DEVICE)
    N_ITEMS, N_CATS = len(item_cat) - 1, int(max(item_cat)) + 1
    T_END = int(TIMES.max())
    T_SPAN = max(int(TIMES.max() - TIMES.min()), 1)

    # one example per event that has a past: (begin of the bag, the event itself)
    EXAMPLES = []
    for u in range(len(offsets) - 1):
        start, end = int(offsets[u]), int(offsets[u + 1])
        for t in range(start + 1, end):
            EXAMPLES.append((max(start, t - opt.max_bag), t))
    EXAMPLES = np.array(EXAMPLES)

    counts = np.bincount(ITEMS, minlength=N_ITEMS + 1).astype(np.float64)
    counts = np.maximum(counts, 1.0) ** opt.power
    counts[0] = 0.0
    Q = torch.tensor(counts / counts.sum(), dtype=torch.float32, device=DEVICE)


def bag(histories, ages):
    """histories: B arrays of items, oldest first; ages: B floats. Returns what the tower reads."""
    lens = torch.tensor([len(h) for h in histories])
    flat = torch.as_tensor(np.concatenate(histories)).to(DEVICE)
    offsets = torch.cat([torch.zeros(1, dtype=torch.long), lens.cumsum(0)[:-1]])
    weights = [opt.recency ** np.arange(n - 1, -1, -1) for n in lens.tolist()]
    weights = torch.tensor(np.concatenate([w / w.sum() for w in weights]), dtype=torch.float32)
    dense = torch.stack([
        torch.as_tensor(ages, dtype=torch.float32),
        torch.log1p(lens.float()) / math.log1p(opt.max_bag),
    ], dim=1)
    return flat, ITEM_CAT[flat], offsets.to(DEVICE), weights.to(DEVICE), dense.to(DEVICE)


class BagMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.item_bag = nn.EmbeddingBag(N_ITEMS + 1, opt.dim, mode='sum')
        self.cat_bag = nn.EmbeddingBag(N_CATS, opt.cat_dim, mode='sum')
        self.fc1 = nn.Linear(opt.dim + opt.cat_dim + 2, opt.hidden)
        self.bn1 = nn.BatchNorm1d(opt.hidden)
        self.drop = nn.Dropout(opt.dropout)
        self.fc2 = nn.Linear(opt.hidden, opt.dim)
        self.out = nn.Embedding(N_ITEMS + 1, opt.dim)
        self.bias = nn.Embedding(N_ITEMS + 1, 1)
        nn.init.normal_(self.item_bag.weight, std=0.1)
        nn.init.normal_(self.cat_bag.weight, std=0.1)
        nn.init.normal_(self.out.weight, std=0.1)
        nn.init.zeros_(self.bias.weight)

    def tower(self, items, cats, offsets, weights, dense):
        watched = self.item_bag(items, offsets, per_sample_weights=weights)
        themes = self.cat_bag(cats, offsets, per_sample_weights=weights)
        x = torch.cat([watched, themes, dense], dim=1)
        x = F.relu(self.bn1(self.fc1(x)))
        x = self.drop(x)
        return self.fc2(x)  # B x dim

    def forward(self, inputs, pos, neg):
        """pos: (B,); neg: (S,), shared by the batch. Returns logits of the positive and of the negatives."""
        u = self.tower(*inputs)
        pos_logit = (u * self.out(pos)).sum(1, keepdim=True) + self.bias(pos)
        neg_logit = u @ self.out(neg).t() + self.bias(neg).t()
        return pos_logit, neg_logit

    def predict(self, inputs):
        u = self.tower(*inputs)
        return u @ self.out.weight.t() + self.bias.weight.t()


def sampled_softmax(pos_logit, neg_logit, pos, neg):
    # expected counts of the sampler are taken off, and negatives that happen to be the positive drop out
    pos_logit = pos_logit - torch.log(Q[pos] * opt.n_neg).unsqueeze(1)
    neg_logit = neg_logit - torch.log(Q[neg] * opt.n_neg)
    hits = pos.unsqueeze(1) == neg
    neg_logit = neg_logit.masked_fill(hits, -1e9)
    logits = torch.cat([pos_logit, neg_logit], dim=1)
    return F.cross_entropy(logits, torch.zeros_like(pos))


def make_optimizer(model):
    tables = [model.item_bag.weight, model.cat_bag.weight, model.out.weight, model.bias.weight]
    dense = [*model.fc1.parameters(), *model.bn1.parameters(), *model.fc2.parameters()]
    optimizer = torch.optim.Adam([
        {'params': tables},
        {'params': dense, 'weight_decay': opt.wd},
    ], lr=opt.lr)
    return optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, opt.gamma)


def train_epoch(model, optimizer, scheduler):
    model.train()
    total = 0.0
    for _ in range(opt.passes):
        order = np.random.permutation(len(EXAMPLES))
        for i in range(0, len(order), opt.batch):
            rows = EXAMPLES[order[i:i + opt.batch]]
            ages = (T_END - TIMES[rows[:, 1]]) / T_SPAN
            inputs = bag([ITEMS[a:t] for a, t in rows], ages)
            pos = torch.as_tensor(ITEMS[rows[:, 1]]).to(DEVICE)
            neg = torch.multinomial(Q, opt.n_neg, replacement=True)

            optimizer.zero_grad()
            pos_logit, neg_logit = model(inputs, pos, neg)
            loss = sampled_softmax(pos_logit, neg_logit, pos, neg)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), opt.clip)
            optimizer.step()
            total += loss.detach() * len(rows)
    scheduler.step()
    return float(total) / (opt.passes * len(EXAMPLES))


@torch.no_grad()
def predict(model, histories):
    """histories: B arrays of items, oldest first, none empty. Returns (B, N_ITEMS + 1)."""
    model.eval()
    histories = [h[-opt.max_bag:] for h in histories]
    scores = model.predict(bag(histories, np.zeros(len(histories))))
    scores[:, 0] = -1e9
    return scores


def evaluate(model, histories, truth):
    """histories: user -> items so far; truth: user -> the next item. Returns hit rate and NDCG at topk."""
    users = sorted(truth)
    hr = ndcg = 0.0
    for i in range(0, len(users), 256):
        part = users[i:i + 256]
        scores = predict(model, [histories[u] for u in part])
        for row, u in enumerate(part):
            scores[row, histories[u]] = -1e9
        top = scores.topk(opt.topk, dim=1).indices
        found = top.cpu() == torch.tensor([truth[u] for u in part]).unsqueeze(1)
        rank = found.float().argmax(1)
        hit = found.any(1)
        hr += hit.sum().item()
        ndcg += (hit / torch.log2(rank + 2.0)).sum().item()
    return hr / len(users), ndcg / len(users)


# ---- the shop -------------------------------------------------------------------------------------------------------

class Shop:
    def __init__(self, seed):
        torch.manual_seed(seed)
        np.random.seed(seed)
        self.model = BagMLP().to(DEVICE)
        self.optimizer, self.scheduler = make_optimizer(self.model)

    def fit(self):
        while True:
            yield {'loss': train_epoch(self.model, self.optimizer, self.scheduler)}

    def score(self, users, histories):
        rows = [h[h > 0] for h in np.asarray(histories)]
        return predict(self.model, [h if len(h) else np.zeros(1, dtype=np.int64) for h in rows]).cpu().numpy()

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    global DEVICE
    DEVICE = torch.device(device)
    names = {}
    categories = data.item_columns.categories
    item_cat = [names.setdefault(tuple(categories[i])[-1:], len(names)) for i in range(data.n_items + 1)]
    setup(data.items, data.timestamps, data.offsets, item_cat)
    return Shop(seed)


def main():
    torch.manual_seed(opt.seed)
    np.random.seed(opt.seed)
    with open(opt.data) as f:
        rows = sorted(((int(r['user']), int(r['timestamp']), int(r['item']), int(r['category'])) for r in csv.DictReader(f)))
    item_cat = [0] * (max(r[2] for r in rows) + 1)
    log = defaultdict(list)
    for user, ts, item, cat in rows:
        item_cat[item] = cat
        log[user].append((item, ts))
    log = {u: events for u, events in log.items() if len(events) > 3}

    train = [events[:-2] for events in log.values()]
    offsets = np.concatenate([[0], np.cumsum([len(e) for e in train])])
    setup([i for e in train for i, _ in e], [t for e in train for _, t in e], offsets, item_cat)
    past = {u: np.array([i for i, _ in events[:-2]]) for u, events in log.items()}
    valid = {u: events[-2][0] for u, events in log.items()}

    model = BagMLP().to(DEVICE)
    optimizer, scheduler = make_optimizer(model)
    best = 0.0
    for epoch in range(opt.epochs):
        begin = time.time()
        loss = train_epoch(model, optimizer, scheduler)
        hr, ndcg = evaluate(model, past, valid)
        print('epoch %d loss %.4f valid HR %.4f NDCG %.4f (%.1f s)' % (epoch, loss, hr, ndcg, time.time() - begin))
        if ndcg > best:
            best = ndcg
            torch.save(model.state_dict(), 'best.pt')

    model.load_state_dict(torch.load('best.pt'))
    past = {u: np.append(past[u], valid[u]) for u in past}
    print('test HR %.4f NDCG %.4f' % evaluate(model, past, {u: events[-1][0] for u, events in log.items()}))


if __name__ == '__main__':
    main()
