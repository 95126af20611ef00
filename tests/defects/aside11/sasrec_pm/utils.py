from collections import defaultdict
from queue import Empty, Queue
from threading import Event, Thread

import numpy as np
import torch


def random_neq(rng, l, r, s, n):
    """n ids from l .. r - 1, none of them in s"""
    t = rng.randint(l, r, n)
    hit = np.isin(t, s)
    while hit.any():
        t[hit] = rng.randint(l, r, hit.sum())
        hit = np.isin(t, s)
    return t


def sample_function(user_train, itemnum, batch_size, maxlen, result_queue, stop, seed):
    rng = np.random.RandomState(seed)
    users = np.array([u for u in user_train if len(user_train[u]) > 1])

    def sample(uid):
        seq = np.zeros(maxlen, dtype=np.int64)
        pos = np.zeros(maxlen, dtype=np.int64)
        neg = np.zeros(maxlen, dtype=np.int64)
        items = user_train[uid][-(maxlen + 1):]
        n = len(items) - 1
        seq[-n:] = items[:-1]
        pos[-n:] = items[1:]
        neg[-n:] = random_neq(rng, 1, itemnum + 1, user_train[uid], n)
        return uid, seq, pos, neg

    while not stop.is_set():
        rng.shuffle(users)
        for start in range(0, len(users), batch_size):
            batch = [sample(uid) for uid in users[start:start + batch_size]]
            result_queue.put([np.array(column) for column in zip(*batch)])


class WarpSampler:
    """Fills a queue with batches (u, seq, pos, neg) while the model trains."""

    def __init__(self, user_train, itemnum, batch_size=32, maxlen=20, seed=0):
        self.result_queue = Queue(maxsize=10)
        self.stop = Event()
        self.worker = Thread(
            target=sample_function,
            args=(user_train, itemnum, batch_size, maxlen, self.result_queue, self.stop, seed),
            daemon=True,
        )
        self.worker.start()

    def next_batch(self):
        return self.result_queue.get()

    def close(self):
        self.stop.set()
        while self.worker.is_alive():  # it may wait for room in the queue
            try:
                self.result_queue.get(timeout=0.1)
            except Empty:
                pass


def data_partition(fname):
    """Lines "user item timestamp", ids from 1 -> [train, valid, test, usernum, itemnum]; the last two items are held out"""
    usernum, itemnum = 0, 0
    User = defaultdict(list)
    user_train, user_valid, user_test = {}, {}, {}
    with open(fname) as f:
        lines = [tuple(int(x) for x in line.split()) for line in f]
    for u, i, t in sorted(lines, key=lambda line: line[2]):
        usernum, itemnum = max(u, usernum), max(i, itemnum)
        User[u].append(i)
    for user in User:
        if len(User[user]) < 4:
            user_train[user], user_valid[user], user_test[user] = User[user], [], []
        else:
            user_train[user] = User[user][:-2]
            user_valid[user] = [User[user][-2]]
            user_test[user] = [User[user][-1]]
    return [user_train, user_valid, user_test, usernum, itemnum]


def to_seq(items, maxlen):
    """The newest maxlen items, zeros on the left"""
    seq = np.zeros(maxlen, dtype=np.int64)
    items = items[-maxlen:]
    seq[maxlen - len(items):] = items
    return seq


@torch.no_grad()
def rank_targets(model, users, past, target, itemnum, args):
    """NDCG@10 and HR@10 of one held-out item for each user, among 100 that the user has not met"""
    model.eval()
    rng = np.random.RandomState(args.seed)
    NDCG, HT = 0.0, 0.0
    for start in range(0, len(users), 128):
        batch = users[start:start + 128]
        seqs, item_idx = [], []
        for u in batch:
            rated = past[u] + target[u]
            unseen = np.setdiff1d(np.arange(1, itemnum + 1), rated)
            item_idx.append(np.concatenate([target[u], rng.choice(unseen, 100, replace=False)]))
            seqs.append(to_seq(past[u], args.maxlen))
        predictions = model.predict(np.array(batch), np.array(seqs), np.array(item_idx)).cpu().numpy()
        rank = (predictions[:, 1:] >= predictions[:, :1]).sum(1)
        NDCG += (1 / np.log2(rank[rank < 10] + 2)).sum()
        HT += (rank < 10).sum()
    return NDCG / len(users), HT / len(users)


def evaluate(model, dataset, args):
    train, valid, test, usernum, itemnum = dataset
    users = [u for u in train if test[u]]
    past = {u: train[u] + valid[u] for u in users}
    return rank_targets(model, users, past, test, itemnum, args)


def evaluate_valid(model, dataset, args):
    train, valid, test, usernum, itemnum = dataset
    users = [u for u in train if valid[u]]
    return rank_targets(model, users, train, valid, itemnum, args)
