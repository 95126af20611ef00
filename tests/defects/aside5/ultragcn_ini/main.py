import configparser
import os
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.utils.data as data

from prepare import beta_weights, ii_neighbors, interaction_matrix, load_split

HERE = os.path.dirname(os.path.abspath(__file__))


def read_params(path=os.path.join(HERE, 'shop_config.ini')):
    config = configparser.ConfigParser()
    config.read(path)
    params = {}
    params['batch_size'] = config['Training'].getint('batch_size')
    params['lr'] = config['Training'].getfloat('lr')
    params['passes'] = config['Training'].getint('passes')
    params['early_stop_epoch'] = config['Training'].getint('early_stop_epoch')
    params['max_epoch'] = config['Training'].getint('max_epoch')
    params['topk'] = config['Training'].getint('topk')
    params['embedding_dim'] = config['Model'].getint('embedding_dim')
    params['initial_weight'] = config['Model'].getfloat('initial_weight')
    params['ii_neighbor_num'] = config['Model'].getint('ii_neighbor_num')
    for name in ('w1', 'w2', 'w3', 'w4', 'negative_weight', 'gamma', 'lambda'):
        params[name] = config['Model'].getfloat(name)
    params['negative_num'] = config['Model'].getint('negative_num')
    params['test_batch_size'] = config['Testing'].getint('test_batch_size')
    return params


# ids from 0 in everything below; the row and column 0 of the outside world are added in build()
def prepare(params, pairs, user_num, item_num, seed, device):
    params['user_num'], params['item_num'], params['device'] = user_num, item_num, device
    params['train_mat'] = interaction_matrix(pairs, user_num, item_num)
    params['beta_users'], params['beta_items'] = beta_weights(params['train_mat'])
    params['ii_neighbors'], params['ii_weights'] = ii_neighbors(params['train_mat'], params['ii_neighbor_num'])
    generator = torch.Generator()
    generator.manual_seed(seed)
    params['generator'] = generator
    return data.DataLoader(
        data.TensorDataset(torch.from_numpy(pairs)),
        batch_size=params['batch_size'],
        shuffle=True,
        generator=generator,
    )


def sampling(pos, params):
    """pos: (B, 2) pairs of user and item. Returns users (B,), positives (B,), negatives (B, n)."""
    users, pos_items = pos[:, 0], pos[:, 1]
    shape = (len(users), params['negative_num'])
    neg_items = torch.randint(0, params['item_num'], shape, generator=params['generator'])
    owners = users.numpy()[:, None]
    for _ in range(5):
        hit = params['train_mat'][np.broadcast_to(owners, shape).ravel(), neg_items.numpy().ravel()]
        hit = torch.from_numpy(np.asarray(hit).reshape(shape) > 0)
        if not hit.any():
            break
        neg_items[hit] = torch.randint(0, params['item_num'], (int(hit.sum()),), generator=params['generator'])
    return users, pos_items, neg_items


class UltraGCN(nn.Module):
    def __init__(self, params):
        super(UltraGCN, self).__init__()
        self.w1, self.w2 = params['w1'], params['w2']
        self.w3, self.w4 = params['w3'], params['w4']
        self.negative_weight = params['negative_weight']
        self.gamma, self.lambda_ = params['gamma'], params['lambda']

        self.user_embeds = nn.Embedding(params['user_num'], params['embedding_dim'])
        self.item_embeds = nn.Embedding(params['item_num'], params['embedding_dim'])
        nn.init.normal_(self.user_embeds.weight, std=params['initial_weight'])
        nn.init.normal_(self.item_embeds.weight, std=params['initial_weight'])

        self.register_buffer('beta_users', params['beta_users'])
        self.register_buffer('beta_items', params['beta_items'])
        self.register_buffer('ii_neighbors', params['ii_neighbors'])
        self.register_buffer('ii_weights', params['ii_weights'])

    def get_omegas(self, users, pos_items, neg_items):
        pos_weight = self.beta_users[users] * self.beta_items[pos_items]
        pow_weight = self.w1 + self.w2 * pos_weight

        neg_weight = self.beta_users[users].unsqueeze(1) * self.beta_items[neg_items]
        neg_weight = self.w3 + self.w4 * neg_weight
        return pow_weight, neg_weight

    def cal_loss_L(self, users, pos_items, neg_items, omega_pos, omega_neg):
        user_embeds = self.user_embeds(users)
        pos_embeds = self.item_embeds(pos_items)
        neg_embeds = self.item_embeds(neg_items)

        pos_scores = (user_embeds * pos_embeds).sum(dim=-1)  # batch_size
        neg_scores = (user_embeds.unsqueeze(1) * neg_embeds).sum(dim=-1)  # batch_size * negative_num

        neg_labels = torch.zeros_like(neg_scores)
        neg_loss = F.binary_cross_entropy_with_logits(neg_scores, neg_labels, weight=omega_neg, reduction='none')
        neg_loss = neg_loss.mean(dim=-1)

        pos_labels = torch.ones_like(pos_scores)
        pos_loss = F.binary_cross_entropy_with_logits(pos_scores, pos_labels, weight=omega_pos, reduction='none')

        loss = pos_loss + neg_loss * self.negative_weight
        return loss.sum()

    def cal_loss_I(self, users, pos_items):
        neighbor_embeds = self.item_embeds(self.ii_neighbors[pos_items])  # batch_size * num_neighbors * dim
        sim_scores = self.ii_weights[pos_items]  # batch_size * num_neighbors
        user_embeds = self.user_embeds(users).unsqueeze(1)

        loss = -sim_scores * F.logsigmoid((user_embeds * neighbor_embeds).sum(dim=-1))
        return loss.sum()

    def norm_loss(self):
        loss = 0.0
        for parameter in self.parameters():
            loss += torch.sum(parameter ** 2)
        return loss / 2

    def forward(self, users, pos_items, neg_items):
        omega_pos, omega_neg = self.get_omegas(users, pos_items, neg_items)
        loss = self.cal_loss_L(users, pos_items, neg_items, omega_pos, omega_neg)
        loss += self.gamma * self.norm_loss()
        loss += self.lambda_ * self.cal_loss_I(users, pos_items)
        return loss

    def test_forward(self, users):
        items = torch.arange(self.item_embeds.num_embeddings, device=users.device)
        return self.user_embeds(users).mm(self.item_embeds(items).t())


