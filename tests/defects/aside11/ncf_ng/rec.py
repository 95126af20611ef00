import numpy as np
import torch

import config
from main import train_epoch, train_loader_of
from model import NCF


class NeuMF:
    def __init__(self, data, device, seed):
        torch.manual_seed(seed)
        np.random.seed(seed)
        self.device = device
        self.item_num = data.n_items
        pairs = np.stack([np.asarray(data.users) - 1, np.asarray(data.items) - 1], axis=1)
        self.train_loader = train_loader_of(pairs, data.n_users, data.n_items)
        self.model = NCF(data.n_users, data.n_items, config.factor_num, config.num_layers, config.dropout).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=config.lr)

    def fit(self):
        loss_function = torch.nn.BCEWithLogitsLoss()
        for _ in range(config.epochs):
            yield {"loss": train_epoch(self.model, self.train_loader, loss_function, self.optimizer, self.device)}

    @torch.no_grad()
    def score(self, users, histories):
        self.model.eval()
        user = torch.as_tensor(np.asarray(users) - 1, device=self.device).repeat_interleave(self.item_num)
        item = torch.arange(self.item_num, device=self.device).repeat(len(users))
        scores = self.model(user, item).view(len(users), self.item_num)
        return torch.nn.functional.pad(scores, (1, 0)).cpu().numpy()  # column 0 is no item

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    return NeuMF(data, device, seed)
