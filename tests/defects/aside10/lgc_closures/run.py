"""python run.py log.csv   (user,item,time per line)"""
import csv
import sys
from collections import defaultdict

import numpy as np
import torch

from lgc import bpr_sampler, make_model, norm_adj, test_users

HP = dict(d=32, n_layers=2, reg=1e-4, lr=5e-3, bs=256, epochs=12, seed=3)


def read(fn):
    """-> edges (N, 3): user, item, time, users and items numbered from 1; oldest first"""
    us, its = {}, {}
    with open(fn) as f:
        rows = [(us.setdefault(u, len(us) + 1), its.setdefault(i, len(its) + 1), int(t)) for u, i, t in csv.reader(f)]
    rows = np.array(rows)
    return rows[np.argsort(rows[:, 2], kind='stable')], len(us), len(its)


def by_user(rows):
    d = defaultdict(set)
    for u, i, _ in rows:
        d[u].add(i)
    return d


def main(fn):
    torch.manual_seed(HP['seed'])
    rows, nu, ni = read(fn)
    a, b = int(len(rows) * .8), int(len(rows) * .9)
    tr, va, te = rows[:a], rows[a:b], rows[b:]
    old, mid = by_user(tr), by_user(rows[:b])
    to_val = {u: s - old[u] for u, s in by_user(va).items()}
    to_test = {u: s - mid[u] for u, s in by_user(te).items()}
    adj = norm_adj(tr[:, 0], tr[:, 1], nu, ni)
    m = make_model(adj, nu, ni, HP['d'], HP['n_layers'], HP['reg'], HP['lr'])
    epoch = bpr_sampler(tr[:, 0], tr[:, 1], nu, ni, np.random.default_rng(HP['seed']))
    best, keep = -1., None
    for e in range(HP['epochs']):
        loss = torch.stack([m['step'](*uij) for uij in epoch(HP['bs'])]).mean().item()
        rec, ndcg = test_users(m['scores'], old, to_val)
        print('%2d  loss %.4f  recall %.4f  ndcg %.4f' % (e, loss, rec, ndcg))
        if ndcg > best:
            best, keep = ndcg, m['get']()
    m['put'](keep)
    print('test  recall %.4f  ndcg %.4f' % tuple(test_users(m['scores'], mid, to_test)))


if __name__ == '__main__':
    main(sys.argv[1])
