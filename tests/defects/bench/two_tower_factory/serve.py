import torch
from objective import InBatchSoftmax
from pipeline import ExampleStream, item_features, log_frequency
from settings import Config
from torch import nn
from towers import make_tower


class TwoTower(nn.Module):
    def __init__(self, features, cfg):
        super().__init__()
        self.item = make_tower("item", features, cfg.tower)
        self.query = make_tower("query", self.item, cfg.train.history_len, cfg.tower)
        self.temperature = cfg.tower.temperature

    @torch.no_grad()
    def recommend(self, history):
        self.eval()
        everything = torch.arange(self.item.id_emb.num_embeddings, device=history.device)
        return self.query(history) @ self.item(everything).T / self.temperature


class Engine:
    def __init__(self, data, device, seed, cfg):
        self.cfg = cfg
        self.device = device
        self.net = TwoTower(item_features(data, cfg.n_price_bins), cfg).to(device)
        log_q = log_frequency(data).to(device) if cfg.train.log_q else None
        self.criterion = InBatchSoftmax(cfg.tower.temperature, log_q)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), lr=cfg.train.lr, weight_decay=cfg.train.weight_decay
        )
        g = torch.Generator().manual_seed(seed)
        self.stream = ExampleStream(data, cfg.train.history_len, cfg.train.batch_size, g)

    def fit(self):
        while True:
            yield self._epoch()

    def _epoch(self):
        self.net.train()
        seen, total = 0, 0.0
        for history, goal in self.stream:
            history, goal = history.to(self.device), goal.to(self.device)
            loss = self.criterion(self.net.query(history), self.net.item(goal), goal)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), self.cfg.train.max_norm)
            self.optimizer.step()
            total = total + loss.detach() * len(goal)
            seen += len(goal)
        return {"softmax": float(total) / seen}

    def score(self, users, histories):
        return self.net.recommend(torch.as_tensor(histories, device=self.device))

    @torch.no_grad()
    def item_embeddings(self):
        self.net.eval()
        return self.net.item(torch.arange(self.net.item.id_emb.num_embeddings, device=self.device))

    def state_dict(self):
        return self.net.state_dict()

    def load_state_dict(self, state):
        self.net.load_state_dict(state)


def build(data, *, device, seed):
    torch.manual_seed(seed)
    return Engine(data, torch.device(device), seed, Config())
