import torch
from torch import nn
from torch.nn import functional as F


class LightModule(nn.Module):
    """What Lightning asks of a module, as far as our trainer calls it."""

    trainer = None

    def training_step(self, batch, batch_idx):
        raise NotImplementedError

    def configure_optimizers(self):
        raise NotImplementedError

    def log(self, name, value):
        self.trainer.callback_metrics[name] = float(value)


class TwoTower(LightModule):
    def __init__(self, n_items, categories, counts, dim=32, temperature=0.1, lr=3e-3):
        super().__init__()
        self.n_items = n_items
        self.temperature = temperature
        self.lr = lr
        self.item_ids = nn.Embedding(n_items, dim)
        self.item_categories = nn.Embedding(int(categories.max()) + 1, dim)
        self.history_ids = nn.Embedding(n_items + 1, dim, padding_idx=n_items)
        self.user_net = nn.Sequential(
            nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Dropout(0.1), nn.Linear(2 * dim, dim)
        )
        self.register_buffer("categories", torch.as_tensor(categories))
        frequency = torch.as_tensor(counts, dtype=torch.float32)
        self.register_buffer("log_q", torch.log(frequency / frequency.sum()))
        for table in (self.item_ids, self.item_categories, self.history_ids):
            nn.init.normal_(table.weight, std=0.05)
        with torch.no_grad():
            self.history_ids.weight[n_items].zero_()

    def user_tower(self, context):
        """(B, window) item numbers, -1 where none -> unit vectors (B, d)"""
        known = context >= 0
        vectors = self.history_ids(torch.where(known, context, self.n_items))
        mean = vectors.sum(1) / known.sum(1, keepdim=True).clamp(min=1)
        return F.normalize(mean + self.user_net(mean), dim=-1)

    def item_tower(self, items):
        """(N,) item numbers -> unit vectors (N, d)"""
        return F.normalize(self.item_ids(items) + self.item_categories(self.categories[items]), dim=-1)

    def forward(self, context):
        every = torch.arange(self.n_items, device=context.device)
        return self.user_tower(context) @ self.item_tower(every).T / self.temperature

    def training_step(self, batch, batch_idx):
        users = self.user_tower(batch["context"])
        targets = batch["target"]
        logits = users @ self.item_tower(targets).T / self.temperature
        # popular items are negatives more often: take that out
        logits = logits - self.log_q[targets][None, :]
        same = targets[None, :] == targets[:, None]
        same.fill_diagonal_(False)
        logits = logits.masked_fill(same, -1e9)
        loss = F.cross_entropy(logits, torch.arange(len(targets), device=logits.device))
        self.log("train_loss", loss.detach())
        return loss

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=1e-4)
