import numpy as np


def precision_recall_ndcg(recommended, relevant, k=10):
    """Of one user: recommended in order, relevant a set that is not empty"""
    hits = np.array([item in relevant for item in recommended[:k]], dtype=float)
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    dcg = (hits * discounts).sum()
    idcg = discounts[:min(len(relevant), k)].sum()
    return hits.sum() / k, hits.sum() / len(relevant), dcg / idcg


def evaluate(model, seen, truth, k=10, batch_size=100):
    """seen, truth: {user: items} -> mean precision, recall and NDCG at k of the users in truth"""
    users = np.array(sorted(truth))
    results = []
    for start in range(0, len(users), batch_size):
        batch = users[start:start + batch_size]
        top = model.recommend(batch, k, seen)
        for user, items in zip(batch, top):
            results.append(precision_recall_ndcg(items, set(truth[int(user)]), k))
    return np.array(results).mean(axis=0)
