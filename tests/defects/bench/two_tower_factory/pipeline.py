import numpy as np
import torch


def item_features(data, n_price_bins):
    """Integer features of every item; row 0 is padding."""
    names = sorted({c for cats in data.item_columns["categories"] for c in cats})
    index = {name: k + 1 for k, name in enumerate(names)}
    depth = max((len(c) for c in data.item_columns["categories"]), default=1)
    category = torch.zeros(data.n_items + 1, max(depth, 1), dtype=torch.long)
    for i, cats in enumerate(data.item_columns["categories"]):
        for k, c in enumerate(cats):
            category[i, k] = index[c]
    price = np.nan_to_num(np.log1p(np.asarray(data.item_columns["price"], dtype=np.float64)), nan=0.0)
    edges = np.quantile(price[1:], np.linspace(0, 1, n_price_bins + 1)[1:-1])
    shops = {s: k for k, s in enumerate(sorted(set(data.item_columns["store"])))}
    return {
        "category": category,
        "price": torch.from_numpy(np.digitize(price, edges)),
        "store": torch.tensor([shops[s] for s in data.item_columns["store"]]),
    }


class ExampleStream:
    """Every event with a past is an example: (history, item)."""

    def __init__(self, data, length, batch_size, generator):
        self.batch_size = batch_size
        self.generator = generator
        hist, goal = [], []
        for u in range(1, data.n_users + 1):
            seq = data.items[data.offsets[u] : data.offsets[u + 1]]
            for t in range(1, len(seq)):
                past = seq[max(0, t - length) : t]
                row = np.zeros(length, dtype=np.int64)
                row[length - len(past) :] = past
                hist.append(row)
                goal.append(seq[t])
        self.hist = torch.from_numpy(np.stack(hist))
        self.goal = torch.from_numpy(np.array(goal))

    def __iter__(self):
        order = torch.randperm(len(self.goal), generator=self.generator)
        for rows in order.split(self.batch_size):
            yield self.hist[rows], self.goal[rows]


def log_frequency(data):
    count = np.bincount(data.items, minlength=data.n_items + 1).astype(np.float32)
    return torch.from_numpy(np.log(np.maximum(count, 1) / count.sum()))
