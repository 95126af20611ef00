import numpy as np
import torch

from next_item import (
    CFG, NextItemModel, TrainDataset, encode, group_by_user, make_loader, make_optimizer, pad_left, seed_everything,
    train_one_epoch,
)


class NotebookRecommender:
    """Tokens are the notebook's; `columns` holds the item of each of them"""

    def __init__(self, data, device, seed):
        seed_everything(seed)
        self.device = device
        self.n_items = data.n_items
        self.vocab = encode(np.arange(1, data.n_items + 1))
        self.columns = np.array(list(self.vocab))
        tokens = np.array([self.vocab[int(item)] for item in data.items])
        histories = group_by_user(np.asarray(data.users), tokens, np.asarray(data.timestamps))
        self.loader = make_loader(TrainDataset(histories, CFG.max_len), CFG, train=True)
        self.model = NextItemModel(len(self.vocab), CFG).to(device)

    def fit(self):
        optimizer, scheduler = make_optimizer(self.model, CFG, CFG.epochs * len(self.loader))
        for _ in range(CFG.epochs):
            yield {"loss": train_one_epoch(self.model, self.loader, optimizer, scheduler, self.device)}

    @torch.no_grad()
    def score(self, users, histories):
        self.model.eval()
        past = [[self.vocab[int(item)] for item in history if item > 0] for history in np.asarray(histories)]
        seq = torch.tensor([pad_left(items, CFG.max_len) for items in past], device=self.device)
        logits = self.model(seq)[:, -1].cpu().numpy()
        scores = np.full((len(logits), self.n_items + 1), -1e9, dtype=np.float32)
        scores[:, self.columns] = logits[:, list(self.vocab.values())]
        return scores

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    return NotebookRecommender(data, device, seed)
