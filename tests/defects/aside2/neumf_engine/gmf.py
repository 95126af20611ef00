import torch
from engine import Engine
from torch import nn


class GMF(nn.Module):
    """Generalised matrix factorisation: one weight for each factor of the product."""

    def __init__(self, config):
        super().__init__()
        d = config["latent_dim"]
        self.embedding_user = nn.Embedding(config["num_users"] + 1, d)
        self.embedding_item = nn.Embedding(config["num_items"] + 1, d)
        self.affine_output = nn.Linear(d, 1)
        nn.init.normal_(self.embedding_user.weight, std=config["init_std"])
        nn.init.normal_(self.embedding_item.weight, std=config["init_std"])
        nn.init.ones_(self.affine_output.weight)

    def forward(self, user_indices, recent, item_indices):
        product = torch.mul(self.embedding_user(user_indices), self.embedding_item(item_indices))
        return self.affine_output(product).squeeze(-1)


class GMFEngine(Engine):
    def __init__(self, config):
        self.model = GMF(config)
        super().__init__(config)
