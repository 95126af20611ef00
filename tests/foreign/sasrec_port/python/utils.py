import copy
import random
import sys
from collections import defaultdict
from multiprocessing import Process, Queue

import numpy as np


def draw_other(n, seen):
    """an item of 1..n that is not in seen"""
    while True:
        x = np.random.randint(1, n + 1)
        if x not in seen:
            return x


def worker(hist, usernum, itemnum, batch_size, maxlen, out, seed):
    np.random.seed(seed)
    order = np.random.permutation(np.arange(1, usernum + 1))
    at = 0
    while True:
        U, S, P, N = [], [], [], []
        while len(U) < batch_size:
            if at == usernum:
                np.random.shuffle(order)
                at = 0
            u = order[at]
            at += 1
            items = hist[u]
            if len(items) < 2:
                continue
            s = np.zeros(maxlen, dtype=np.int32)
            p = np.zeros(maxlen, dtype=np.int32)
            n = np.zeros(maxlen, dtype=np.int32)
            seen = set(items)
            k = min(maxlen, len(items) - 1)
            s[maxlen - k :] = items[-k - 1 : -1]
            p[maxlen - k :] = items[-k:]
            n[maxlen - k :] = [draw_other(itemnum, seen) for _ in range(k)]
            U.append(u), S.append(s), P.append(p), N.append(n)
        out.put((U, S, P, N))


class Sampler(object):
    """batches are made by processes of their own and wait in a queue"""

    def __init__(self, hist, usernum, itemnum, batch_size=64, maxlen=10, n_workers=1):
        self.queue = Queue(maxsize=10 * n_workers)
        self.workers = []
        for _ in range(n_workers):
            seed = np.random.randint(2**31 - 1)
            w = Process(
                target=worker,
                args=(hist, usernum, itemnum, batch_size, maxlen, self.queue, seed),
                daemon=True,
            )
            w.start()
            self.workers.append(w)

    def next_batch(self):
        return self.queue.get()

    def close(self):
        for w in self.workers:
            w.terminate()
            w.join()


def load(name):
    hist = defaultdict(list)
    usernum, itemnum = 0, 0
    with open("data/%s.txt" % name) as f:
        for line in f:
            u, i = map(int, line.rstrip().split(" "))
            usernum, itemnum = max(usernum, u), max(itemnum, i)
            hist[u].append(i)
    train, valid, test = {}, {}, {}
    for u in range(1, usernum + 1):
        items = hist[u]
        short = len(items) < 4
        train[u] = items if short else items[:-2]
        valid[u] = [] if short else [items[-2]]
        test[u] = [] if short else [items[-1]]
    return [train, valid, test, usernum, itemnum]


def evaluate(model, dataset, args, on_test):
    """HR and NDCG at 10 of the held out item among 100 others, by chance"""
    [train, valid, test, usernum, itemnum] = copy.deepcopy(dataset)
    ndcg = hit = n = 0.0
    users = range(1, usernum + 1)
    if usernum > 10000:
        users = random.sample(users, 10000)
    for u in users:
        goal = test[u] if on_test else valid[u]
        if not train[u] or not goal:
            continue
        past = train[u] + valid[u] if on_test else train[u]
        seq = np.zeros(args.maxlen, dtype=np.int32)
        past = past[-args.maxlen :]
        seq[args.maxlen - len(past) :] = past
        seen = set(train[u]) | set(valid[u])
        cands = goal + [draw_other(itemnum, seen) for _ in range(100)]
        scores = -model.predict(np.array([u]), np.array([seq]), np.array(cands))[0]
        rank = scores.argsort().argsort()[0].item()
        n += 1
        if rank < 10:
            hit += 1
            ndcg += 1 / np.log2(rank + 2)
        if n % 100 == 0:
            print(".", end="")
            sys.stdout.flush()
    return ndcg / n, hit / n
