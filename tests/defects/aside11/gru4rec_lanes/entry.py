import numpy as np
import torch

from dataset import Dataset
from trainer import Trainer, make_model, parser


class SessionRecommender:
    """A user's history is a session. Items count from 0 here and from 1 outside"""

    def __init__(self, data, device, seed):
        self.args = parser.parse_args(["--seed", str(seed)])
        torch.manual_seed(seed)
        self.device = device
        self.model = make_model(data.n_items, self.args)
        train_data = Dataset(np.asarray(data.users), np.asarray(data.items) - 1, np.asarray(data.timestamps))
        self.trainer = Trainer(self.model, train_data, self.args, device)

    def fit(self):
        for _ in range(self.args.n_epochs):
            yield {"loss": self.trainer.train_epoch()}

    @torch.no_grad()
    def score(self, users, histories):
        self.model.eval()
        clicks = torch.as_tensor(np.asarray(histories), device=self.device) - 1
        hidden = self.model.init_hidden(len(clicks))
        for input in clicks.T:
            _, state = self.model(input.clamp(min=0), hidden)
            hidden = torch.where((input >= 0).view(1, -1, 1), state, hidden)
        scores = self.model.logits(hidden[-1]).cpu().numpy()
        return np.pad(scores, ((0, 0), (1, 0)), constant_values=-1e9)

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    return SessionRecommender(data, device, seed)
