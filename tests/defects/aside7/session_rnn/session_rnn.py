# -*- coding: utf-8 -*-
"""
Session-based recommendation with a GRU (one class, plain numpy batches).

    python session_rnn.py clicks.csv --n_epochs 10 --layers 1 --rnn_size 64

clicks.csv has the columns session, item, time, category (tab separated, with a header).
"""
import argparse
import copy
import csv

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


# ---------------------------------------------------------------- data

def read_clicks(path):
    """-> {session: [(time, item), ...]} in time order, {item: category}"""
    sessions, category = {}, {}
    with open(path) as f:
        for row in csv.DictReader(f, delimiter='\t'):
            sessions.setdefault(row['session'], []).append((float(row['time']), row['item']))
            category[row['item']] = row['category']
    for clicks in sessions.values():
        clicks.sort(key=lambda c: c[0])
    return sessions, category


def split_by_time(sessions, test_share=0.1):
    """Whole sessions; those that start last are the test set."""
    names = sorted(sessions, key=lambda s: sessions[s][0][0])
    cut = int(len(names) * (1 - test_share))
    train = {s: sessions[s] for s in names[:cut]}
    test = {s: sessions[s] for s in names[cut:]}
    return train, test


def number_items(train, category):
    """Items and categories are numbered from 1, in the order in which training meets them."""
    items, cats = {}, {}
    for clicks in train.values():
        for _, item in clicks:
            if item not in items:
                items[item] = len(items) + 1
    item_cat = np.zeros(len(items) + 1, dtype=np.int64)
    for item, i in items.items():
        item_cat[i] = cats.setdefault(category[item], len(cats) + 1)
    return items, item_cat


def to_arrays(sessions, items, min_len=2):
    """Sessions as arrays of item numbers; items that training never met are left out."""
    arrays = []
    for clicks in sessions.values():
        s = [items[item] for _, item in clicks if item in items]
        if len(s) >= min_len:
            arrays.append(np.array(s, dtype=np.int64))
    return arrays


class SessionBatches(object):
    """Right-padded batches of sessions: inputs x, next items y (0 = nothing to predict), lengths."""

    def __init__(self, sessions, batch_size, max_len, rng):
        self.sessions = sessions
        self.batch_size = batch_size
        self.max_len = max_len
        self.rng = rng

    def __iter__(self):
        order = np.arange(len(self.sessions))
        self.rng.shuffle(order)
        for start in range(0, len(order), self.batch_size):
            chosen = [self.sessions[i][-(self.max_len + 1):] for i in order[start:start + self.batch_size]]
            lengths = np.array([len(s) - 1 for s in chosen])
            x = np.zeros((len(chosen), lengths.max()), dtype=np.int64)
            y = np.zeros_like(x)
            for row, s in enumerate(chosen):
                x[row, :len(s) - 1] = s[:-1]
                y[row, :len(s) - 1] = s[1:]
            yield x, y, lengths


class PopularitySampler(object):
    """Draws items with probability ~ count ** alpha, by inverting the cumulative distribution."""

    def __init__(self, sessions, n_items, alpha, rng):
        count = np.bincount(np.concatenate(sessions), minlength=n_items + 1)[1:]
        weight = np.maximum(count, 1) ** alpha
        self.prob = weight / weight.sum()
        self.cdf = self.prob.cumsum()
        self.rng = rng

    def draw(self, size):
        drawn = np.searchsorted(self.cdf, self.rng.random_sample(size) * self.cdf[-1], side='right') + 1
        return drawn.astype(np.int64)

    def log_q(self):
        """(n_items + 1,), entry 0 is never asked for"""
        return np.concatenate([[0.], np.log(self.prob)]).astype(np.float32)


# ---------------------------------------------------------------- network

class Net(nn.Module):
    def __init__(self, n_items, item_cat, emb_size, rnn_size, layers, drop_emb, drop_hid):
        super(Net, self).__init__()
        self.register_buffer('item_cat', torch.as_tensor(item_cat))
        self.item_emb = nn.Embedding(n_items + 1, emb_size, padding_idx=0)
        self.cat_emb = nn.Embedding(int(item_cat.max()) + 1, emb_size, padding_idx=0)
        self.drop_emb = nn.Dropout(drop_emb)
        self.gru = nn.GRU(emb_size, rnn_size, layers, batch_first=True)
        self.drop_hid = nn.Dropout(drop_hid)
        self.Wy = nn.Embedding(n_items + 1, rnn_size, padding_idx=0)
        self.By = nn.Embedding(n_items + 1, 1, padding_idx=0)
        self.reset()

    def reset(self):
        for table in (self.item_emb, self.cat_emb, self.Wy):
            nn.init.normal_(table.weight, std=table.embedding_dim ** -0.5)
            with torch.no_grad():
                table.weight[0].zero_()
        nn.init.zeros_(self.By.weight)

    def forward(self, x, lengths):
        """x (B, T) right-padded -> hidden states (B, T, H)"""
        e = self.drop_emb(self.item_emb(x) + self.cat_emb(self.item_cat[x]))
        packed = nn.utils.rnn.pack_padded_sequence(e, lengths, batch_first=True, enforce_sorted=False)
        out, _ = self.gru(packed)
        out, _ = nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=x.size(1))
        return self.drop_hid(out)

    def last_state(self, x, lengths):
        out = self.forward(x, lengths)
        return out[torch.arange(len(x), device=x.device), lengths.to(x.device) - 1]

    def all_logits(self, h):
        return h @ self.Wy.weight.t() + self.By.weight.squeeze(1)


