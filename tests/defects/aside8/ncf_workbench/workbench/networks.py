"""NeuMF (He et al., WWW 2017): a generalised matrix factorisation beside a tower, fused by one linear layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GMF(nn.Module):
    def __init__(self, num_users: int, num_items: int, dim: int) -> None:
        super().__init__()
        self.embedding_user = nn.Embedding(num_users, dim)
        self.embedding_item = nn.Embedding(num_items, dim)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        return self.embedding_user(users) * self.embedding_item(items)


class Tower(nn.Module):
    def __init__(self, num_users: int, num_items: int, dim: int, layers: list[int], dropout: float) -> None:
        super().__init__()
        self.embedding_user = nn.Embedding(num_users, dim)
        self.embedding_item = nn.Embedding(num_items, dim)
        sizes = [2 * dim, *layers[1:]]
        self.fc_layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(sizes[:-1], sizes[1:]))
        self.dropout = nn.Dropout(dropout)
        self.out_dim = sizes[-1]

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        vector = torch.cat([self.embedding_user(users), self.embedding_item(items)], dim=-1)
        for layer in self.fc_layers:
            vector = torch.relu(layer(self.dropout(vector)))
        return vector


class NeuMF(nn.Module):
    def __init__(self, num_users: int, num_items: int, settings: dict) -> None:
        super().__init__()
        self.num_items = num_items
        self.gmf = GMF(num_users, num_items, settings["latent_dim_mf"])
        self.mlp = Tower(
            num_users, num_items, settings["latent_dim_mlp"], settings["layers"], settings["dropout"]
        )
        self.item_bias = nn.Embedding(num_items, 1)
        self.affine_output = nn.Linear(settings["latent_dim_mf"] + self.mlp.out_dim, 1)
        self.reset(settings["init_std"])

    def reset(self, std: float) -> None:
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=std)
            elif isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.zeros_(self.item_bias.weight)
        nn.init.ones_(self.affine_output.weight[:, : self.gmf.embedding_user.embedding_dim])

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Logits, of the shape of `users`."""
        both = torch.cat([self.gmf(users, items), self.mlp(users, items)], dim=-1)
        return self.affine_output(both).squeeze(-1) + self.item_bias(items).squeeze(-1)

    def all_items(self, users: Tensor) -> Tensor:
        """(len(users), num_items) logits."""
        items = torch.arange(self.num_items, device=users.device).repeat(len(users))
        logits = self(users.repeat_interleave(self.num_items), items)
        return logits.view(len(users), self.num_items)
