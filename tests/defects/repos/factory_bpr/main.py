"""BPR on sampled negatives, transformer of torch's own, epoch order by randperm. Healthy."""

import torch
from torch import nn

from parts import lookups, stack


class M(nn.Module):
    def __init__(self, a, b, w):
        super().__init__()
        self.t = lookups([a + 1, b + 1], w)
        self.p = nn.Parameter(torch.zeros(1, 8, w))  # role: position_table
        self.s = stack(w, 2)
        m = torch.triu(torch.full((8, 8), float("-inf")), diagonal=1)  # role: causal_mask
        self.register_buffer("m", m)

    def forward(self, u, x):
        z = self.t[0](x) + self.p[:, : x.shape[1]] + self.t[1](u)[:, None]
        k = x.shape[1]
        return self.s(z, mask=self.m[:k, :k])


class R:
    def __init__(self, data):
        self.d = data
        self.x = torch.as_tensor(data.items).view(data.n_users, -1)
        self.m = M(data.n_items, data.n_users, 16)
        self.o = make_optimizer(self.m)

    def fit(self):
        while True:
            for part in torch.randperm(len(self.x)).split(16):  # role: loader
                yield_loss = self.step(part + 1, self.x[part])
            yield {"loss": yield_loss}

    def step(self, u, x):
        self.m.train()
        h = self.m(u, x[:, :-1])
        j = 1 + torch.randint(self.d.n_items, (*h.shape[:2], 3))  # role: negatives
        good = (h * self.m.t[0](x[:, 1:])).sum(-1, keepdim=True)
        bad = (h[:, :, None] * self.m.t[0](j)).sum(-1)
        out = -nn.functional.logsigmoid(good - bad).mean()  # role: loss
        self.o.zero_grad(set_to_none=True)
        out.backward()
        nn.utils.clip_grad_norm_(self.m.parameters(), 5.0)
        self.o.step()
        return float(out.detach())

    @torch.no_grad()
    def score(self, users, histories):
        self.m.eval()
        h = self.m(torch.as_tensor(users), torch.as_tensor(histories)[:, -8:])
        return torch.einsum("bd,nd->bn", h[:, -1], self.m.t[0].weight)  # role: scoring


def make_optimizer(m):
    return torch.optim.AdamW(m.parameters(), lr=1e-3, weight_decay=0.01)  # role: optimizer


def build(data, *, device, seed):  # role: entry
    return R(data)
