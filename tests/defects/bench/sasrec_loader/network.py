import torch
import torch.nn as nn


class TokenAndPosition(nn.Module):
    def __init__(self, vocab, cfg):
        super().__init__()
        self.tok = nn.Embedding(vocab, cfg.hidden, padding_idx=0)
        self.pos = nn.Embedding(cfg.max_len, cfg.hidden)
        self.drop = nn.Dropout(cfg.p_drop)

    def forward(self, x):
        T = x.size(1)
        steps = torch.arange(T, device=x.device).flip(0)
        e = self.tok(x) + self.pos(steps).unsqueeze(0)
        return self.drop(e)


class MultiHead(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.h = cfg.heads
        self.d_k = cfg.hidden // cfg.heads
        self.w_q = nn.Linear(cfg.hidden, cfg.hidden)
        self.w_k = nn.Linear(cfg.hidden, cfg.hidden)
        self.w_v = nn.Linear(cfg.hidden, cfg.hidden)
        self.w_o = nn.Linear(cfg.hidden, cfg.hidden)
        self.drop = nn.Dropout(cfg.p_drop)

    def split(self, t):
        b, n, _ = t.shape
        return t.view(b, n, self.h, self.d_k).transpose(1, 2)

    def forward(self, x, blocked):
        q, k, v = self.split(self.w_q(x)), self.split(self.w_k(x)), self.split(self.w_v(x))
        att = q @ k.transpose(-2, -1) / self.d_k**0.5
        att = att.masked_fill(blocked, -1e9)
        att = self.drop(att.softmax(dim=-1))
        out = att @ v
        b, h, n, d = out.shape
        out = out.transpose(1, 2).reshape(b, n, h * d)
        return self.w_o(out)


class Layer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1 = nn.LayerNorm(cfg.hidden)
        self.mha = MultiHead(cfg)
        self.ln2 = nn.LayerNorm(cfg.hidden)
        self.ff = nn.Sequential(
            nn.Linear(cfg.hidden, 2 * cfg.hidden),
            nn.GELU(),
            nn.Dropout(cfg.p_drop),
            nn.Linear(2 * cfg.hidden, cfg.hidden),
        )
        self.drop = nn.Dropout(cfg.p_drop)

    def forward(self, x, blocked):
        x = x + self.drop(self.mha(self.ln1(x), blocked))
        x = x + self.drop(self.ff(self.ln2(x)))
        return x


class SeqNet(nn.Module):
    def __init__(self, n_items, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed = TokenAndPosition(n_items + 1, cfg)
        self.layers = nn.ModuleList([Layer(cfg) for _ in range(cfg.layers)])
        self.ln = nn.LayerNorm(cfg.hidden)
        self.bias = nn.Parameter(torch.zeros(n_items + 1))
        self.apply(self.reset)

    @staticmethod
    def reset(m):
        if isinstance(m, nn.Embedding):
            nn.init.normal_(m.weight, std=0.1)
            if m.padding_idx is not None:
                with torch.no_grad():
                    m.weight[m.padding_idx].fill_(0)

    def mask(self, x):
        n = x.size(1)
        future = torch.ones(n, n, dtype=torch.bool, device=x.device).triu(1)
        pad = (x == 0)[:, None, None, :]
        blocked = future[None, None] | pad
        return blocked & ~torch.eye(n, dtype=torch.bool, device=x.device)

    def encode(self, x):
        h = self.embed(x)
        blocked = self.mask(x)
        for layer in self.layers:
            h = layer(h, blocked)
        return self.ln(h)

    def logits_of(self, h, ids):
        return (h.unsqueeze(2) * self.embed.tok(ids)).sum(-1) + self.bias[ids]

    def full_logits(self, x):
        h = self.encode(x)[:, -1]
        return h @ self.embed.tok.weight.t() + self.bias
