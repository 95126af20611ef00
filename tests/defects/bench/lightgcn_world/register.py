import dataloader
import model
import numpy as np
import Procedure
import torch
import world


class Recommender:
    def __init__(self):
        self.Recmodel = model.LightGCN(world.config, world.dataset).to(world.device)
        self.bpr = Procedure.BPRLoss(self.Recmodel, world.config)

    def fit(self):
        while True:
            yield {"loss": Procedure.BPR_train_original(world.dataset, self.Recmodel, self.bpr)}

    def score(self, users, histories):
        self.Recmodel.eval()
        last = torch.as_tensor(np.asarray(histories), device=world.device)[:, -1] - 1
        who = torch.as_tensor(np.asarray(users), device=world.device) - 1
        with torch.no_grad():
            rating = self.Recmodel.getUsersRating(who, last)
        out = torch.full((len(who), world.dataset.m_item + 1), -1e9)
        out[:, 1:] = rating.cpu()
        return out

    def item_embeddings(self):
        with torch.no_grad():
            items = self.Recmodel.computer()[1]
        return torch.cat([torch.zeros(1, items.shape[1]), items.cpu()])

    def state_dict(self):
        return self.Recmodel.state_dict()

    def load_state_dict(self, state):
        self.Recmodel.load_state_dict(state)


def build(data, *, device, seed):
    world.device = device
    world.seed = seed
    np.random.seed(seed)
    torch.manual_seed(seed)
    world.dataset = dataloader.Loader(data)
    return Recommender()
