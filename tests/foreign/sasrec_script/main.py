# SASRec, one script. Usage: python main.py --dataset data.txt --maxlen 50
# data.txt: one "user item" pair a line, ids from 1, in order of time.
import argparse
import random
from collections import defaultdict

import numpy as np
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--dataset", default="data.txt")
parser.add_argument("--batch_size", default=64, type=int)
parser.add_argument("--lr", default=0.001, type=float)
parser.add_argument("--maxlen", default=30, type=int)
parser.add_argument("--hidden_units", default=32, type=int)
parser.add_argument("--num_blocks", default=2, type=int)
parser.add_argument("--num_heads", default=1, type=int)
parser.add_argument("--num_epochs", default=20, type=int)
parser.add_argument("--dropout_rate", default=0.2, type=float)
parser.add_argument("--device", default="cpu")
args = parser.parse_args()


def read_and_split(fname):
    """Own split: last item for test, the one before for validation, the rest trains."""
    history = defaultdict(list)
    usernum = itemnum = 0
    with open(fname) as f:
        for line in f:
            u, i = line.split()
            u, i = int(u), int(i)
            usernum, itemnum = max(u, usernum), max(i, itemnum)
            history[u].append(i)
    train, valid, test = {}, {}, {}
    for u, items in history.items():
        if len(items) < 3:
            train[u], valid[u], test[u] = items, [], []
        else:
            train[u], valid[u], test[u] = items[:-2], [items[-2]], [items[-1]]
    return train, valid, test, usernum, itemnum


def random_neq(low, high, taken):
    item = random.randrange(low, high)
    while item in taken:
        item = random.randrange(low, high)
    return item


def sample(user_train, usernum, itemnum, maxlen):
    """One user's training sample: inputs, positives, negatives, each (maxlen,)."""
    user = random.randint(1, usernum)
    while len(user_train.get(user, [])) <= 1:
        user = random.randint(1, usernum)
    seq = np.zeros([maxlen], dtype=np.int64)
    pos = np.zeros([maxlen], dtype=np.int64)
    neg = np.zeros([maxlen], dtype=np.int64)
    nxt = user_train[user][-1]
    taken = set(user_train[user])
    idx = maxlen - 1
    for item in reversed(user_train[user][:-1]):
        seq[idx] = item
        pos[idx] = nxt
        neg[idx] = random_neq(1, itemnum + 1, taken)
        nxt = item
        idx -= 1
        if idx == -1:
            break
    return user, seq, pos, neg


class FeedForward(torch.nn.Module):
    def __init__(self, units, rate):
        super().__init__()
        self.fc1 = torch.nn.Linear(units, units)
        self.drop1 = torch.nn.Dropout(rate)
        self.act = torch.nn.ReLU()
        self.fc2 = torch.nn.Linear(units, units)
        self.drop2 = torch.nn.Dropout(rate)

    def forward(self, x):
        return x + self.drop2(self.fc2(self.act(self.drop1(self.fc1(x)))))


