import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, dim, num_heads, dropout):
        super().__init__()
        assert dim % num_heads == 0
        self.num_heads = num_heads
        self.scale = (dim // num_heads) ** -0.5
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def split(self, x):
        b, t, d = x.shape
        return x.view(b, t, self.num_heads, d // self.num_heads).transpose(1, 2)

    def forward(self, queries, keys, real):
        """real: (B, T, 1), 1 where an item stands, 0 at padding"""
        b, t, d = keys.shape
        q, k, v = self.split(self.query(queries)), self.split(self.key(keys)), self.split(self.value(keys))
        att = torch.einsum("bhqe,bhke->bhqk", q, k) * self.scale
        later = torch.ones(t, t, device=keys.device).triu(diagonal=1).bool()
        hidden = later[None, None] | (real[:, None, :, 0] == 0)[:, :, None, :]
        att = torch.softmax(att.masked_fill(hidden, -1e9), dim=-1)
        att = att * real[:, None, :, :]
        out = torch.einsum("bhqk,bhke->bhqe", self.dropout(att), v)
        return out.transpose(1, 2).reshape(b, t, d), att


class TransformerBlock(nn.Module):
    def __init__(self, dim, num_heads, hidden, dropout):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attention = MultiHeadAttention(dim, num_heads, dropout)
        self.norm2 = nn.LayerNorm(dim)
        self.dense1 = nn.Linear(dim, hidden)
        self.dense2 = nn.Linear(hidden, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, real):
        q = self.norm1(x)
        y, att = self.attention(q, x, real)
        x = self.norm2(q + y)
        y = self.dropout(torch.nn.functional.gelu(self.dense1(x)))
        x = x + self.dropout(self.dense2(y))
        return x * real, att
