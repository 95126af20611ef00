"""Healthy recommenders of many makes in torch; KIND is replaced by the name of one."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class Sequences:
    """Trains a network on windows of histories: every next event is predicted from those before it."""

    length, epochs, lr = 20, 8, 5e-3

    def __init__(self, data, device, seed):
        torch.manual_seed(seed)
        self.n, self.m = data.n_users, data.n_items
        rows, goals, who = [], [], []
        offsets, items = np.asarray(data.offsets), np.asarray(data.items)
        for user in range(1, self.n + 1):
            events = items[offsets[user] : offsets[user + 1]]
            for at in range(1, len(events), 2):
                past = events[max(0, at - self.length) : at]
                rows.append(np.pad(past, (self.length - len(past), 0)))
                goals.append(events[at])
                who.append(user)
        self.rows, self.goals = torch.as_tensor(np.array(rows)), torch.as_tensor(np.array(goals))
        self.who = torch.as_tensor(np.array(who))
        self.seen = torch.zeros(self.n + 1, self.m + 1)
        self.seen[torch.as_tensor(np.asarray(data.users)), torch.as_tensor(items)] = 1
        self.net = self.make()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=self.lr)

    def loss(self, batch):
        return F.cross_entropy(self.net(self.who[batch], self.rows[batch]), self.goals[batch])

    def fit(self):
        for _ in range(self.epochs):
            self.net.train()
            total = 0.0
            for batch in torch.randperm(len(self.goals)).split(256):
                loss = self.loss(batch)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                total += loss.detach() * len(batch)
            yield {"loss": float(total) / len(self.goals)}

    @torch.no_grad()
    def score(self, users, histories):
        self.net.eval()
        histories = torch.as_tensor(histories)[:, -self.length :]
        histories = F.pad(histories, (self.length - histories.shape[1], 0))
        return self.net(torch.as_tensor(users), histories)

    def item_embeddings(self):
        return None


class SasNet(nn.Module):
    causal = True

    def __init__(self, m, length, d=32):
        super().__init__()
        self.items = nn.Embedding(m + 2, d, padding_idx=0)
        self.places = nn.Embedding(length + 1, d)
        self.layer = nn.TransformerEncoderLayer(d, 2, d * 2, 0.1, batch_first=True)
        self.m = m

    def encode(self, rows):
        x = self.items(rows)
        x = x + self.places(torch.arange(rows.shape[1]))
        size = rows.shape[1]
        mask = torch.triu(torch.ones(size, size, dtype=torch.bool), 1) if self.causal else None
        hidden = (rows == 0) & (torch.arange(size) < size - 1)
        if self.causal:
            mask = mask[None] | hidden[:, None, :]
            mask = mask & ~torch.eye(size, dtype=torch.bool)
            return self.layer(x, src_mask=mask.repeat_interleave(2, 0))
        return self.layer(x, src_key_padding_mask=hidden)

    def forward(self, users, rows):
        state = self.encode(rows)[:, -1]
        return state @ self.items.weight[: self.m + 1].T


class Sas(Sequences):
    def make(self):
        return SasNet(self.m, self.length)


class BertNet(SasNet):
    """The last place is a mask token that stands for the next event."""

    causal = False

    def forward(self, users, rows):
        masked = torch.cat([rows[:, 1:], torch.full_like(rows[:, :1], self.m + 1)], 1)
        return self.encode(masked)[:, -1] @ self.items.weight[: self.m + 1].T


class Bert(Sequences):
    def make(self):
        return BertNet(self.m, self.length)


class GruNet(nn.Module):
    def __init__(self, m, d=32):
        super().__init__()
        self.items = nn.Embedding(m + 1, d, padding_idx=0)
        self.rnn = nn.GRU(d, d, batch_first=True)

    def forward(self, users, rows):
        out, _ = self.rnn(self.items(rows))
        return out[:, -1] @ self.items.weight.T


class Gru(Sequences):
    def make(self):
        return GruNet(self.m)


class ConvNet(nn.Module):
    """Caser: a window of five events, and the user."""

    def __init__(self, n, m, d=32):
        super().__init__()
        self.items = nn.Embedding(m + 1, d, padding_idx=0)
        self.users = nn.Embedding(n + 1, d)
        self.conv = nn.Conv1d(d, d, 5)
        self.out = nn.Linear(2 * d, m + 1)

    def forward(self, users, rows):
        x = self.items(rows[:, -5:]).transpose(1, 2)
        x = torch.relu(self.conv(x))[:, :, 0]
        return self.out(torch.cat([x, self.users(users)], 1))


class Conv(Sequences):
    def make(self):
        return ConvNet(self.n, self.m)


class FpmcNet(nn.Module):
    def __init__(self, n, m, d=32):
        super().__init__()
        self.users = nn.Embedding(n + 1, d)
        self.likes = nn.Embedding(m + 1, d)
        self.before = nn.Embedding(m + 1, d)
        self.after = nn.Embedding(m + 1, d)

    def forward(self, users, rows):
        return self.users(users) @ self.likes.weight.T + self.before(rows[:, -1]) @ self.after.weight.T


class Fpmc(Sequences):
    def make(self):
        return FpmcNet(self.n, self.m)


class BprNet(nn.Module):
    def __init__(self, n, m, d=32):
        super().__init__()
        self.users = nn.Embedding(n + 1, d)
        self.items = nn.Embedding(m + 1, d)
        nn.init.normal_(self.users.weight, std=0.1)
        nn.init.normal_(self.items.weight, std=0.1)

    def tables(self):
        return self.users.weight, self.items.weight

    def forward(self, users, rows):
        own, items = self.tables()
        return own[users] @ items.T


class Bpr(Sequences):
    """Matrix factorisation by user id with one drawn negative."""

    lr = 5e-2

    def make(self):
        return BprNet(self.n, self.m)

    def loss(self, batch):
        own, items = self.net.tables()
        who, good = own[self.who[batch]], items[self.goals[batch]]
        bad = items[torch.randint(1, self.m + 1, (len(batch),))]
        return -F.logsigmoid((who * (good - bad)).sum(1)).mean()


class GraphNet(BprNet):
    def __init__(self, n, m, seen):
        super().__init__(n, m)
        degree_u, degree_i = seen.sum(1, keepdim=True).clamp(1), seen.sum(0, keepdim=True).clamp(1)
        self.register_buffer("edges", seen / (degree_u * degree_i).sqrt())

    def tables(self):
        own, items = self.users.weight, self.items.weight
        return (own + self.edges @ items) / 2, (items + self.edges.T @ own) / 2


class Graph(Bpr):
    def make(self):
        return GraphNet(self.n, self.m, self.seen)


class VaeNet(nn.Module):
    def __init__(self, m, z=32):
        super().__init__()
        self.m = m
        self.inward = nn.Linear(m + 1, 2 * z)
        self.outward = nn.Linear(z, m + 1)

    def forward(self, users, rows):
        seen = torch.zeros(len(rows), self.m + 1).scatter_(1, rows, 1.0)
        seen[:, 0] = 0
        middle, width = self.inward(F.dropout(F.normalize(seen), 0.5, self.training)).chunk(2, 1)
        if self.training:
            middle = middle + torch.randn_like(middle) * (width / 2).exp() * 0.1
        return self.outward(torch.tanh(middle))


class Vae(Sequences):
    length = 50

    def make(self):
        return VaeNet(self.m)


class FismNet(nn.Module):
    """The mean of what was chosen, without order."""

    def __init__(self, m, d=32):
        super().__init__()
        self.items = nn.Embedding(m + 1, d, padding_idx=0)
        self.goals = nn.Embedding(m + 1, d)

    def forward(self, users, rows):
        mask = (rows > 0).float()[..., None]
        mean = (self.items(rows) * mask).sum(1) / mask.sum(1).clamp(1)
        return mean @ self.goals.weight.T


class Fism(Sequences):
    def make(self):
        return FismNet(self.m)


def build(data, *, device, seed):
    return KIND(data, device, seed)  # noqa: F821 - a test replaces it