class Net(torch.nn.Module):
    def __init__(self, itemnum, args):
        super().__init__()
        self.dev = args.device
        self.emb = torch.nn.Embedding(itemnum + 1, args.hidden_units, padding_idx=0)
        self.pos = torch.nn.Embedding(args.maxlen + 1, args.hidden_units, padding_idx=0)
        self.drop = torch.nn.Dropout(args.dropout_rate)
        self.norms1 = torch.nn.ModuleList()
        self.atts = torch.nn.ModuleList()
        self.norms2 = torch.nn.ModuleList()
        self.ffs = torch.nn.ModuleList()
        self.last = torch.nn.LayerNorm(args.hidden_units, eps=1e-8)
        for _ in range(args.num_blocks):
            self.norms1.append(torch.nn.LayerNorm(args.hidden_units, eps=1e-8))
            self.atts.append(
                torch.nn.MultiheadAttention(
                    args.hidden_units, args.num_heads, args.dropout_rate, batch_first=True
                )
            )
            self.norms2.append(torch.nn.LayerNorm(args.hidden_units, eps=1e-8))
            self.ffs.append(FeedForward(args.hidden_units, args.dropout_rate))

    def encode(self, seqs):
        seqs = torch.as_tensor(seqs, device=self.dev)
        x = self.emb(seqs) * self.emb.embedding_dim**0.5
        places = torch.arange(seqs.shape[1], 0, -1, device=self.dev) * (seqs != 0)
        x = self.drop(x + self.pos(places))
        length = seqs.shape[1]
        hidden = torch.triu(torch.ones(length, length, dtype=torch.bool, device=self.dev), diagonal=1)
        hidden = hidden[None] | (seqs == 0)[:, None, :]
        hidden = hidden & ~torch.eye(length, dtype=torch.bool, device=self.dev)
        for norm1, att, norm2, ff in zip(self.norms1, self.atts, self.norms2, self.ffs):
            q = norm1(x)
            x = q + att(q, x, x, attn_mask=hidden, need_weights=False)[0]
            x = ff(norm2(x))
        return self.last(x)

    def forward(self, seq, pos, neg):
        h = self.encode(seq)
        pos = self.emb(torch.as_tensor(pos, device=self.dev))
        neg = self.emb(torch.as_tensor(neg, device=self.dev))
        return (h * pos).sum(-1), (h * neg).sum(-1)

    def predict(self, user, seq, items):
        """One user: seq (maxlen,), items (n,) -> numpy scores (n,)."""
        h = self.encode(np.array([seq]))[0, -1]
        return self.emb(torch.as_tensor(items, device=self.dev)).matmul(h).detach().cpu().numpy()


def init_weights(model):
    for name, param in model.named_parameters():
        if param.dim() > 1:
            torch.nn.init.xavier_normal_(param.data)
    model.emb.weight.data[0] = 0
    model.pos.weight.data[0] = 0


def train_epoch(model, optimizer, user_train, usernum, itemnum, args):
    """Returns the mean loss of usernum // batch_size + 1 steps."""
    bce = torch.nn.BCEWithLogitsLoss()
    losses = []
    model.train()
    for _ in range(usernum // args.batch_size + 1):
        batch = [sample(user_train, usernum, itemnum, args.maxlen) for _ in range(args.batch_size)]
        _, seq, pos, neg = (np.array(part) for part in zip(*batch))
        pos_logits, neg_logits = model(seq, pos, neg)
        idx = np.where(pos != 0)
        optimizer.zero_grad()
        loss = bce(pos_logits[idx], torch.ones_like(pos_logits[idx])) + bce(
            neg_logits[idx], torch.zeros_like(neg_logits[idx])
        )
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def evaluate(model, train, valid, usernum, itemnum, args):
    """HR@10 and NDCG@10 among 100 sampled items."""
    model.eval()
    hr = ndcg = n = 0.0
    for u in range(1, usernum + 1):
        if not train.get(u) or not valid.get(u):
            continue
        seq = np.zeros([args.maxlen], dtype=np.int64)
        tail = train[u][-args.maxlen :]
        seq[len(seq) - len(tail) :] = tail
        rated = set(train[u]) | {0}
        items = [valid[u][0]] + [random_neq(1, itemnum + 1, rated) for _ in range(100)]
        scores = model.predict(u, seq, np.array(items))
        rank = int((scores > scores[0]).sum())
        n += 1
        if rank < 10:
            hr += 1
            ndcg += 1 / np.log2(rank + 2)
    return hr / n, ndcg / n


if __name__ == "__main__":
    user_train, user_valid, user_test, usernum, itemnum = read_and_split(args.dataset)
    net = Net(itemnum, args).to(args.device)
    init_weights(net)
    adam = torch.optim.Adam(net.parameters(), lr=args.lr, betas=(0.9, 0.98))
    for epoch in range(1, args.num_epochs + 1):
        loss = train_epoch(net, adam, user_train, usernum, itemnum, args)
        print(
            epoch,
            "loss %.4f" % loss,
            "HR@10 %.4f NDCG@10 %.4f" % evaluate(net, user_train, user_valid, usernum, itemnum, args),
        )
