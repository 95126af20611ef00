import torch
from engine import Engine
from gmf import GMFEngine
from torch import nn


class NeuMF(nn.Module):
    """A GMF tower and an MLP tower; the MLP also reads what the user bought last (a discounted mean)."""

    def __init__(self, config):
        super().__init__()
        d_mf, d_mlp = config["latent_dim_mf"], config["latent_dim_mlp"]
        users, items = config["num_users"] + 1, config["num_items"] + 1
        self.embedding_user_mf = nn.Embedding(users, d_mf)
        self.embedding_item_mf = nn.Embedding(items, d_mf)
        self.embedding_user_mlp = nn.Embedding(users, d_mlp)
        self.embedding_item_mlp = nn.Embedding(items, d_mlp)
        self.embedding_recent = nn.Embedding(items, d_mf + d_mlp, padding_idx=0)
        self.d_mf = d_mf

        self.fc_layers = nn.ModuleList()
        for in_size, out_size in zip(config["layers"][:-1], config["layers"][1:]):
            self.fc_layers.append(nn.Linear(in_size, out_size))
        self.dropout = nn.Dropout(config["dropout"])
        self.affine_output = nn.Linear(config["layers"][-1] + d_mf, 1)
        self.item_bias = nn.Embedding(items, 1)
        discount = 0.7 ** torch.arange(config["recent"] - 1, -1, -1, dtype=torch.float)
        self.register_buffer("discount", discount)
        self._init_weight(config["init_std"])

    def _init_weight(self, std):
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=std)
            elif isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.zeros_(self.item_bias.weight)
        nn.init.ones_(self.affine_output.weight[:, -self.d_mf :])

    def basket(self, recent):
        """(B, recent) -> (B, d_mf + d_mlp), newer events weigh more"""
        weight = self.discount * (recent > 0)
        total = weight.sum(1, keepdim=True).clamp(min=1e-6)
        return torch.einsum("bl,bld->bd", weight / total, self.embedding_recent(recent))

    def forward(self, user_indices, recent, item_indices):
        basket = self.basket(recent)
        basket_mf, basket_mlp = basket[:, : self.d_mf], basket[:, self.d_mf :]
        user_mf = self.embedding_user_mf(user_indices) + basket_mf
        item_mf = self.embedding_item_mf(item_indices)
        user_mlp = self.embedding_user_mlp(user_indices)
        item_mlp = self.embedding_item_mlp(item_indices)

        mf_vector = torch.mul(user_mf, item_mf)
        mlp_vector = torch.cat([user_mlp, basket_mlp, item_mlp], dim=-1)
        for layer in self.fc_layers:
            mlp_vector = self.dropout(torch.relu(layer(mlp_vector)))
        vector = torch.cat([mlp_vector, mf_vector], dim=-1)
        return (self.affine_output(vector) + self.item_bias(item_indices)).squeeze(-1)


class NeuMFEngine(Engine):
    def __init__(self, config):
        self.model = NeuMF(config)
        super().__init__(config)


ENGINES = {"gmf": GMFEngine, "neumf": NeuMFEngine}
