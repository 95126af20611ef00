import torch
from torch import nn


class ItemEncoder(nn.Module):
    """id, shop, price bucket and the mean over an item's categories, side by side."""

    def __init__(self, features, settings):
        super().__init__()
        self.register_buffer("shop", features.shop)
        self.register_buffer("categories", features.categories)
        self.register_buffer("price", features.price)
        self.id = nn.Embedding(features.n_rows, settings.id_dim, padding_idx=0)
        self.shop_table = nn.Embedding(features.n_shops, settings.side_dim, padding_idx=0)
        self.category_table = nn.Embedding(features.n_categories, settings.side_dim, padding_idx=0)
        self.price_table = nn.Embedding(features.PRICE_BUCKETS + 1, settings.side_dim, padding_idx=0)
        self.width = settings.id_dim + 3 * settings.side_dim
        self.reset_parameters()

    def reset_parameters(self):
        for table in (self.id, self.shop_table, self.category_table, self.price_table):
            nn.init.normal_(table.weight, std=0.1)
            with torch.no_grad():
                table.weight[table.padding_idx].zero_()

    def forward(self, items):
        categories = self.categories[items]
        count = (categories > 0).sum(-1, keepdim=True).clamp(min=1)
        category = self.category_table(categories).sum(-2) / count
        shop = self.shop_table(self.shop[items])
        price = self.price_table(self.price[items])
        return torch.cat([self.id(items), shop, category, price], dim=-1)
