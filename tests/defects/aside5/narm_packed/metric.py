import torch


def get_recall(indices, targets):
    """How many targets are among the top k.

    Args:
        indices (B x k): ids of the top items
        targets (B): ids of the items that came next
    """
    return (indices == targets.view(-1, 1)).any(dim=1).float().mean().item()


def get_mrr(indices, targets):
    """Mean reciprocal rank within the top k, 0 for a miss."""
    hits = (indices == targets.view(-1, 1)).nonzero()
    if len(hits) == 0:
        return 0.0
    ranks = (hits[:, 1] + 1).float()
    rranks = torch.reciprocal(ranks)
    return (rranks.sum() / targets.size(0)).item()


def evaluate(scores, targets, k=20):
    """Recall and MRR of scores (B x n_items; column j is item j + 1)."""
    _, indices = torch.topk(scores, k, -1)
    indices = indices + 1
    return get_recall(indices, targets), get_mrr(indices, targets)
