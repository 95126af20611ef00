import numpy as np
import torch

import Procedure
import world
from dataloader import Loader
from model import LightGCN


class Recommender:
    def __init__(self, data, device, seed):
        np.random.seed(seed)
        torch.manual_seed(seed)
        world.device = torch.device(device)
        edges = np.stack([np.asarray(data.users) - 1, np.asarray(data.items) - 1], axis=1)
        self.dataset = Loader(edges, n_user=data.n_users, m_item=data.n_items)
        self.model = LightGCN(world.config, self.dataset).to(world.device)
        self.bpr = Procedure.BPRLoss(self.model, world.config)

    def fit(self):
        for _ in range(world.TRAIN_epochs):
            yield {"loss": Procedure.BPR_train_original(self.dataset, self.model, self.bpr)}

    def score(self, users, histories):
        self.model.eval()
        with torch.no_grad():
            rating = self.model.getUsersRating(torch.as_tensor(np.asarray(users) - 1, device=world.device))
        return torch.nn.functional.pad(rating, (1, 0)).cpu().numpy()  # items count from 1 out there

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    return Recommender(data, device, seed)
