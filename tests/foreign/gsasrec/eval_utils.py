import numpy as np
import torch
from dataset_utils import ndcg_at


def evaluate(model, loader, limit, filter_rated, device):
    model.eval()
    values, hits = [], []
    with torch.no_grad():
        for inputs, rated, outputs in loader:
            items, _ = model.get_predictions(inputs.to(device), limit, rated if filter_rated else None)
            found = items.cpu().numpy()
            values.append(ndcg_at(limit, found, outputs.numpy()))
            hits.append((found == outputs.numpy()[:, None]).any(1))
    return {"nDCG": float(np.concatenate(values).mean()), "R": float(np.concatenate(hits).mean())}
