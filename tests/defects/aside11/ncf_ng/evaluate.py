import numpy as np
import torch

import config


def hit(gt_item, pred_items):
    return float(gt_item in pred_items)


def ndcg(gt_item, pred_items):
    if gt_item in pred_items:
        index = pred_items.index(gt_item)
        return np.reciprocal(np.log2(index + 2))
    return 0.0


@torch.no_grad()
def metrics(model, test_loader, top_k, device="cpu"):
    """mean HR and NDCG; the loader's batches are whole users, 100 candidates each, the held-out item first"""
    HR, NDCG = [], []
    model.eval()
    width = config.test_num_ng + 1
    for user, item, _ in test_loader:
        predictions = model(user.to(device), item.to(device)).view(-1, width)
        # best scores first; of equal ones the candidate that comes last in the batch
        indices = width - 1 - torch.argsort(predictions.flip(1), dim=1, descending=True, stable=True)[:, :top_k]
        items = item.view(-1, width)
        recommends = items.gather(1, indices.cpu()).tolist()
        for gt_item, pred_items in zip(items[:, 0].tolist(), recommends):
            HR.append(hit(gt_item, pred_items))
            NDCG.append(ndcg(gt_item, pred_items))
    return np.mean(HR), np.mean(NDCG)