# ---------------------------------------------------------------- model

class SessionRNN(object):
    def __init__(self, n_items, item_cat, emb_size=48, rnn_size=64, layers=1, drop_emb=0.1, drop_hid=0.2,
                 n_sample=64, sample_alpha=0.5, batch_size=8, max_len=50, lr=0.005, lr_decay=0.93,
                 clip=1.0, seed=42, device='cpu'):
        self.n_items = n_items
        self.n_sample = n_sample
        self.sample_alpha = sample_alpha
        self.batch_size = batch_size
        self.max_len = max_len
        self.clip = clip
        self.device = device
        self.rng = np.random.RandomState(seed)
        torch.manual_seed(seed)
        self.net = Net(n_items, item_cat, emb_size, rnn_size, layers, drop_emb, drop_hid).to(device)
        self.optim = torch.optim.Adam(self.net.parameters(), lr=lr)
        self.sched = torch.optim.lr_scheduler.ExponentialLR(self.optim, lr_decay)

    def prepare(self, sessions):
        self.batches = SessionBatches(sessions, self.batch_size, self.max_len, self.rng)
        self.sampler = PopularitySampler(sessions, self.n_items, self.sample_alpha, self.rng)
        self.log_q = torch.as_tensor(self.sampler.log_q(), device=self.device)

    def sampled_loss(self, h, y):
        """h (M, H), y (M,): cross-entropy of y among itself and the drawn items (all rows share them)"""
        drawn = torch.as_tensor(self.sampler.draw(self.n_sample), device=self.device)
        pos = (h * self.net.Wy(y)).sum(1) + self.net.By(y).squeeze(1) - self.log_q[y]
        neg = h @ self.net.Wy(drawn).t() + self.net.By(drawn).squeeze(1) - self.log_q[drawn]
        neg = neg.masked_fill(drawn[None, :] == y[:, None], -1e9)
        logits = torch.cat([pos[:, None], neg], dim=1)
        return F.cross_entropy(logits, torch.zeros_like(y))

    def train_epoch(self):
        self.net.train()
        losses, sizes = [], []
        for x, y, lengths in self.batches:
            x = torch.as_tensor(x, device=self.device)
            y = torch.as_tensor(y, device=self.device)
            h = self.net(x, torch.as_tensor(lengths))
            asked = y > 0
            loss = self.sampled_loss(h[asked], y[asked])
            self.optim.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
            self.optim.step()
            losses.append(loss.detach())
            sizes.append(int(lengths.sum()))
        self.sched.step()
        return float(np.average(torch.stack(losses).cpu().numpy(), weights=sizes))

    @torch.no_grad()
    def predict(self, sessions):
        """list of arrays -> scores (B, n_items + 1); an empty session is asked with the padding item"""
        self.net.eval()
        past = [s[-self.max_len:] if len(s) else np.zeros(1, dtype=np.int64) for s in sessions]
        lengths = torch.as_tensor([len(s) for s in past])
        x = np.zeros((len(past), int(lengths.max())), dtype=np.int64)
        for row, s in enumerate(past):
            x[row, :len(s)] = s
        h = self.net.last_state(torch.as_tensor(x, device=self.device), lengths)
        return self.net.all_logits(h).cpu().numpy()


def evaluate(model, sessions, k=20, batch_size=256):
    """Recall, MRR and NDCG at k of each session's last item, among itself and the items that the session lacks."""
    recall, mrr, ndcg = 0., 0., 0.
    for start in range(0, len(sessions), batch_size):
        part = sessions[start:start + batch_size]
        past = [s[:-1] for s in part]
        scores = model.predict(past)
        scores[:, 0] = -np.inf
        for row, s in enumerate(past):
            scores[row, s[s != part[row][-1]]] = -np.inf
        top = np.argsort(-scores, axis=1, kind='stable')[:, :k]
        for row, s in enumerate(part):
            where = np.flatnonzero(top[row] == s[-1])
            if len(where):
                rank = where[0] + 1
                recall += 1
                mrr += 1. / rank
                ndcg += 1. / np.log2(rank + 1)
    n = len(sessions)
    return {'recall': recall / n, 'mrr': mrr / n, 'ndcg': ndcg / n}


def main():
    p = argparse.ArgumentParser()
    p.add_argument('clicks')
    p.add_argument('--n_epochs', type=int, default=10)
    p.add_argument('--layers', type=int, default=1)
    p.add_argument('--rnn_size', type=int, default=64)
    p.add_argument('--patience', type=int, default=3)
    args = p.parse_args()

    sessions, category = read_clicks(args.clicks)
    train, test = split_by_time(sessions)
    train, valid = split_by_time(train)
    items, item_cat = number_items(train, category)
    train, valid, test = [to_arrays(part, items) for part in (train, valid, test)]

    model = SessionRNN(len(items), item_cat, rnn_size=args.rnn_size, layers=args.layers)
    model.prepare(train)
    best, best_state, waited = -1., None, 0
    for epoch in range(args.n_epochs):
        loss = model.train_epoch()
        on_valid = evaluate(model, valid)
        print('epoch %d loss %.4f recall %.4f mrr %.4f' % (epoch, loss, on_valid['recall'], on_valid['mrr']))
        if on_valid['mrr'] > best:
            best, waited = on_valid['mrr'], 0
            best_state = copy.deepcopy(model.net.state_dict())
        else:
            waited += 1
            if waited >= args.patience:
                break
    model.net.load_state_dict(best_state)
    print('test', evaluate(model, test))


if __name__ == '__main__':
    main()
