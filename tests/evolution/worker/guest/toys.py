"""Small recommenders that train for a few steps an epoch, healthy or with one defect, and a log in which items follow each other."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

N_USERS, N_ITEMS, LENGTH, D = 40, 30, 12, 12


def log() -> SimpleNamespace:
    """Each user walks through the items with a step of his own, so that what follows what can be learned."""
    rng = np.random.default_rng(0)
    items = np.concatenate(
        [(rng.integers(N_ITEMS) + (u % 3 + 1) * np.arange(LENGTH)) % N_ITEMS + 1 for u in range(N_USERS)]
    )
    users = np.repeat(np.arange(1, N_USERS + 1), LENGTH)
    offsets = np.concatenate([[0], np.arange(N_USERS + 1) * LENGTH])
    return SimpleNamespace(
        users=users, items=items, offsets=offsets, n_users=N_USERS, n_items=N_ITEMS, item_columns={}
    )


class Toy:
    """Options are the names of defects, and of other designs."""

    def __init__(self, data: Any, *options: str) -> None:
        torch.manual_seed(0)
        self.data, self.options = data, set(options)
        self.net = self.make()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=0.02)

    def make(self) -> Any:
        raise NotImplementedError

    def loss(self) -> Any:
        raise NotImplementedError

    def fit(self):
        for _ in range(20):
            self.net.train()
            loss = torch.zeros(())
            for _ in range(10):
                loss = self.loss()
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            yield {"loss": float(loss.detach())}

    def has(self, option: str) -> bool:
        return option in self.options


class Pairs(Toy):
    """Users and items with a bias, one drawn negative each."""

    def make(self):
        net = nn.Module()
        net.users, net.items = nn.Embedding(N_USERS + 1, D), nn.Embedding(N_ITEMS + 1, D)
        net.bias, net.own = nn.Embedding(N_ITEMS + 1, 1), nn.Linear(D, D)
        if self.has("unit"):
            with torch.no_grad():
                lengths = torch.linspace(0.99, 1.01, N_ITEMS + 1)[:, None]
                net.items.weight.copy_(lengths * F.normalize(net.items.weight, dim=-1))
        return net

    def vectors(self, items):
        found = self.net.items(items)
        return self.net.own(found) if self.has("tower") or self.has("raw") else found

    def logits(self, users, items):
        ours, theirs = self.net.users(users), self.vectors(items)
        if self.has("unit"):
            return 5 * (F.normalize(ours, dim=-1) * F.normalize(theirs, dim=-1)).sum(-1)
        scores = (ours * theirs).sum(-1)
        return scores + self.net.bias(items)[:, 0]

    def loss(self):
        rows = torch.randint(0, len(self.data.users), (64,))
        users, good = torch.as_tensor(self.data.users)[rows], torch.as_tensor(self.data.items)[rows]
        bad = torch.randint(1, N_ITEMS + 1, (64,))
        if self.has("exchanged"):
            good, bad = bad, good
        ours, theirs = self.logits(users, good), self.logits(users, bad)
        if self.has("only positives"):
            return F.softplus(-ours).mean()
        if self.has("negatives detached"):
            theirs = theirs.detach()
        if self.has("negatives without a graph"):
            with torch.no_grad():
                theirs = self.logits(users, bad)
        if self.has("bce"):
            loss = F.softplus(-ours).mean() + F.softplus(theirs).mean()
        else:
            loss = -F.logsigmoid(ours - theirs).mean()
        if self.has("signs"):
            loss = -F.logsigmoid(theirs - ours).mean()
        if self.has("penalty"):
            weight = 1e-4
            return loss + weight * self.net.users(users).pow(2).sum()
        if self.has("added in place") or self.has("heavy in place"):
            weight = 2.0 if self.has("heavy in place") else 1e-4
            loss += weight * self.net.users(users).pow(2).sum()
            loss += 0.0 * self.net.items.weight.norm()
            return loss
        if self.has("faint norm"):
            return loss + 1e-9 * (self.vectors(good).pow(2).sum() + self.vectors(bad).norm(dim=1).sum())
        if self.has("heavy"):
            return loss + 2.0 * self.net.users(users).pow(2).sum()
        if self.has("heavy norms"):
            norms = sum(one.norm() for one in self.net.parameters())
            loss = loss + 5.0 * norms
        return loss

    @torch.no_grad()
    def score(self, users, histories):
        users = self.net.users(torch.as_tensor(users))
        table = self.net.items.weight if self.has("raw") else self.vectors(torch.arange(N_ITEMS + 1))
        if self.has("cosine"):
            return F.normalize(users, dim=-1) @ F.normalize(table, dim=-1).T
        scores = users @ table.T
        if self.has("negated"):
            return -scores - self.net.bias.weight.T
        if self.has("no bias") or self.has("unit"):
            return scores
        return scores + self.net.bias.weight.T


class Kept(Pairs):
    """Answers from the scores of all users, which are computed once an epoch, and anew when a state is loaded."""

    kept = None

    def fit(self):
        for told in super().fit():
            self.kept = None
            yield told

    def state_dict(self):
        return self.net.state_dict()

    def load_state_dict(self, state):
        self.kept = None
        self.net.load_state_dict(state)

    def score(self, users, histories):
        if self.kept is None:
            self.kept = super().score(torch.arange(N_USERS + 1), histories)
        return self.kept[torch.as_tensor(users)]


class Matched(Pairs):
    """One function multiplies, in training with the candidates of each row and in scoring with all items."""

    def match(self, ours, table):
        return ours @ table.transpose(-1, -2)

    def vectors(self, items):
        return self.net.own(self.net.items(items))

    def loss(self):
        rows = torch.randint(0, len(self.data.users), (64,))
        users, good = torch.as_tensor(self.data.users)[rows], torch.as_tensor(self.data.items)[rows]
        ours, bad = self.net.users(users)[:, None], torch.randint(1, N_ITEMS + 1, (64,))
        logits = [self.match(ours, self.vectors(items)[:, None])[:, 0] for items in (good, bad)]
        return F.cross_entropy(torch.cat(logits, 1), torch.zeros(64, dtype=torch.long))

    def ranked(self, users):
        if self.has("raw"):
            return self.match(self.net.users(users), self.net.items.weight)
        return self.match(self.net.users(users), self.vectors(torch.arange(N_ITEMS + 1)))

    @torch.no_grad()
    def score(self, users, histories):
        return self.ranked(torch.as_tensor(users))


class Neighbours(Pairs):
    """Users take in what they chose, over a graph of which each step sees a part."""

    def vectors_of(self, users, training):
        met = torch.zeros(N_USERS + 1, N_ITEMS + 1)
        met[torch.as_tensor(self.data.users), torch.as_tensor(self.data.items)] = 1 / LENGTH
        graph = met.to_sparse_coo().coalesce()
        if training:
            kept = (torch.rand(graph._nnz()) + 0.8).floor().bool()
            graph = torch.sparse_coo_tensor(graph.indices()[:, kept], graph.values()[kept] / 0.8, graph.shape)
        return (self.net.users.weight + torch.sparse.mm(graph, self.net.items.weight))[users]

    def logits(self, users, items):
        ours, theirs = self.vectors_of(users, True), self.net.items(items)
        if self.has("cosines"):
            return 5 * (F.normalize(ours, dim=-1) * F.normalize(theirs, dim=-1)).sum(-1)
        return (ours * theirs).sum(-1)

    @torch.no_grad()
    def score(self, users, histories):
        users = torch.as_tensor(users)
        ours = self.net.users(users) if self.has("raw") else self.vectors_of(users, False)
        if self.has("cosine") or self.has("cosines"):
            return F.normalize(ours, dim=-1) @ F.normalize(self.net.items.weight, dim=-1).T
        if self.has("lengths"):
            table = self.net.items.weight
            return (ours / ours.norm(dim=-1, keepdim=True)) @ (table / table.norm(dim=-1, keepdim=True)).T
        return ours @ self.net.items.weight.T


class Sequences(Toy):
    """A recurrent encoder that predicts each next event, by all classes or among drawn candidates."""

    def make(self):
        net = nn.Module()
        net.items = nn.Embedding(N_ITEMS + 1, D, padding_idx=0)
        net.rnn, net.drop = nn.GRU(D, D, batch_first=True), nn.Dropout(0.3)
        net.bias, net.out = nn.Parameter(torch.zeros(N_ITEMS + 1)), nn.Linear(D, D)
        return net

    def states(self, rows):
        found, _ = self.net.rnn(self.net.drop(self.net.items(rows)))
        if self.has("branch"):
            return found + self.net.out(found) if self.net.training else found
        return found

    def loss(self):
        starts = torch.randint(0, N_USERS, (24,)) * LENGTH
        rows = torch.as_tensor(self.data.items)[starts[:, None] + torch.arange(LENGTH)].clone()
        rows[:12, :5] = 0
        put_in, goals = rows[:, :-1], rows[:, 1:].clone()
        goals[put_in == 0] = 0
        states = self.states(put_in)
        if self.has("candidates") or self.has("wrong class"):
            drawn = torch.randint(1, N_ITEMS + 1, (*goals.shape, 4))
            columns = [drawn, goals[..., None]] if self.has("wrong class") else [goals[..., None], drawn]
            several = torch.cat(columns, -1)
            logits = (states[:, :, None] * self.net.items(several)).sum(-1) + self.net.bias[several]
            logits = logits[goals > 0]
            right = torch.zeros(len(logits), dtype=torch.long)
            return F.cross_entropy(logits, right)
        if self.has("mask multiplied") or self.has("mask forgotten"):
            drawn = self.net.items(torch.randint(1, N_ITEMS + 1, (*goals.shape, 4)))
            good = (states * self.net.items(goals)).sum(-1)
            each = F.softplus(-good) + F.softplus((states[:, :, None] * drawn).sum(-1)).mean(-1)
            there = (goals > 0).float()
            return each.mean() if self.has("mask forgotten") else (each * there).sum() / there.sum()
        if self.has("laid flat") or self.has("laid flat by products"):
            return self.of_places(states, goals)
        logits = states @ self.net.items.weight.T + self.net.bias
        if self.has("padding counts"):
            return F.cross_entropy(logits.flatten(0, 1), goals.flatten())
        if self.has("padding counts too"):
            chosen = logits.log_softmax(-1).gather(2, goals[..., None])
            return -chosen.mean()
        return F.cross_entropy(logits.flatten(0, 1), goals.flatten(), ignore_index=0)

    def of_places(self, states, goals):
        """One logit a place, all places of the batch one after the other."""
        drawn, flat = torch.randint(1, N_ITEMS + 1, goals.shape), states.reshape(-1, D)
        both = []
        for ids in (goals.reshape(-1), drawn.reshape(-1)):
            if self.has("laid flat"):
                both.append(
                    (self.net.items(ids.view(goals.shape)).view(-1, D) * flat).sum(-1) + self.net.bias[ids]
                )
            else:
                table = self.net.items(ids.view(goals.shape)).view(-1, D, 1)
                both.append((flat[:, None] @ table)[:, 0, 0] + self.net.bias[ids])
        there = (goals.reshape(-1) > 0).float()
        return ((F.softplus(-both[0]) + F.softplus(both[1])) * there).sum() / there.sum()

    @torch.no_grad()
    def score(self, users, histories):
        rows = torch.as_tensor(histories)
        states = self.states(rows)
        last = states.mean(1) if self.has("mean") else states[:, -1]
        if self.has("cosine"):
            return F.normalize(last, dim=-1) @ F.normalize(self.net.items.weight, dim=-1).T
        scores = last @ self.net.items.weight.T
        if self.has("squashed"):
            return (scores + self.net.bias).softmax(-1)
        if self.has("no bias"):
            return scores
        return scores + self.net.bias


class Coder(Toy):
    """A variational autoencoder of what users chose."""

    def make(self):
        net = nn.Module()
        net.middle, net.width, net.out = (
            nn.Linear(N_ITEMS + 1, D),
            nn.Linear(N_ITEMS + 1, D),
            nn.Linear(D, N_ITEMS + 1),
        )
        return net

    def rows(self, users, events):
        seen = torch.zeros(len(users), N_ITEMS + 1)
        for row, items in zip(seen, events):
            row[torch.as_tensor(items)] = 1.0
        seen[:, 0] = 0
        return seen

    def loss(self):
        users = torch.randint(1, N_USERS + 1, (24,))
        seen = self.rows(
            users, [self.data.items[self.data.offsets[u] : self.data.offsets[u + 1]] for u in users]
        )
        middle, width = self.net.middle(seen), self.net.width(seen)
        logits = self.net.out(middle + torch.randn_like(middle) * (width / 2).exp())
        fit = -(logits.log_softmax(-1) * seen).sum(-1).mean()
        apart = -0.5 * (1 + width - middle.pow(2) - width.exp()).sum(-1).mean()
        weight = 1e-9 if self.has("faint") else 50.0 if self.has("heavy") else 0.05
        return fit + weight * apart

    @torch.no_grad()
    def score(self, users, histories):
        seen = self.rows(users, [row[row > 0] for row in histories])
        return self.net.out(self.net.middle(seen))


class Baskets(Toy):
    """The mean of what was bought last, newest first, beside a user; items are the sum of the vectors of their features."""

    def make(self):
        net = nn.Module()
        net.users, net.past = nn.Embedding(N_USERS + 1, D), nn.Embedding(N_ITEMS + 1, D)
        net.features = nn.Embedding(N_ITEMS + 4, D)
        items = torch.arange(N_ITEMS + 1)
        self.facts = torch.stack([items, N_ITEMS + 1 + items % 3], 1)
        return net

    def who(self, users, past):
        there = (past > 0).float()[..., None]
        return self.net.users(users) + (self.net.past(past) * there).sum(1) / there.sum(1).clamp(min=1)

    def what(self, items):
        numbers = self.facts[items]
        return self.net.features.weight[numbers].sum(-2)

    def loss(self):
        at = torch.randint(6, LENGTH, (64,)) + LENGTH * torch.randint(0, N_USERS, (64,))
        users, items = torch.as_tensor(self.data.users)[at], torch.as_tensor(self.data.items)
        past = items[at[:, None] - 1 - torch.arange(5)]
        both = torch.cat([items[at][:, None], torch.randint(1, N_ITEMS + 1, (64, 4))], 1)
        scores = (self.what(both) * self.who(users, past)[:, None]).sum(-1)
        good, bad = scores[:, :1], scores[:, 1:]
        margin = 1 - good + bad
        if self.has("signs"):
            margin = 1 + good - bad
        weight = 1 + (margin.detach() > 0).float().mean(1, keepdim=True)
        return (weight * margin.clamp(min=0)).mean()

    def score(self, users, histories):
        past = np.zeros((len(users), 5), np.int64)
        for row, history in zip(past, np.asarray(histories)):
            newest = history[history > 0][::-1][:5]
            if not self.has("past forgotten"):
                row[: len(newest)] = newest
        with torch.no_grad():
            who = self.who(torch.as_tensor(users), torch.as_tensor(past))
            return (who @ self.what(torch.arange(N_ITEMS + 1)).T).numpy()
