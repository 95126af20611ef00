import numpy as np


def _compute_precision_recall(targets, predictions, k):
    num_hit = len(set(predictions[:k]).intersection(targets))
    return num_hit / k, num_hit / len(targets)


def _compute_apk(targets, predictions, k):
    score, num_hits = 0.0, 0
    for i, p in enumerate(predictions[:k]):
        if p in targets:
            num_hits += 1
            score += num_hits / (i + 1)
    return score / min(len(targets), k)


def _compute_ndcg(targets, predictions, k):
    dcg = sum(1.0 / np.log2(i + 2) for i, p in enumerate(predictions[:k]) if p in targets)
    idcg = sum(1.0 / np.log2(i + 2) for i in range(min(len(targets), k)))
    return dcg / idcg


def evaluate_ranking(model, histories, test, k=10, block=256):
    """
    Means over the users who have a new item in test: precision, recall, average precision and NDCG of the first k.

    histories: item ids of each user that are known when test is asked for, oldest first
    """
    wanted = [set() for _ in range(test.num_users)]
    for user, item in zip(test.user_ids, test.item_ids):
        wanted[user].add(int(item))
    wanted = [items - set(histories[user]) for user, items in enumerate(wanted)]
    users = np.array([user for user, items in enumerate(wanted) if items and histories[user]])
    results = []
    for start in range(0, len(users), block):
        batch = users[start:start + block]
        scores = model.predict(batch, [histories[user] for user in batch])
        scores[:, 0] = -np.inf
        for row, user in enumerate(batch):
            scores[row, histories[user]] = -np.inf
        top = np.argsort(-scores, axis=1)[:, :k]
        for user, predictions in zip(batch, top.tolist()):
            targets = wanted[user]
            precision, recall = _compute_precision_recall(targets, predictions, k)
            apk = _compute_apk(targets, predictions, k)
            results.append((precision, recall, apk, _compute_ndcg(targets, predictions, k)))
    return np.mean(results, axis=0)
