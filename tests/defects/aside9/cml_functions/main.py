#!/usr/bin/env python
# python main.py log.csv [key=value ...]
import sys
from dataclasses import fields, replace

import numpy as np
import torch

import feed
import metric
from settings import Settings


def parse(words):
    types = {f.name: type(f.default) for f in fields(Settings)}
    pairs = dict(word.split("=", 1) for word in words)
    return replace(Settings(), **{key: types[key](value) for key, value in pairs.items()})


def train(histories, n_users, n_items, features, s):
    """Yields (params, mean loss) after every epoch; params is one dict, updated in place."""
    rng = np.random.default_rng(s.seed)
    p = metric.init(n_users, n_items, features.shape[1], s, torch.Generator().manual_seed(s.seed))
    optimizer = torch.optim.Adagrad(list(p.values()), lr=s.lr)
    table = feed.examples(histories, s.recent)
    seen = feed.seen_matrix(histories, n_users, n_items)
    yield p, float("nan")
    for _ in range(s.epochs):
        losses = []
        for batch in feed.batches(table, seen, s, rng):
            loss = metric.total_loss(p, batch, features, s, n_items)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            metric.project(p, s.radius)
            losses.append(loss.detach())
        yield p, torch.stack(losses).mean().item()


@torch.no_grad()
def answer(p, users, histories, s):
    recent = np.stack([feed.last(h, s.recent) for h in histories])
    users = torch.as_tensor(users, device=s.device)
    return metric.scores(p, users, torch.as_tensor(recent, dtype=torch.long, device=s.device), s)


def evaluate(p, questions, s, k=20):
    """Recall and mean reciprocal rank among all items that the user has not had."""
    recall, mrr = [], []
    for start in range(0, len(questions), 128):
        users, pasts, targets = zip(*questions[start:start + 128])
        points = answer(p, np.array(users), pasts, s)
        points[:, 0] = -torch.inf
        for row, past, target in zip(points, pasts, targets):
            row[[i for i in past if i != target]] = -torch.inf
        top = points.topk(k, dim=1).indices.cpu().numpy()
        hit = top == np.array(targets)[:, None]
        recall.append(hit.any(1))
        mrr.append((hit / np.arange(1, k + 1)).sum(1))
    return {"recall": float(np.concatenate(recall).mean()), "mrr": float(np.concatenate(mrr).mean())}


class Points:
    """What the shop asks."""

    def __init__(self, data, s):
        items, offsets = np.asarray(data.items), data.offsets
        histories = {u: items[offsets[u]:offsets[u + 1]] for u in range(1, data.n_users + 1)}
        columns = data.item_columns
        leaves = [path[-1] if path else "" for path in columns.categories]
        features = metric.one_hot_features(leaves, columns.price).to(s.device)
        self.s = s
        self.epochs = train(histories, data.n_users, data.n_items, features, s)
        self.params, _ = next(self.epochs)

    def fit(self):
        for _, loss in self.epochs:
            yield {"loss": loss}

    def score(self, users, histories):
        return answer(self.params, np.asarray(users), [h[h > 0] for h in np.asarray(histories)], self.s).cpu().numpy()

    def state_dict(self):
        return {name: value.detach().clone() for name, value in self.params.items()}

    @torch.no_grad()
    def load_state_dict(self, state):
        for name, value in self.params.items():
            value.copy_(state[name])


def build(data, *, device, seed):
    return Points(data, replace(Settings(), device=device, seed=seed))


def run(path, s):
    histories, categories, prices = feed.read(path)
    features = metric.one_hot_features([c.split("/")[-1] for c in categories], prices).to(s.device)
    fitted, (valid, test) = feed.hold_out(histories)
    best, kept = 0.0, None
    for epoch, (p, loss) in enumerate(train(fitted, len(histories), len(prices) - 1, features, s)):
        result = evaluate(p, valid, s)
        print(f"{epoch:2d} {loss:.4f}", result)
        if result["recall"] > best:
            best, kept = result["recall"], {name: value.detach().clone() for name, value in p.items()}
    print("test", evaluate(kept, test, s))


if __name__ == "__main__":
    run(sys.argv[1], parse(sys.argv[2:]))
