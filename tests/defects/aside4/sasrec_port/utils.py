import copy
import random
from collections import defaultdict
from queue import Queue
from threading import Thread

import numpy as np


def draw_negatives(rng, itemnum, seen, shape):
    neg = rng.randint(1, itemnum + 1, size=shape)
    clash = np.isin(neg, seen)
    while clash.any():
        neg[clash] = rng.randint(1, itemnum + 1, size=clash.sum())
        clash = np.isin(neg, seen)
    return neg


def sample(uid, user_train, rng, itemnum, maxlen, n_neg):
    seq = np.zeros([maxlen], dtype=np.int32)
    pos = np.zeros([maxlen], dtype=np.int32)
    neg = np.zeros([maxlen, n_neg], dtype=np.int32)

    items = user_train[uid][-(maxlen + 1):]
    n = len(items) - 1
    seq[maxlen - n:] = items[:-1]
    pos[maxlen - n:] = items[1:]
    neg[maxlen - n:] = draw_negatives(rng, itemnum, user_train[uid], (n, n_neg))
    return uid, seq, pos, neg


def sample_function(user_train, itemnum, batch_size, maxlen, n_neg, result_queue, SEED):
    rng = np.random.RandomState(SEED)
    uids = np.array([u for u in user_train if len(user_train[u]) > 1])
    counter = 0
    while True:
        if counter % len(uids) == 0:
            rng.shuffle(uids)
        batch = []
        for _ in range(batch_size):
            batch.append(sample(uids[counter % len(uids)], user_train, rng, itemnum, maxlen, n_neg))
            counter += 1
            if counter % len(uids) == 0:
                break
        result_queue.put([np.stack(part) for part in zip(*batch)])


class WarpSampler(object):
    """Batches made ahead by a thread."""

    def __init__(self, user_train, itemnum, batch_size, maxlen, n_neg, seed):
        self.result_queue = Queue(maxsize=10)
        self.worker = Thread(
            target=sample_function,
            args=(user_train, itemnum, batch_size, maxlen, n_neg, self.result_queue, seed),
            daemon=True,
        )
        self.worker.start()

    def next_batch(self):
        return self.result_queue.get()


# train/val/test partition of a text file with "user item" rows in time order
def data_partition(fname):
    usernum, itemnum = 0, 0
    User = defaultdict(list)
    user_train, user_valid, user_test = {}, {}, {}
    with open('data/%s.txt' % fname) as f:
        for line in f:
            u, i = line.rstrip().split(' ')
            u, i = int(u), int(i)
            usernum = max(u, usernum)
            itemnum = max(i, itemnum)
            User[u].append(i)

    for user in User:
        if len(User[user]) < 4:
            user_train[user] = User[user]
            user_valid[user] = []
            user_test[user] = []
        else:
            user_train[user] = User[user][:-2]
            user_valid[user] = [User[user][-2]]
            user_test[user] = [User[user][-1]]
    return [user_train, user_valid, user_test, usernum, itemnum]


def evaluate(model, dataset, args, test=True, k=10):
    train, valid, held_out, usernum, itemnum = copy.deepcopy(dataset)
    model.eval()
    NDCG, HT, valid_user = 0.0, 0.0, 0.0
    target_of = held_out if test else valid
    rng = random.Random(args.eval_seed)
    users = range(1, usernum + 1)
    if usernum > 10000:
        users = rng.sample(users, 10000)
    for u in users:
        if len(train.get(u, [])) < 1 or len(target_of[u]) < 1:
            continue
        history = train[u] + (valid[u] if test else [])
        seq = np.zeros([args.maxlen], dtype=np.int32)
        tail = history[-args.maxlen:]
        seq[args.maxlen - len(tail):] = tail

        scores = model.predict(seq[None], np.arange(itemnum + 1))[0].detach().cpu().numpy()
        scores[0] = -np.inf
        scores[[i for i in history if i != target_of[u][0]]] = -np.inf
        rank = (scores > scores[target_of[u][0]]).sum()

        valid_user += 1
        if rank < k:
            NDCG += 1 / np.log2(rank + 2)
            HT += 1
    return NDCG / valid_user, HT / valid_user
