import numpy as np
import torch

import world


def UniformSample(dataset):
    """(N, 3): each edge of training once, in random order, with an item that its user does not have"""
    order = np.random.permutation(dataset.trainDataSize)
    users, pos = dataset.trainUser[order], dataset.trainItem[order]
    neg = np.random.randint(0, dataset.m_items, len(users))
    taken = dataset.UserItemNet[users, neg]
    while taken.any():
        neg[taken] = np.random.randint(0, dataset.m_items, taken.sum())
        taken = dataset.UserItemNet[users, neg]
    return np.stack([users, pos, neg], axis=1)


class BPRLoss:
    def __init__(self, recmodel, config):
        self.model = recmodel
        self.weight_decay = config["decay"]
        self.opt = torch.optim.Adam(recmodel.parameters(), lr=config["lr"])

    def stageOne(self, users, pos, neg):
        loss, reg_loss = self.model.bpr_loss(users, pos, neg)
        loss = loss + self.weight_decay * reg_loss
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.detach()


def BPR_train_original(dataset, recommend_model, loss_class):
    recommend_model.train()
    S = torch.as_tensor(UniformSample(dataset), device=world.device)
    aver_loss = torch.zeros((), device=world.device)
    batches = S.split(world.config["bpr_batch_size"])
    for batch in batches:
        aver_loss += loss_class.stageOne(batch[:, 0], batch[:, 1], batch[:, 2])
    return aver_loss.item() / len(batches)


def test_one_batch(rating_K, groundTrue, k):
    """top items (B, k) and sets of items to find -> sums of precision, recall, ndcg over the users"""
    r = np.array([[item in true for item in top] for top, true in zip(rating_K, groundTrue)], dtype=float)
    found = np.array([len(true) for true in groundTrue])
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.array([discount[:min(n, k)].sum() for n in found])
    return np.array([r.sum() / k, (r.sum(axis=1) / found).sum(), ((r * discount).sum(axis=1) / ideal).sum()])


def Test(dataset, Recmodel, truth, seen_too=None):
    """truth: user -> items to find; seen_too: user -> items beside those of training that are not to be shown"""
    u_batch_size = world.config["test_u_batch_size"]
    Recmodel.eval()
    users = sorted(truth)
    results = np.zeros(3)
    with torch.no_grad():
        for start in range(0, len(users), u_batch_size):
            batch_users = users[start:start + u_batch_size]
            rating = Recmodel.getUsersRating(torch.tensor(batch_users, device=world.device))
            for row, items in enumerate(dataset.getUserPosItems(batch_users)):
                rating[row, items] = -1.0
                if seen_too:
                    rating[row, list(seen_too.get(batch_users[row], ()))] = -1.0
            _, rating_K = torch.topk(rating, k=world.topk)
            groundTrue = [truth[u] for u in batch_users]
            results += test_one_batch(rating_K.cpu().numpy(), groundTrue, world.topk)
    return dict(zip(("precision", "recall", "ndcg"), results / len(users)))
