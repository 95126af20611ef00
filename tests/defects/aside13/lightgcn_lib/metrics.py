import numpy as np
import torch


def hit_matrix(top, positives):
    """top (B, k), a set of items for each row -> (B, k), 1 where an item of the list is in the set"""
    return np.array([[item in pos for item in row] for row, pos in zip(top, positives)], dtype=float)


def recall_at_k(hits, n_pos):
    return hits.sum(axis=1) / n_pos


def ndcg_at_k(hits, n_pos):
    k = hits.shape[1]
    discount = 1.0 / np.log2(np.arange(k) + 2)
    ideal = np.cumsum(discount)[np.minimum(n_pos, k) - 1]
    return (hits * discount).sum(axis=1) / ideal


def evaluate(model, dataset, positives, k, batch_size, also_seen=None):
    """
    Full ranking: mean Recall@k and NDCG@k over the users of positives.

    positives: user -> items to find; also_seen: user -> items beside those of training that are not shown
    """
    model.eval()
    users = np.array(sorted(user for user, items in positives.items() if items))
    device = model.user_embedding.weight.device
    recall, ndcg = [], []
    with torch.no_grad():
        for start in range(0, len(users), batch_size):
            batch = users[start:start + batch_size]
            scores = model.predict(torch.from_numpy(batch).to(device))
            for row, user in enumerate(batch):
                scores[row, dataset.train_pos[user]] = -np.inf
                if also_seen:
                    scores[row, list(also_seen[user])] = -np.inf
            top = scores.topk(k).indices.cpu().numpy()
            truth = [positives[user] for user in batch]
            hits, n_pos = hit_matrix(top, truth), np.array([len(items) for items in truth])
            recall.append(recall_at_k(hits, n_pos))
            ndcg.append(ndcg_at_k(hits, n_pos))
    return np.concatenate(recall).mean(), np.concatenate(ndcg).mean()
