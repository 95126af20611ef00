import numpy as np
import torch


def hit(gt_item, pred_items):
    return 1 if gt_item in pred_items else 0


def ndcg(gt_item, pred_items):
    if gt_item in pred_items:
        return np.reciprocal(np.log2(pred_items.index(gt_item) + 2))
    return 0


def metrics(model, test_loader, top_k, device):
    HR, NDCG = [], []
    # one batch holds a user's item, which is first, and its negatives
    with torch.no_grad():
        for user, item, label in test_loader:
            predictions = model(user.to(device), item.to(device))
            _, indices = torch.topk(predictions, top_k)
            recommends = torch.take(item, indices.cpu()).numpy().tolist()
            gt_item = item[0].item()
            HR.append(hit(gt_item, recommends))
            NDCG.append(ndcg(gt_item, recommends))
    return np.mean(HR), np.mean(NDCG)
