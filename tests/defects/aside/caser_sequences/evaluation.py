import numpy as np


def _compute_apk(targets, predictions, k):
    """Average precision of one list against the set of a user's later items."""
    if len(predictions) > k:
        predictions = predictions[:k]
    score, num_hits = 0.0, 0.0
    for i, p in enumerate(predictions):
        if p in targets and p not in predictions[:i]:
            num_hits += 1.0
            score += num_hits / (i + 1.0)
    return score / min(len(targets), k) if len(targets) else 0.0


def _compute_ndcg(targets, predictions, k):
    gains = [1.0 / np.log2(i + 2) for i, p in enumerate(predictions[:k]) if p in targets]
    ideal = sum(1.0 / np.log2(i + 2) for i in range(min(len(targets), k)))
    return sum(gains) / ideal


def evaluate_ranking(model, test, rated, histories, k=10):
    """test: user -> set of held-out items; rated: user -> items of the training part."""
    apks, ndcgs = [], []
    users = np.array(sorted(test))
    predictions = -np.asarray(model.predict(users, histories[users]))
    order = predictions.argsort(axis=1)
    for user, ranked in zip(users, order):
        known = set(rated[user]) | {0}
        ranked = [p for p in ranked[: k + len(known)] if p not in known]
        apks.append(_compute_apk(test[user], ranked, k))
        ndcgs.append(_compute_ndcg(test[user], ranked, k))
    return np.mean(apks), np.mean(ndcgs)
