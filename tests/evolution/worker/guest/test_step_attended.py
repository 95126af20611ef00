"""Attention that padding gets is found in every way of attending, on the line of the mask or of the attention."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from evolution.worker.guest.step_attended import attended
from tests.evolution.worker.guest.keeping import asked_of, line

N, B, T, D = 30, 12, 8, 6


class Handwritten(nn.Module):
    """hidden: what the mask of padding is laid along."""

    def __init__(self, hidden="keys", heads=1, after=False):
        super().__init__()
        self.table = nn.Embedding(N + 1, D, padding_idx=0)
        self.hidden, self.heads, self.after = hidden, heads, after

    def forward(self, rows):
        x = self.table(rows)
        later = torch.ones(T, T, dtype=torch.bool).triu(1)
        pad = rows == 0
        if self.hidden == "keys":
            blocked = pad[:, None, :] | later
        elif self.hidden == "queries":
            blocked = pad[:, :, None] | later
        else:
            blocked = later & (rows[:, :1, None] >= 0)
        blocked = blocked.repeat(self.heads, 1, 1)
        y = torch.cat(x.split(D // self.heads, -1), 0)
        weights = (y @ y.transpose(1, 2)).masked_fill(blocked, -1e9).softmax(-1)
        if self.after:
            weights = weights * (~pad)[:, None, :].repeat(self.heads, 1, 1)
        return x + torch.cat((weights @ y).split(len(x), 0), -1)


class FromLibrary(nn.Module):
    def __init__(self, masked=True):
        super().__init__()
        self.table = nn.Embedding(N + 1, D, padding_idx=0)
        self.mix = nn.MultiheadAttention(D, 2, dropout=0.5, batch_first=True)
        self.masked = masked

    def forward(self, rows):
        x = self.table(rows)
        later = torch.ones(T, T, dtype=torch.bool).triu(1)
        pad = (rows == 0) & (torch.arange(T) < T - 1) if self.masked else None
        return self.mix(x, x, x, attn_mask=later, key_padding_mask=pad, need_weights=False)[0].nan_to_num()


class Fused(FromLibrary):
    def forward(self, rows):
        x = self.table(rows)
        seen = (rows > 0)[:, None, :] | torch.eye(T, dtype=torch.bool)
        if self.masked:
            return F.scaled_dot_product_attention(
                x, x, x, attn_mask=seen & torch.ones(T, T, dtype=torch.bool).tril()
            )
        return F.scaled_dot_product_attention(x, x, x, is_causal=True)


class Pooled(FromLibrary):
    """One query for all places, weighed along the second dimension."""

    def forward(self, rows):
        x = self.table(rows)
        logits = x.sum(-1, keepdim=True)
        if self.masked:
            logits = logits.masked_fill((rows == 0).unsqueeze(-1), -1e9)
        return x + (F.softmax(logits, dim=1) * x).sum(1, keepdim=True)


def step(model):
    def run():
        rows = torch.randint(1, N + 1, (B, T + 1), generator=torch.Generator().manual_seed(0))
        rows[: B // 2, :4] = 0
        states = model(rows[:, :-1])
        F.cross_entropy(
            (states @ model.table.weight.T).flatten(0, 1), rows[:, 1:].flatten(), ignore_index=0
        ).backward()

    return run


torch.manual_seed(0)  # for all models below
HEALTHY = [
    Handwritten(), Handwritten(heads=2), Handwritten(hidden="nothing", after=True), FromLibrary(), Fused(), Pooled(),
]  # fmt: skip


@pytest.mark.parametrize("model", HEALTHY)
def test_masked_padding_gets_nothing(model):
    told = asked_of(step(model), lambda kept: attended(kept, N))
    assert told.get("places", []) == []


DEFECTS = [
    (Handwritten(hidden="queries"), "blocked = pad[:, :, None] | later"),
    (Handwritten(hidden="queries", heads=2), "blocked = pad[:, :, None] | later"),
    (Handwritten(hidden="nothing"), "blocked = later & (rows[:, :1, None] >= 0)"),
    (FromLibrary(masked=False), "return self.mix(x, x, x, attn_mask=later, key_padding_mask=pad, need_weights=False)[0].nan_to_num()"),
    (Fused(masked=False), "return F.scaled_dot_product_attention(x, x, x, is_causal=True)"),
    (Pooled(masked=False), "return x + (F.softmax(logits, dim=1) * x).sum(1, keepdim=True)"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "expected"), DEFECTS)
def test_attended_padding_is_found_on_its_line(model, expected):
    told = asked_of(step(model), lambda kept: attended(kept, N))
    assert told["share"] > 0.02
    assert line(told["places"][0]) == expected


def test_histories_without_padding_are_not_judged():
    def run():
        model = FromLibrary(masked=False)
        states = model(torch.randint(1, N + 1, (B, T)))
        states.sum().backward()

    assert asked_of(run, lambda kept: attended(kept, N)) == {}
