import torch
import torch.nn as nn
import torch.nn.functional as F


class ResidualBlock(nn.Module):
    def __init__(self, channels, dilation, kernel=3):
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.norm = nn.LayerNorm(channels)
        self.conv = nn.Conv1d(channels, channels, kernel, dilation=dilation)
        self.out = nn.Conv1d(channels, channels, 1)

    def forward(self, x, real):
        h = F.relu(self.norm(x)) * real
        h = F.pad(h.transpose(1, 2), (self.reach, 0))
        h = self.out(F.relu(self.conv(h)))
        return (x + h.transpose(1, 2)) * real


class NextItNetModule(nn.Module):
    def __init__(self, num_items, channels=48, dilations=(1, 2, 4), p=0.5, lr=6e-3, gamma=0.96):
        super().__init__()
        self.lr = lr
        self.gamma = gamma
        self.items = nn.Embedding(num_items + 1, channels, padding_idx=0)
        self.blocks = nn.ModuleList(ResidualBlock(channels, d) for d in dilations)
        self.dropout = nn.Dropout(p)
        self.final = nn.LayerNorm(channels)
        self.head = nn.Linear(channels, num_items + 1)
        nn.init.normal_(self.items.weight, std=0.3)
        nn.init.normal_(self.head.weight, std=0.05)

    def forward(self, x):
        real = (x > 0).unsqueeze(-1).float()
        h = self.dropout(self.items(x)) * real
        for block in self.blocks:
            h = block(h, real)
        return self.final(h)

    def training_step(self, batch, batch_idx):
        x, y = batch
        h = self.dropout(self(x))
        logits = self.head(h)
        return F.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=0)

    def predict_step(self, x):
        return self.head(self(x)[:, -1])

    def clip(self, value):
        nn.utils.clip_grad_norm_(self.parameters(), value)

    def configure_optimizers(self):
        decay = [p for n, p in self.named_parameters() if p.dim() > 1]
        rest = [p for n, p in self.named_parameters() if p.dim() <= 1]
        opt = torch.optim.AdamW(
            [{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}], lr=self.lr
        )
        return opt, torch.optim.lr_scheduler.ExponentialLR(opt, self.gamma)
