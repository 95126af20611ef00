"""Gated linear recurrence and rotary local attention, the two temporal mixers of the network (cf. Griffin, 2402.19427)."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def linear_scan(a, u):
    """h[t] = a[t] * h[t - 1] + u[t] over dim 1, in log2(L) doublings.  a, u: (B, L, D)"""
    length, shift = u.size(1), 1
    while shift < length:
        u_before = F.pad(u, (0, 0, shift, 0))[:, :length]
        a_before = F.pad(a, (0, 0, shift, 0), value=1.0)[:, :length]
        u = u + a * u_before
        a = a * a_before
        shift *= 2
    return u


class CausalConv(nn.Module):
    def __init__(self, dim, width):
        super().__init__()
        self.width = width
        self.conv = nn.Conv1d(dim, dim, width, groups=dim)

    def forward(self, x):
        x = F.pad(x.transpose(1, 2), (self.width - 1, 0))
        return self.conv(x).transpose(1, 2)


class RecurrentMixer(nn.Module):
    """Real-gated linear recurrent unit behind a short convolution, times a GELU branch."""

    C = 8.0

    def __init__(self, dim, conv_width=3):
        super().__init__()
        self.inner = nn.Linear(dim, dim)
        self.gate = nn.Linear(dim, dim)
        self.conv = CausalConv(dim, conv_width)
        self.forget = nn.Linear(dim, dim)
        self.admit = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)
        # a = exp(-C * softplus(decay)) spread over 0.5 .. 0.95
        a = torch.linspace(0.5, 0.95, dim)
        self.decay = nn.Parameter(torch.log(torch.expm1(-torch.log(a) / self.C)))

    def forward(self, x, real):
        keep = real.unsqueeze(-1).to(x.dtype)
        z = self.conv(self.inner(x) * keep)
        log_a = -self.C * torch.sigmoid(self.forget(z)) * F.softplus(self.decay)
        a = log_a.exp()
        u = torch.sqrt(1 - a ** 2 + 1e-6) * torch.sigmoid(self.admit(z)) * z
        h = linear_scan(a, u * keep)
        return self.out(h * F.gelu(self.gate(x)))


def rotary_table(length, dim, base, device):
    freq = base ** (-torch.arange(0, dim, 2, device=device) / dim)
    angle = torch.arange(length, device=device)[:, None] * freq  # (L, dim / 2)
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    x1, x2 = x.chunk(2, dim=-1)
    return torch.cat([x1 * cos - x2 * sin, x1 * sin + x2 * cos], dim=-1)


class LocalAttention(nn.Module):
    def __init__(self, dim, heads, window, dropout, base=100.0):
        super().__init__()
        self.heads, self.window, self.dropout, self.base = heads, window, dropout, base
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x, real):
        B, L, D = x.shape
        q, k, v = self.qkv(x).view(B, L, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        cos, sin = rotary_table(L, D // self.heads, self.base, x.device)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        att = q @ k.transpose(-2, -1) / math.sqrt(D // self.heads)  # (B, H, L, L)
        pos = torch.arange(L, device=x.device)
        ago = pos[:, None] - pos[None, :]
        seen = (ago >= 0) & (ago < self.window)
        att = att.masked_fill(~(seen & real[:, None, None, :]), -1e9)
        att = F.dropout(att.softmax(dim=-1), self.dropout, self.training)
        return self.out((att @ v).transpose(1, 2).reshape(B, L, D))
