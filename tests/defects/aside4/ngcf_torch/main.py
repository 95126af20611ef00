import sys

import numpy as np
import torch

import config
from NGCF import NGCF
from utility.load_data import Data
from utility.metrics import hit_at_k, ndcg_at_k, recall_at_k


def train_epoch(model, data_generator, optimizer):
    model.train()
    loss_sum, n_batch = 0.0, 0
    for _ in range(config.PASSES):
        for users, pos_items, neg_items in data_generator.epoch(config.BATCH_SIZE):
            u_g, pos_g, neg_g = model(
                torch.from_numpy(users), torch.from_numpy(pos_items), torch.from_numpy(neg_items)
            )
            batch_loss, mf_loss, emb_loss = model.create_bpr_loss(u_g, pos_g, neg_g)
            optimizer.zero_grad()
            batch_loss.backward()
            optimizer.step()
            loss_sum += mf_loss.detach()
            n_batch += 1
    return float(loss_sum) / n_batch


class NGCFRecommender:
    def __init__(self, data, device, seed):
        self.data_generator = Data(data.users, data.items, data.n_users, data.n_items, seed)
        self.model = NGCF(data.n_users, data.n_items, self.data_generator.get_adj_mat(), device).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=config.LR)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, gamma=config.GAMMA)

    def fit(self):
        while True:
            loss = train_epoch(self.model, self.data_generator, self.optimizer)
            self.scheduler.step()
            yield {'bpr': loss}

    @torch.no_grad()
    def score(self, users, histories):
        self.model.eval()
        rate_batch = self.model.rating(torch.as_tensor(np.asarray(users)) - 1)
        pad = torch.full((len(rate_batch), 1), -1e9)
        return torch.cat([pad, rate_batch], dim=1)

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    torch.manual_seed(seed)
    return NGCFRecommender(data, device, seed)


@torch.no_grad()
def evaluate(model, train_items, held_out, k=20):
    """train_items, held_out: user -> items, ids from 0."""
    model.eval()
    result = []
    users = sorted(held_out)
    for start in range(0, len(users), 256):
        block = users[start:start + 256]
        rate_batch = model.rating(torch.tensor(block))
        for row, u in zip(rate_batch, block):
            row[train_items[u]] = -float('inf')
            top = torch.topk(row, k).indices.tolist()
            r = [1.0 if i in held_out[u] else 0.0 for i in top]
            n = len(held_out[u])
            result.append((recall_at_k(r, k, n), ndcg_at_k(r, k, n), hit_at_k(r, k)))
    return np.mean(result, axis=0)


def read_log(path):
    """user,item,time rows; the newest fifth of each user is held out, half for validation and half for test."""
    log = {}
    for line in open(path):
        u, i, t = map(int, line.split(','))
        log.setdefault(u, []).append((t, i))
    train, valid, test = {}, {}, {}
    for u, rows in log.items():
        items = [i for _, i in sorted(rows)]
        cut, cut2 = int(len(items) * 0.8), int(len(items) * 0.9)
        train[u] = items[:cut]
        if cut2 > cut and cut2 < len(items):
            valid[u], test[u] = set(items[cut:cut2]), set(items[cut2:])
    return train, valid, test


def main(path, n_epoch=100):
    train, valid, test = read_log(path)
    pairs = np.array([(u, i) for u, items in train.items() for i in items])
    n_users, n_items = pairs.max(axis=0)
    rows = Data(pairs[:, 0], pairs[:, 1], n_users, n_items, 0)
    model = NGCF(n_users, n_items, rows.get_adj_mat(), 'cpu')
    optimizer = torch.optim.Adam(model.parameters(), lr=config.LR)
    seen = {u - 1: [i - 1 for i in items] for u, items in train.items()}
    answers = {u - 1: {i - 1 for i in items if i <= n_items} for u, items in valid.items()}
    final = {u - 1: {i - 1 for i in items if i <= n_items} for u, items in test.items()}
    best, weights = 0.0, None
    for epoch in range(n_epoch):
        train_epoch(model, rows, optimizer)
        recall, ndcg, hit = evaluate(model, seen, answers)
        if recall > best:
            best = recall
            weights = {name: value.clone() for name, value in model.state_dict().items()}
        print(epoch, recall, ndcg, hit)
    model.load_state_dict(weights)
    print('test', evaluate(model, seen, final))


if __name__ == '__main__':
    main(sys.argv[1])
