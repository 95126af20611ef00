import math

import torch
from torch import nn
from torch.nn import functional as F


class BERTEmbedding(nn.Module):
    def __init__(self, vocab_size, max_len, hidden, dropout):
        super().__init__()
        self.token = nn.Embedding(vocab_size, hidden, padding_idx=0)
        self.position = nn.Embedding(max_len, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, sequence):
        positions = torch.arange(sequence.size(1), device=sequence.device)
        x = self.token(sequence) + self.position(positions)
        return self.dropout(self.norm(x))


class MultiHeadedAttention(nn.Module):
    def __init__(self, heads, hidden, dropout):
        super().__init__()
        self.h = heads
        self.d_k = hidden // heads
        self.linear_layers = nn.ModuleList([nn.Linear(hidden, hidden) for _ in range(3)])
        self.output_linear = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        batch_size = x.size(0)
        query, key, value = [
            linear(x).view(batch_size, -1, self.h, self.d_k).transpose(1, 2) for linear in self.linear_layers
        ]
        scores = torch.matmul(query, key.transpose(-2, -1)) / math.sqrt(self.d_k)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        attn = self.dropout(F.softmax(scores, dim=-1))
        x = torch.matmul(attn, value).transpose(1, 2).contiguous().view(batch_size, -1, self.h * self.d_k)
        return self.output_linear(x)


class FeedForward(nn.Module):
    def __init__(self, hidden, dropout):
        super().__init__()
        self.w_1 = nn.Linear(hidden, hidden * 4)
        self.w_2 = nn.Linear(hidden * 4, hidden)
        self.dropout = nn.Dropout(dropout)
        self.activation = nn.GELU()

    def forward(self, x):
        return self.w_2(self.dropout(self.activation(self.w_1(x))))


class TransformerBlock(nn.Module):
    def __init__(self, hidden, heads, dropout):
        super().__init__()
        self.attention = MultiHeadedAttention(heads, hidden, dropout)
        self.feed_forward = FeedForward(hidden, dropout)
        self.norm_1 = nn.LayerNorm(hidden)
        self.norm_2 = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm_1(x), mask))
        return x + self.dropout(self.feed_forward(self.norm_2(x)))


class BERTModel(nn.Module):
    def __init__(self, args, item_count):
        super().__init__()
        hidden = args.bert_hidden_units
        self.embedding = BERTEmbedding(item_count + 2, args.bert_max_len, hidden, args.bert_dropout)
        self.transformer_blocks = nn.ModuleList(
            [TransformerBlock(hidden, args.bert_num_heads, args.bert_dropout) for _ in range(args.bert_num_blocks)]
        )
        self.norm = nn.LayerNorm(hidden)
        self.out = nn.Linear(hidden, item_count + 1)

    def forward(self, x):
        """tokens B x T -> logits B x T x (items + 1)"""
        mask = (x > 0).unsqueeze(1).unsqueeze(2)
        x = self.embedding(x)
        for transformer in self.transformer_blocks:
            x = transformer(x, mask)
        return self.out(self.norm(x))
