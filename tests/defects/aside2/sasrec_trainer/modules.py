import torch
from torch import nn


class ItemEncoder(nn.Module):
    """Id embedding plus the embedding of the item's category."""

    def __init__(self, args, n_items, item_category, n_categories):
        super().__init__()
        self.item_embeddings = nn.Embedding(n_items + 1, args.hidden_size, padding_idx=0)
        self.category_embeddings = nn.Embedding(n_categories + 1, args.hidden_size, padding_idx=0)
        self.category_weight = args.category_weight
        self.register_buffer("item_category", item_category)

    def forward(self, ids):
        cats = self.item_category[ids]
        return self.item_embeddings(ids) + self.category_weight * self.category_embeddings(cats)

    def table(self):
        return self(torch.arange(self.item_embeddings.num_embeddings, device=self.item_category.device))


class FeedForward(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.dense_1 = nn.Linear(args.hidden_size, args.hidden_size * 2)
        self.act = nn.ReLU()
        self.dense_2 = nn.Linear(args.hidden_size * 2, args.hidden_size)
        self.dropout = nn.Dropout(args.hidden_dropout_prob)

    def forward(self, x):
        x = self.act(self.dense_1(x))
        return self.dropout(self.dense_2(x))


class Block(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.norm_att = nn.LayerNorm(args.hidden_size, eps=args.layer_norm_eps)
        self.attention = nn.MultiheadAttention(
            args.hidden_size,
            args.num_attention_heads,
            dropout=args.attention_probs_dropout_prob,
            batch_first=True,
        )
        self.dropout = nn.Dropout(args.hidden_dropout_prob)
        self.norm_ff = nn.LayerNorm(args.hidden_size, eps=args.layer_norm_eps)
        self.ff = FeedForward(args)

    def forward(self, x, attention_mask):
        q = self.norm_att(x)
        att, _ = self.attention(q, q, q, attn_mask=attention_mask, need_weights=False)
        x = x + self.dropout(att)
        return x + self.ff(self.norm_ff(x))


class Encoder(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.blocks = nn.ModuleList(Block(args) for _ in range(args.num_hidden_layers))
        self.norm = nn.LayerNorm(args.hidden_size, eps=args.layer_norm_eps)

    def forward(self, x, attention_mask):
        for block in self.blocks:
            x = block(x, attention_mask)
        return self.norm(x)
