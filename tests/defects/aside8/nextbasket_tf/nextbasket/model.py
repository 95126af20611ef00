from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import TransformerConfig
from .data import PAD


class CausalSelfAttention(nn.Module):
    def __init__(self, cfg: TransformerConfig) -> None:
        super().__init__()
        self.num_heads = cfg.num_heads
        self.head_dim = cfg.head_dim
        self.qkv = nn.Linear(cfg.dim, 3 * cfg.dim)
        self.proj = nn.Linear(cfg.dim, cfg.dim)
        self.attn_drop = cfg.dropout

    def forward(self, x: Tensor, allowed: Tensor) -> Tensor:
        """x: (B, T, D); allowed: (B, 1, T, T), True where a query may look at a key."""
        b, t, d = x.shape
        qkv = self.qkv(x).reshape(b, t, 3, self.num_heads, self.head_dim)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, H, T, D/H)
        att = (q @ k.transpose(-2, -1)) / math.sqrt(self.head_dim)
        att = att.masked_fill(~allowed, torch.finfo(att.dtype).min)
        att = att.softmax(dim=-1)
        att = F.dropout(att, self.attn_drop, training=self.training)
        out = (att @ v).transpose(1, 2).reshape(b, t, d)
        return self.proj(out)


class FeedForward(nn.Module):
    def __init__(self, cfg: TransformerConfig) -> None:
        super().__init__()
        hidden = cfg.ffn_mult * cfg.dim
        self.up = nn.Linear(cfg.dim, hidden)
        self.down = nn.Linear(hidden, cfg.dim)
        self.drop = nn.Dropout(cfg.dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.drop(F.gelu(self.up(x))))


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, cfg: TransformerConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(cfg.dim)
        self.attn = CausalSelfAttention(cfg)
        self.norm2 = nn.LayerNorm(cfg.dim)
        self.ffn = FeedForward(cfg)
        self.resid_drop = nn.Dropout(cfg.dropout)

    def forward(self, x: Tensor, allowed: Tensor) -> Tensor:
        x = x + self.resid_drop(self.attn(self.norm1(x), allowed))
        return x + self.resid_drop(self.ffn(self.norm2(x)))


class NextItemTransformer(nn.Module):
    def __init__(self, num_items: int, cfg: TransformerConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.item_emb = nn.Embedding(num_items + 1, cfg.dim, padding_idx=PAD)
        self.pos_emb = nn.Embedding(cfg.max_len, cfg.dim)
        self.drop = nn.Dropout(cfg.dropout)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.num_layers))
        self.final_norm = nn.LayerNorm(cfg.dim)
        self.item_bias = nn.Parameter(torch.zeros(num_items))
        self.apply(self._init_weights)

    @staticmethod
    def _init_weights(module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.trunc_normal_(module.weight, std=0.1, a=-0.2, b=0.2)
            if module.padding_idx is not None:
                with torch.no_grad():
                    module.weight[module.padding_idx].zero_()

    def attention_mask(self, tokens: Tensor) -> Tensor:
        t = tokens.size(1)
        causal = torch.ones(t, t, dtype=torch.bool, device=tokens.device).tril()
        present = (tokens != PAD)[:, None, None, :]
        return causal[None, None] & present

    def encode(self, tokens: Tensor) -> Tensor:
        """(B, T) right-padded ids -> (B, T, D) hidden states."""
        positions = torch.arange(tokens.size(1), device=tokens.device)
        x = self.drop(self.item_emb(tokens) * math.sqrt(self.cfg.dim) + self.pos_emb(positions))
        allowed = self.attention_mask(tokens)
        for block in self.blocks:
            x = block(x, allowed)
        return self.final_norm(x)

    def item_logits(self, hidden: Tensor) -> Tensor:
        """Logits of the real items only; column j is item j + 1."""
        return hidden @ self.item_emb.weight[1:].T + self.item_bias

    def forward(self, tokens: Tensor) -> Tensor:
        return self.item_logits(self.encode(tokens))

    @torch.no_grad()
    def predict(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """(B, num_items + 1) scores of the next item; column 0 belongs to padding."""
        hidden = self.encode(tokens)
        rows = torch.arange(len(tokens), device=tokens.device)
        last = hidden[rows, lengths - 1]
        return F.pad(self.item_logits(last), (1, 0), value=float("-inf"))
