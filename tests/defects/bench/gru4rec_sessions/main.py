import argparse

import numpy as np
import torch
from lib import GRU4REC, LossFunction, SessionDataLoader, Trainer

parser = argparse.ArgumentParser()
parser.add_argument("--hidden_size", default=64, type=int)
parser.add_argument("--num_layers", default=1, type=int)
parser.add_argument("--batch_size", default=32, type=int)
parser.add_argument("--bptt", default=8, type=int)
parser.add_argument("--dropout_input", default=0.2, type=float)
parser.add_argument("--dropout_hidden", default=0.4, type=float)
parser.add_argument("--n_epochs", default=20, type=int)
parser.add_argument("--optimizer_type", default="Adam", type=str)
parser.add_argument("--final_act", default="none", type=str)
parser.add_argument("--lr", default=0.003, type=float)
parser.add_argument("--momentum", default=0.0, type=float)
parser.add_argument("--loss_type", default="CrossEntropy", type=str)
parser.add_argument("--n_sample", default=64, type=int)
parser.add_argument("--sample_alpha", default=0.5, type=float)


class Serving:
    def __init__(self, args, data, device):
        self.args = args
        self.device = device
        self.n_items = data.n_items
        self.model = GRU4REC(data.n_items, args).to(device)
        loader = SessionDataLoader(data, args.batch_size, args.bptt)
        loss_fn = LossFunction(args.loss_type, data.items, data.n_items, args)
        self.trainer = Trainer(self.model, loader, loss_fn, args, device)

    def fit(self):
        for epoch in range(self.args.n_epochs):
            yield {"epoch": float(epoch), "loss": self.trainer.train_epoch()}

    def score(self, users, histories):
        self.model.eval()
        seq = torch.as_tensor(np.asarray(histories), dtype=torch.long, device=self.device)
        with torch.no_grad():
            hidden = self.model.init_hidden(seq.size(0)).to(self.device)
            for t in range(seq.size(1)):
                real = (seq[:, t] > 0).float()[None, :, None]
                _, new = self.model(seq[:, t], hidden)
                hidden = real * new + (1 - real) * hidden
            logit = self.model.all_scores(hidden[-1])
        return logit.cpu().numpy()

    def item_embeddings(self):
        return self.model.h2o.weight.detach()

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    args = parser.parse_args([])
    np.random.seed(seed)
    torch.manual_seed(seed)
    return Serving(args, data, torch.device(device))
