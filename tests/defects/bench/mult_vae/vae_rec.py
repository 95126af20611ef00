import numpy as np
import torch
from data import Interactions
from models import MultiVAE, loss_function
from options import args


class VAERecommender:
    def __init__(self, events, device, seed):
        self.device = device
        self.rng = np.random.default_rng(seed)
        self.train_data = Interactions(events, args["fade"])
        self.N = self.train_data.matrix.shape[0]
        self.idxlist = list(range(self.N))
        self.model = MultiVAE(self.train_data.n_items, args["p_dims"], args["dropout"]).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=args["lr"], weight_decay=args["wd"])
        self.update_count = 0

    def fit(self):
        while True:
            yield {"loss": self.train()}

    def train(self):
        self.model.train()
        train_loss = 0.0
        n_batches = 0
        self.rng.shuffle(self.idxlist)
        for _ in range(3):
            for start_idx in range(0, self.N, args["batch_size"]):
                end_idx = min(start_idx + args["batch_size"], self.N)
                x, y = self.train_data.split_rows(self.idxlist[start_idx:end_idx], self.rng)
                data = torch.from_numpy(x).to(self.device)
                goal = torch.from_numpy(y).to(self.device)
                if args["total_anneal_steps"] > 0:
                    anneal = min(args["anneal_cap"], 1.0 * self.update_count / args["total_anneal_steps"])
                else:
                    anneal = args["anneal_cap"]
                self.optimizer.zero_grad()
                recon_batch, mu, logvar = self.model(data)
                loss = loss_function(recon_batch, goal, mu, logvar, anneal)
                loss.backward()
                train_loss += loss.detach()
                self.optimizer.step()
                self.update_count += 1
                n_batches += 1
        return float(train_loss) / n_batches

    def score(self, users, histories):
        self.model.eval()
        rows = [self.train_data.profile(h[h > 0] - 1) for h in np.asarray(histories)]
        with torch.no_grad():
            x = torch.from_numpy(np.stack(rows)).to(self.device)
            recon, _, _ = self.model(x)
        pad = torch.zeros(len(rows), 1, device=self.device)
        return torch.cat([pad, recon], dim=1)

    def item_embeddings(self):
        w = self.model.p_layers[-1].weight.detach()
        return torch.cat([torch.zeros(1, w.shape[1], device=w.device), w])

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    torch.manual_seed(seed)
    return VAERecommender(data, torch.device(device), seed)
