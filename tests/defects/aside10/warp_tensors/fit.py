"""python fit.py log.csv items.csv   (items.csv: item,category,store,...)"""
import csv
import sys

import numpy as np
import torch

from log import Rivals, batches, last_out, read_log
from warp import Factors, Ranker, Settings, describe, learn, learner, restore, snapshot


def feature_table(columns):
    """Columns of strings with an entry per item, entry 0 no item -> numbers (n_items + 1, 1 + len(columns)), how many"""
    n = len(columns[0])
    table, total = [np.arange(n)], n
    for column in columns:
        names = {name: k for k, name in enumerate(sorted(set(column)))}
        table.append(np.array([total + names[name] for name in column]))
        total += len(names)
    return torch.as_tensor(np.stack(table, axis=1)), total


def frequent(log, least):
    count = np.bincount(log.items)
    return log.where(count[log.items] >= least)


def chunks(log, at, s, size=256):
    """users, past, target, everything bought before, for the events `at`"""
    for part in np.array_split(at, max(1, len(at) // size)):
        yield log.users[part], log.before(part, s.n_past), log.items[part], log.before(part, log.place.max() + 1)


def evaluate(ranker, log, at, s, k=10):
    ndcg, hits = [], []
    for users, past, target, bought in chunks(log, at, s):
        scores = ranker.scores(users, past)
        own = np.take_along_axis(scores, target[:, None], 1)
        np.put_along_axis(scores, bought, -np.inf, 1)
        scores[:, 0] = -np.inf
        above = (scores >= own).sum(1) - (np.take_along_axis(scores, target[:, None], 1) >= own)[:, 0]
        hits.append(above < k)
        ndcg.append((above < k) / np.log2(above + 2))
    return np.concatenate(ndcg).mean(), np.concatenate(hits).mean()


def main(log_path, items_path):
    s = Settings()
    print(describe(s))
    torch.manual_seed(s.seed)
    log, names = read_log(log_path)
    with open(items_path) as file:
        rows = {row[0]: row for row in csv.reader(file)}
    columns = [[""] + [rows[name][c] for name in names] for c in (1, 2)]
    features, total = feature_table(columns)
    n_users, n_items = int(log.users.max()), len(names)
    before, test = last_out(log)
    train, valid = last_out(before)
    train = frequent(train, s.min_count)
    ranker = Ranker(Factors.new(n_users, n_items, total, s.dim, "cpu"), features)
    rivals = Rivals.of(train, n_users, n_items, np.random.default_rng(s.seed))
    optimizer = learner(ranker, s)
    best, kept = 0.0, None
    for epoch in range(s.epochs):
        loss = learn(ranker, optimizer, batches(train, rivals, s.n_past, s.n_rivals, s.batch), s)
        ndcg, hit = evaluate(ranker, before, valid, s)
        print(f"{epoch} loss {loss:.4f} ndcg {ndcg:.4f} hit {hit:.4f}")
        if ndcg > best:
            best, kept = ndcg, snapshot(ranker)
    restore(ranker, kept)
    print("test ndcg %.4f hit %.4f" % evaluate(ranker, log, test, s))


if __name__ == "__main__":
    main(*sys.argv[1:3])