def train_one_epoch(model, optimizer, train_loader, params):
    model.train()
    total, count = 0.0, 0
    for _ in range(params['passes']):
        for (pos,) in train_loader:
            users, pos_items, neg_items = sampling(pos, params)
            users, pos_items = users.to(params['device']), pos_items.to(params['device'])
            neg_items = neg_items.to(params['device'])

            model.zero_grad()
            loss = model(users, pos_items, neg_items)
            loss.backward()
            optimizer.step()
            total += loss.detach()
            count += len(users)
    return float(total) / count


def hit_rank(rating, ground_truth, k):
    """rating: (B, item_num) with seen items at -inf; ground_truth: (B,). Returns hits and their ranks from 0."""
    _, top = torch.topk(rating, k)
    hits = top == ground_truth.unsqueeze(1)
    return hits.any(dim=1), hits.float().argmax(dim=1)


@torch.no_grad()
def test(model, held_out, seen, params):
    """held_out: user -> item; seen: user -> items. Returns recall and NDCG at k."""
    model.eval()
    users = torch.tensor(sorted(held_out))
    recall, ndcg = 0.0, 0.0
    for batch in users.split(params['test_batch_size']):
        rating = model.test_forward(batch.to(params['device'])).cpu()
        for row, user in enumerate(batch.tolist()):
            rating[row, seen[user]] = -np.inf
        truth = torch.tensor([held_out[user] for user in batch.tolist()])
        hit, rank = hit_rank(rating, truth, params['topk'])
        recall += hit.float().sum().item()
        ndcg += (hit / torch.log2(rank + 2.0)).sum().item()
    return recall / len(users), ndcg / len(users)


class ShopUltraGCN:
    def __init__(self, log, device, seed):
        self.params = read_params()
        pairs = np.stack([log.users - 1, log.items - 1], axis=1)
        self.train_loader = prepare(self.params, pairs, log.n_users, log.n_items, seed, device)
        self.model = UltraGCN(self.params).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=self.params['lr'])

    def fit(self):
        while True:
            yield {'loss': train_one_epoch(self.model, self.optimizer, self.train_loader, self.params)}

    @torch.no_grad()
    def score(self, users, histories):
        self.model.eval()
        rating = self.model.test_forward(torch.as_tensor(np.asarray(users) - 1, device=self.params['device']))
        nobody = torch.full((len(rating), 1), -1e9, device=rating.device)
        return torch.cat([nobody, rating], dim=1).cpu().numpy()

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(log, *, device, seed):
    torch.manual_seed(seed)
    return ShopUltraGCN(log, device, seed)


def main(path):
    params = read_params()
    torch.manual_seed(2021)
    pairs, valid, test_items, seen, user_num, item_num = load_split(path)
    train_loader = prepare(params, pairs, user_num, item_num, 2021, 'cpu')
    model = UltraGCN(params)
    optimizer = torch.optim.Adam(model.parameters(), lr=params['lr'])

    best_ndcg, waited = 0.0, 0
    for epoch in range(params['max_epoch']):
        start = time.time()
        loss = train_one_epoch(model, optimizer, train_loader, params)
        recall, ndcg = test(model, valid, seen, params)
        print('epoch %d %.1fs loss %.4f valid recall %.4f ndcg %.4f' % (epoch, time.time() - start, loss, recall, ndcg))
        if ndcg > best_ndcg:
            best_ndcg, waited = ndcg, 0
            torch.save(model.state_dict(), 'ultragcn.pt')
        else:
            waited += 1
            if waited >= params['early_stop_epoch']:
                break

    model.load_state_dict(torch.load('ultragcn.pt'))
    with_valid = {user: seen[user] + [valid[user]] for user in valid}
    print('test recall %.4f ndcg %.4f' % test(model, test_items, with_valid, params))


if __name__ == '__main__':
    main(sys.argv[1])
