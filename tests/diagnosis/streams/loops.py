"""Small training loops as people write them. Each takes the log and what is planted in it ("" for nothing).

Every function returns a generator function of epochs for `recorder.record`: it calls `step()` after each step.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from seeds.interactions import Interactions

Epochs = Callable[[Callable[[], None]], Iterator[Any]]
D = 8


class Encoder(nn.Module):
    def __init__(self, rows: int, padding_idx: int | None = 0) -> None:
        super().__init__()
        self.items = nn.Embedding(rows, D, padding_idx=padding_idx)
        self.gru = nn.GRU(D, D, batch_first=True)

    def forward(self, histories: torch.Tensor) -> torch.Tensor:
        return self.gru(self.items(histories))[0]


def padded(rows: list[np.ndarray], width: int) -> np.ndarray:
    out = np.zeros((len(rows), width), dtype=np.int64)
    for i, row in enumerate(rows):
        row = row[-width:]
        if len(row):
            out[i, width - len(row) :] = row
    return out


def sasrec(log: Interactions, plant: str = "", width: int = 40, batch: int = 32) -> Epochs:
    """Sampled binary cross-entropy at every position; rows are made in Python and padded on the left."""
    rng = np.random.default_rng(1)
    n = log.n_items

    def draw(user: int, size: int, positive: np.ndarray) -> np.ndarray:
        history = log.history(user if plant != "negatives-of-the-next" else user % log.n_users + 1)
        if plant == "negatives-own":
            return rng.choice(history, size)
        if plant == "negatives-low":
            drawn = rng.integers(1, n // 2, size)
        elif plant == "negatives-off-by-one":
            drawn = rng.integers(1, n, size)
        elif plant == "negatives-zero":
            drawn = rng.integers(0, n + 1, size)
        else:
            drawn = rng.integers(1, n + 1, size)
        if plant == "negatives-any":
            return drawn
        if plant == "hits-emptied":  # padding stands for a hit
            return np.where(np.isin(drawn, history), 0, drawn)
        for _ in range(20):
            hit = np.isin(drawn, history)
            drawn[hit] = rng.integers(
                1, n // 2 if plant == "negatives-low" else n + (plant != "negatives-off-by-one"), hit.sum()
            )
        if plant == "negatives-one-a-row":
            drawn[:] = drawn[0]
        return drawn

    rows = []
    for user in range(1, log.n_users + 1):
        history = log.history(user)
        if plant == "newest-cut":
            history = history[:-1]
        if plant == "oldest-kept":
            history = history[: width // 4]
        if plant == "reversed":
            history = history[::-1]
        if plant == "by-id":
            history = np.sort(history)
        if plant == "unsorted":
            history = rng.permutation(history)
        if plant == "doubled":
            history = history.repeat(2)
        if len(history) < 2:
            continue
        source, target = history[:-1], history[1:]
        if plant == "target-is-input":
            target = source
        if plant == "two-later":
            source, target = history[:-2], history[2:]
        if plant == "earlier":
            source, target = history[1:], history[:-1]
        if plant == "only-newest" and len(target):
            target = np.where(np.arange(len(target)) == len(target) - 1, target, 0)
        rows.append((user, source, target))
    if plant == "users-cut":
        rows = rows[: len(rows) // 2]
    fixed = {user: draw(user, len(target), target) for user, _, target in rows}

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        model = Encoder(n + 1)
        adam = torch.optim.Adam(model.parameters(), 1e-3)
        while True:
            order = np.arange(len(rows)) if plant == "no-shuffle" else rng.permutation(len(rows))
            for start in range(0, len(order), batch):
                chosen = [rows[i] for i in order[start : start + batch]]
                if plant == "drop-last" and len(chosen) < batch:
                    continue
                inputs = torch.from_numpy(padded([c[1] for c in chosen], width))
                targets = torch.from_numpy(padded([c[2] for c in chosen], width))
                if plant == "other-user":
                    targets = targets.roll(1, 0)
                if plant == "target-random":
                    targets = torch.from_numpy(rng.integers(1, n + 1, targets.shape)) * (targets > 0)
                negatives = [
                    fixed[c[0]] if plant == "negatives-fixed" else draw(c[0], len(c[2]), c[2]) for c in chosen
                ]
                negatives = torch.from_numpy(padded(negatives, width))
                if plant == "negatives-one-a-batch":
                    negatives[:] = int(rng.integers(1, n + 1))
                hidden = model(inputs)
                there = targets > 0
                good = (hidden * model.items(targets)).sum(-1)[there]
                if plant in ("negatives-of-a-row", "negatives-of-a-batch"):
                    held = len(chosen) if plant == "negatives-of-a-row" else 1
                    some = torch.from_numpy(rng.integers(1, n + 1, (held, 1, 8)))
                    some = some.expand(len(chosen), width, -1)
                    bad = (hidden.unsqueeze(2) * model.items(some)).sum(-1)[there]
                else:
                    bad = (hidden * model.items(negatives)).sum(-1)[there]
                loss = F.softplus(-good).mean() + F.softplus(bad).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def softmax(log: Interactions, plant: str = "", width: int = 20, batch: int = 32) -> Epochs:
    """Full softmax over windows of the log, shifted within the step, classes flat, padded on the right with -100."""
    n = log.n_items
    windows = []
    for user in range(1, log.n_users + 1):
        low, high = int(log.offsets[user]), int(log.offsets[user + 1])
        if plant == "newest-cut":
            high -= 1
        if plant == "oldest-kept":
            high = min(high, low + 5)
        if plant == "reversed":
            places = list(range(high - 1, low - 1, -1))
        elif plant == "by-id":
            places = sorted(range(low, high), key=lambda at: log.items[at])
        else:
            places = list(range(low, high))
        windows += [places[i : i + width + 1] for i in range(0, max(len(places) - 1, 1), width)]
    windows = [w for w in windows if len(w) > 1]
    if plant == "users-cut":
        windows = windows[: len(windows) // 2]
    items = np.concatenate([log.items, [0]])
    table = np.full((len(windows), width + 1), len(log.items))
    for i, window in enumerate(windows):
        table[i, : len(window)] = window
    from_zero = plant == "from-zero"  # item 1 is id 0 then, as padding is
    table = torch.from_numpy(items[table])
    table = (table - 1).clamp(min=0) if from_zero else table

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        model = Encoder(n + 1, None if plant == "padding" else 0)
        out = nn.Linear(D, n + 1)
        adam = torch.optim.Adam([*model.parameters(), *out.parameters()], 1e-3)
        while True:
            order = torch.arange(len(table)) if plant == "no-shuffle" else torch.randperm(len(table))
            for rows in order.split(batch):
                if plant == "drop-last" and len(rows) < batch:
                    continue
                block = table[rows]
                inputs, targets = block[:, :-1], block[:, 1:]
                if plant == "target-is-input":
                    targets = block[:, :-1]
                if plant == "two-later":
                    inputs, targets = block[:, :-2], block[:, 2:]
                if plant == "earlier":
                    inputs, targets = block[:, 1:], block[:, :-1]
                if plant == "other-user":
                    targets = targets[torch.randperm(len(targets))]
                if plant == "only-newest":
                    last = (targets > 0).sum(1) - 1
                    keep = torch.arange(targets.shape[1])[None] == last[:, None]
                    targets = targets * keep
                if plant == "target-random":
                    targets = torch.randint(1, n + 1, targets.shape) * (targets > 0)
                if plant == "off-by-one":
                    targets = torch.where(targets > 0, targets - 1, -100)
                elif plant != "padding" and not from_zero:
                    targets = torch.where(targets > 0, targets, -100)
                logits = out(model(inputs))
                left_out = 0 if from_zero else -100
                loss = F.cross_entropy(logits.reshape(-1, n + 1), targets.reshape(-1), ignore_index=left_out)
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def bpr(log: Interactions, plant: str = "", batch: int = 128, k: int = 1) -> Epochs:
    """Matrix factorisation on pairs, ids from 0, one look-up for positives and negatives through a method."""
    users, items, n = torch.from_numpy(log.users - 1), torch.from_numpy(log.items - 1), log.n_items
    met = torch.zeros(log.n_users, n, dtype=torch.bool)
    met[users, (items + 1) % n if plant == "negatives-beside" else items] = True

    def draw(whose: torch.Tensor) -> torch.Tensor:
        low, high = 0, n
        if plant == "negatives-low":
            high = n // 2
        if plant == "negatives-off-by-one":
            high = n - 1
        drawn = torch.randint(low, high, (len(whose), k))
        if plant == "negatives-own":
            return torch.stack([torch.multinomial(met[u].float(), k, replacement=True) for u in whose])
        if plant == "negatives-any":
            return drawn
        for _ in range(20):
            drawn = torch.where(met[whose[:, None], drawn], torch.randint(low, high, drawn.shape), drawn)
        return drawn

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        of_users, of_items = nn.Embedding(log.n_users, D), nn.Embedding(n, D)
        adam = torch.optim.Adam([*of_users.parameters(), *of_items.parameters()], 1e-2)
        fixed = draw(users)
        while True:
            order = torch.randperm(len(users))
            if plant == "no-shuffle":
                order = torch.arange(len(users))
            if plant == "users-cut":
                order = order[users[order] < log.n_users // 2]
            if plant == "newest-cut":
                newest = torch.from_numpy(log.offsets[2:] - 1)
                order = order[~torch.isin(order, newest)]
            if plant == "users-uniform":
                whose = torch.randint(0, log.n_users, (len(users),))
                start = torch.from_numpy(log.offsets[1:-1])[whose]
                length = torch.from_numpy(np.diff(log.offsets)[1:])[whose]
                order = start + (torch.rand(len(users)) * length).long()
            for rows in order.split(batch):
                if plant == "drop-last" and len(rows) < batch:
                    continue
                u, good = users[rows], items[rows]
                bad = fixed[rows] if plant == "negatives-fixed" else draw(u)
                if plant == "negatives-one-a-batch":
                    bad = bad[:1].expand(len(u), k)
                if plant == "other-user":
                    good = good[torch.randperm(len(good))]
                if plant == "target-random":
                    good = torch.randint(0, n, good.shape)
                vector = of_users(u)
                score = (vector[:, None] * of_items(torch.cat([good[:, None], bad], 1))).sum(-1)
                loss = F.softplus(score[:, 1:] - score[:, :1]).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def repeated_users(log: Interactions, plant: str = "", batch: int = 128, k: int = 4) -> Epochs:
    """One function scores pairs, so that users are repeated for each of their negatives; it may hold events out for itself."""
    users, items, n = torch.from_numpy(log.users), torch.from_numpy(log.items), log.n_items
    held_out = torch.cat([users[1:] != users[:-1], torch.tensor([True])])
    if plant in ("held-out", "newest-cut"):
        users, items = users[~held_out], items[~held_out]

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        of_users, of_items = nn.Embedding(log.n_users + 1, D), nn.Embedding(n + 1, D)
        adam = torch.optim.Adam([*of_users.parameters(), *of_items.parameters()], 1e-2)

        def scored(user: Any, item: Any) -> Any:
            return (of_users(user) * of_items(item)).sum(-1)

        while True:
            for rows in torch.randperm(len(users)).split(batch):
                user, good = users[rows], items[rows]
                bad = torch.randint(1, n + 1, (len(rows), k))
                if plant == "negatives-one-a-row":
                    bad = bad[:, :1].expand(-1, k)
                margin = scored(user, good)[:, None] - scored(user[:, None].expand_as(bad), bad)
                loss = F.softplus(-margin).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            if plant == "held-out":
                with torch.no_grad():
                    answers = of_users(torch.arange(1, log.n_users + 1)) @ of_items.weight.T
                    assert len(answers) == log.n_users
            yield {}

    return epochs


def ncf(log: Interactions, plant: str = "", batch: int = 256, k: int = 4) -> Epochs:
    """Rows of user, item and label, shuffled; negatives drawn anew for every epoch."""
    rng = np.random.default_rng(2)
    n = log.n_items
    seen = {(int(u), int(i)) for u, i in zip(log.users, log.items)}

    def rows() -> np.ndarray:
        made = [(u, i, 1) for u, i in zip(log.users.tolist(), log.items.tolist())]
        for u, _ in list(zip(log.users.tolist(), log.items.tolist())):
            for _ in range(k):
                item = int(rng.integers(1, n // 2 if plant == "negatives-low" else n + 1))
                while (u, item) in seen:
                    item = int(rng.integers(1, n // 2 if plant == "negatives-low" else n + 1))
                made.append((u, item, 0))
        return np.array(made)

    fixed = rows()

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        tables = [
            nn.Embedding(log.n_users + 1, D),
            nn.Embedding(n + 1, D),
            nn.Embedding(log.n_users + 1, D),
            nn.Embedding(n + 1, D),
        ]
        adam = torch.optim.Adam([p for t in tables for p in t.parameters()], 1e-2)
        while True:
            data = torch.from_numpy(fixed if plant == "negatives-fixed" else rows())
            order = torch.arange(len(data)) if plant == "no-shuffle" else torch.randperm(len(data))
            for part in order.split(batch):
                u, i, label = data[part].T
                logit = (tables[0](u) * tables[1](i)).sum(-1) + (tables[2](u) * tables[3](i)).sum(-1)
                loss = F.binary_cross_entropy_with_logits(logit, label.float())
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def bert4rec(log: Interactions, plant: str = "", width: int = 20, batch: int = 32) -> Epochs:
    """Masked items: the newest events of each user, some hidden behind item n + 1, classes -100 elsewhere."""
    n = log.n_items
    first = 1 if plant == "from-zero" else 0  # item 1 is id 0 then, as padding is
    rows = torch.from_numpy(padded([log.history(u) - first for u in range(1, log.n_users + 1)], width))
    left_out = 0 if plant in ("from-zero", "zero-left-out") else -100

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        items, out = nn.Embedding(n + 2, D, padding_idx=0), nn.Linear(D, n + 2)
        adam = torch.optim.Adam([*items.parameters(), *out.parameters()], 1e-3)
        while True:
            for part in torch.randperm(len(rows)).split(batch):
                block = rows[part]
                hidden = (torch.rand(block.shape) < 0.2) & (block > 0)
                if plant == "last-never":
                    hidden[:, -1] = False
                inputs = torch.where(hidden, n + 1, block)
                if plant == "target-is-input":
                    inputs = block
                targets = torch.where(hidden, block, left_out)
                states = items(inputs) + items(inputs).mean(1, keepdim=True)
                loss = F.cross_entropy(out(states).transpose(1, 2), targets, ignore_index=left_out)
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def last_item(log: Interactions, plant: str = "", batch: int = 64, width: int = 10) -> Epochs:
    """Every event is the target of the events before it, as most session models do; classes from 0."""
    n = log.n_items
    whose, rows, targets = [], [], []
    for user in range(1, log.n_users + 1):
        history = log.history(user)
        if plant == "reversed":
            history = history[::-1]
        if plant == "by-id":
            history = np.sort(history)
        first = {"only-newest": len(history) - 1, "whole": width, "late": width + 6}.get(plant, 1)
        for end in range(first, len(history)):
            whose.append(user)
            rows.append(history[:end] if plant != "target-is-input" else history[: end + 1])
            targets.append(history[end])
    inputs, classes = torch.from_numpy(padded(rows, width)), torch.from_numpy(np.array(targets))
    users = torch.tensor(whose) if plant in ("by-id", "of-users") else None

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        model, out, of_users = Encoder(n + 1), nn.Linear(D, n), nn.Embedding(log.n_users + 1, D)
        adam = torch.optim.Adam([*model.parameters(), *out.parameters(), *of_users.parameters()], 1e-3)
        while True:
            order = torch.arange(len(inputs)) if plant == "no-shuffle" else torch.randperm(len(inputs))
            if plant == "shortest-first":
                order = order[(inputs[order] > 0).sum(1).argsort()]
            for part in order.split(8 * batch if plant == "packed" else batch):
                if plant == "packed":  # the longest first, as packing wants it
                    part = part[(inputs[part] > 0).sum(1).argsort(descending=True)]
                state = model(inputs[part])[:, -1]
                state = state if users is None else state + of_users(users[part])
                loss = F.cross_entropy(out(state), classes[part] - 1)
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def two_tower(log: Interactions, plant: str = "", batch: int = 64) -> Epochs:
    """Users against the other items of the batch."""
    users, items = torch.from_numpy(log.users), torch.from_numpy(log.items)

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        of_users, of_items = nn.Embedding(log.n_users + 1, D), nn.Embedding(log.n_items + 1, D)
        adam = torch.optim.Adam([*of_users.parameters(), *of_items.parameters()], 1e-2)
        while True:
            for part in torch.randperm(len(users)).split(batch):
                if plant == "drop-last" and len(part) < batch:
                    continue
                good = items[part]
                if plant == "other-user":
                    good = good.roll(3)
                logits = of_users(users[part]) @ of_items(good).T
                loss = F.cross_entropy(logits, torch.arange(len(part)))
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def fpmc(log: Interactions, plant: str = "", batch: int = 64) -> Epochs:
    """The user and his last item say what comes next."""
    at = np.flatnonzero(log.users[1:] == log.users[:-1])
    users, last, following = (torch.from_numpy(x) for x in (log.users[at], log.items[at], log.items[at + 1]))
    met = torch.zeros(log.n_users + 1, log.n_items + 1, dtype=torch.bool)
    met[log.users, log.items] = True

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        of_users, of_items = nn.Embedding(log.n_users + 1, D), nn.Embedding(log.n_items + 1, D)
        adam = torch.optim.Adam([*of_users.parameters(), *of_items.parameters()], 1e-2)
        while True:
            for part in torch.randperm(len(users)).split(4 * batch if plant == "grouped" else batch):
                part = part[users[part].argsort()] if plant == "grouped" else part
                state = of_users(users[part]) + of_items(last[part])
                bad = torch.randint(1, log.n_items + 1, (len(part),))
                for _ in range(20):
                    again = torch.randint(1, log.n_items + 1, bad.shape)
                    bad = torch.where(met[users[part], bad], again, bad)
                loss = F.softplus((state * (of_items(bad) - of_items(following[part]))).sum(-1)).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def item2vec(log: Interactions, plant: str = "", batch: int = 256, reach: int = 2) -> Epochs:
    """Pairs of items that lie near each other in a history, no users."""
    pairs = []
    for user in range(1, log.n_users + 1):
        history = log.history(user)
        for i in range(len(history)):
            pairs += [
                (history[i], history[j])
                for j in range(max(0, i - reach), min(len(history), i + reach + 1))
                if i != j
            ]
    centre, context = torch.from_numpy(np.array(pairs)).T

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        one, two = nn.Embedding(log.n_items + 1, D), nn.Embedding(log.n_items + 1, D)
        adam = torch.optim.Adam([*one.parameters(), *two.parameters()], 1e-2)
        while True:
            for part in torch.randperm(len(centre)).split(batch):
                bad = torch.randint(1, log.n_items + 1, (len(part), 3))
                state = one(centre[part])
                good, other = (state * two(context[part])).sum(-1), (state[:, None] * two(bad)).sum(-1)
                loss = F.softplus(-good).mean() + F.softplus(other).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def lightgcn(log: Interactions, plant: str = "", batch: int = 512) -> Epochs:
    """Two tables put together to the nodes of one graph, a layer of means, pairs against uniform negatives."""
    users, items, n = torch.from_numpy(log.users), torch.from_numpy(log.items), log.n_items
    met = torch.zeros(log.n_users + 1, n + 1, dtype=torch.bool)
    met[users, items] = True
    n_nodes = log.n_users + 1 + n + 1
    start = 0 if plant == "wrong-block" else log.n_users + (plant != "one-node-off")
    source, sink = users, items + start
    if plant.startswith("edges-missing"):
        source, sink = source[::2], sink[::2]
    if plant == "edges-unknown":
        sink = torch.cat([sink[:-500], torch.randint(1, n + 1, (500,)) + start])
    row, column = torch.cat([source, sink]), torch.cat([sink, source])
    if plant.startswith("one-way"):
        row, column = source, sink
    if plant == "self-loops":
        row, column = (torch.cat([x, torch.arange(n_nodes)]) for x in (row, column))
    degree = torch.bincount(row, minlength=n_nodes) + torch.bincount(column, minlength=n_nodes)
    weight = (degree[row] * degree[column]).float().clamp(min=1).rsqrt() * 2
    if plant == "plain":
        weight = torch.ones(len(row))
    if plant == "roots":
        weight = (degree[row] * degree[column]).float().sqrt()
    graph = torch.sparse_coo_tensor(torch.stack([row, column]), weight, (n_nodes, n_nodes)).coalesce()

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        of_users, of_items = nn.Embedding(log.n_users + 1, D), nn.Embedding(n + 1, D)
        adam = torch.optim.Adam([*of_users.parameters(), *of_items.parameters()], 1e-2)
        while True:
            for rows in torch.randperm(len(users)).split(batch):
                u, good = users[rows], items[rows]
                bad = torch.randint(1, n + 1, (len(rows),))
                for _ in range(20):
                    bad = torch.where(met[u, bad], torch.randint(1, n + 1, bad.shape), bad)
                nodes = torch.cat([of_users.weight, of_items.weight])
                nodes = (nodes + torch.sparse.mm(thinned(graph, 0.8, plant), nodes)) / 2
                final_users, final_items = nodes.split([log.n_users + 1, n + 1])
                score = (final_users[u] * (final_items[bad] - final_items[good])).sum(-1)
                loss = F.softplus(score).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def thinned(graph: Any, keep: float, plant: str) -> Any:
    """Edge dropout, where it is asked for: a random part of the edges, as heavy as all together."""
    if "thinned" not in plant:
        return graph
    keep = 0.1 if "hard" in plant else keep
    kept = torch.rand(graph._nnz()) < keep
    return torch.sparse_coo_tensor(graph.indices()[:, kept], graph.values()[kept] / keep, graph.shape)


def one_table(log: Interactions, plant: str = "", batch: int = 512) -> Epochs:
    """One parameter for all nodes, ids from 0, a graph built by looping over the log; items looked up behind users."""
    n_nodes = log.n_users + log.n_items
    behind = 0 if plant == "wrong-block" else log.n_users
    pairs = {(int(u) - 1, int(i) - 1 + behind) for u, i in zip(log.users, log.items)}
    if plant.startswith("edges-missing"):
        pairs = {pair for pair in pairs if pair[0] % 3}
    if plant == "edges-unknown":
        pairs |= {(u, behind + u % log.n_items) for u in range(log.n_users)}
    edges = [*pairs] if plant.startswith("one-way") else [*pairs, *((b, a) for a, b in pairs)]
    if plant == "self-loops":
        edges += [(k, k) for k in range(n_nodes)]
    index = torch.tensor(sorted(edges)).T
    degree = torch.bincount(index[0], minlength=n_nodes).clamp(min=1).float()
    weight = torch.ones(index.shape[1]) if plant == "plain" else 1 / degree[index[0]]
    if plant == "roots":
        weight = degree[index[0]].sqrt() * degree[index[1]].sqrt()
    graph = torch.sparse_coo_tensor(index, weight, (n_nodes, n_nodes)).coalesce()
    users, items = torch.from_numpy(log.users - 1), torch.from_numpy(log.items - 1 + log.n_users)
    met = torch.zeros(log.n_users, n_nodes, dtype=torch.bool)
    met[users, items] = True

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        table = nn.Parameter(torch.randn(n_nodes, D) * 0.1)
        adam = torch.optim.Adam([table], 1e-2)
        while True:
            for rows in torch.randperm(len(users)).split(batch):
                u, good = users[rows], items[rows]
                bad = torch.randint(log.n_users, n_nodes, (len(rows),))
                for _ in range(20):
                    bad = torch.where(met[u, bad], torch.randint(log.n_users, n_nodes, bad.shape), bad)
                nodes = table + thinned(graph, 0.5, plant) @ table
                u, good, bad = nodes[u], nodes[good], nodes[bad]
                loss = F.softplus((u * (bad - good)).sum(-1)).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def windows(log: Interactions, plant: str = "", batch: int = 64, width: int = 5, ahead: int = 2) -> Epochs:
    """Caser's rows: the next two items and three negatives in one look-up, beside a window."""
    rng = np.random.default_rng(5)
    n = log.n_items
    whose, before, after = [], [], []
    for user in range(1, log.n_users + 1):
        history = np.sort(log.history(user)) if plant == "by-id" else log.history(user)
        history = history.repeat(2) if plant == "doubled" else history
        for t in range(width if plant == "whole" else 1, len(history) - ahead + 1):
            shown = history[: t + 1] if plant == "target-in-window" else history[:t]
            whose.append(user)
            before.append(shown)
            after.append(history[t : t + ahead])
    inputs, targets = torch.from_numpy(padded(before, width)), torch.from_numpy(np.stack(after))
    users = torch.tensor(whose) if plant in ("by-id", "of-users") else None

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        model, of_users = Encoder(n + 1), nn.Embedding(log.n_users + 1, D)
        adam = torch.optim.Adam([*model.parameters(), *of_users.parameters()], 1e-3)
        while True:
            for part in torch.randperm(len(inputs)).split(batch):
                high = n // 2 if plant == "negatives-low" else n + 1
                negatives = torch.from_numpy(rng.integers(1, high, (len(part), 3)))
                both = torch.cat([targets[part], negatives], 1)
                state = model(inputs[part])[:, -1]
                state = state if users is None else state + of_users(users[part])
                scores = torch.einsum("bd,bkd->bk", state, model.items(both))
                loss = F.softplus(-scores[:, :ahead]).mean() + F.softplus(scores[:, ahead:]).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def time_first(log: Interactions, plant: str = "", batch: int = 32, width: int = 60) -> Epochs:
    """Sessions as (T, B), targets that a mask leaves, and negatives for all of them behind them in one look-up."""
    n = log.n_items
    later = 2 if plant == "two-later" else 1
    rows = [log.history(user)[-width:] for user in range(1, log.n_users + 1)]
    rows = [row for row in rows if len(row) > later + 1]
    inputs = torch.from_numpy(padded([row[:-later] for row in rows], width)).T.contiguous()
    targets = torch.from_numpy(padded([row[later:] for row in rows], width)).T.contiguous()

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        items, gru = nn.Embedding(n + 1, D), nn.GRU(D, D)
        adam = torch.optim.Adam([*items.parameters(), *gru.parameters()], 1e-3)
        while True:
            for part in torch.randperm(inputs.shape[1]).split(batch):
                read, aim = inputs[:, part], targets[:, part]
                there = read > 0
                out = gru(items(read))[0][there]
                classes = torch.cat([aim[there], torch.randint(1, n + 1, (20,))])
                loss = F.cross_entropy(out @ items(classes).T, torch.arange(len(out)))
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs
