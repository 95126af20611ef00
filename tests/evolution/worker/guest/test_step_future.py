"""A position that sees the events after it is found in every way of mixing positions, on the line that lets it through."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from evolution.worker.guest.step_future import future
from tests.evolution.worker.guest.keeping import asked_of, line

N, B, T, D = 30, 12, 9, 6


class Handwritten(nn.Module):
    def __init__(self, upside_down=False, mild=False, only_padding=False):
        super().__init__()
        self.table = nn.Embedding(N + 1, D, padding_idx=0)
        self.upside_down, self.mild, self.only_padding = upside_down, mild, only_padding

    def forward(self, rows):
        x = self.table(rows)
        size = rows.shape[1]
        ones = torch.ones(size, size, dtype=torch.bool)
        later = ones.tril(-1) if self.upside_down else ones.triu(1)
        hidden = (rows == 0)[:, None, :]
        blocked = hidden.expand(-1, size, -1) if self.only_padding else later[None] | hidden
        blocked = blocked & ~torch.eye(size, dtype=torch.bool)
        weights = x @ x.transpose(1, 2)
        weights = weights.masked_fill(blocked, -1.0 if self.mild else -1e9)
        return x + weights.softmax(-1) @ x


class FromLibrary(nn.Module):
    def __init__(self, causal=True):
        super().__init__()
        self.table = nn.Embedding(N + 1, D, padding_idx=0)
        self.mix = nn.MultiheadAttention(D, 2, dropout=0.5, batch_first=True)
        self.causal = causal

    def forward(self, rows):
        x = self.table(rows)
        mask = torch.triu(torch.full((T - 1, T - 1), float("-inf")), 1) if self.causal else None
        return F.dropout(self.mix(x, x, x, attn_mask=mask, need_weights=False)[0])


class Fused(FromLibrary):
    def forward(self, rows):
        x = self.table(rows)
        return F.scaled_dot_product_attention(x, x, x, is_causal=self.causal)


class Convolution(FromLibrary):
    def __init__(self, causal=True):
        super().__init__(causal)
        self.conv = nn.Conv1d(D, D, 3)

    def forward(self, rows):
        x = self.table(rows).transpose(1, 2)
        x = F.pad(x, (2, 0) if self.causal else (1, 1))
        return self.conv(x).transpose(1, 2)


class Recurrent(FromLibrary):
    def __init__(self, causal=True):
        super().__init__(causal)
        self.rnn = nn.GRU(D, D // 2, bidirectional=not causal, batch_first=True)
        self.out = nn.Linear(D if not causal else D // 2, D)

    def forward(self, rows):
        states, _ = self.rnn(self.table(rows))
        return self.out(states)


def histories(seed=0):
    rows = torch.randint(1, N + 1, (B, T), generator=torch.Generator().manual_seed(seed))
    rows[: B // 2, :3] = 0
    return rows


def step(model, last_only=False, by_pairs=False):
    def run():
        rows = histories()
        put_in, goals = rows[:, :-1], rows[:, 1:]
        states = model(put_in)
        if last_only:
            loss = F.cross_entropy(states[:, -1] @ model.table.weight.T, goals[:, -1])
        elif by_pairs:
            scores = (states * model.table(goals)).sum(-1)
            loss = (F.softplus(-scores) * (goals > 0)).sum()
        else:
            logits = states @ model.table.weight.T
            loss = F.cross_entropy(logits.flatten(0, 1), goals.flatten(), ignore_index=0)
        loss.backward()

    return run


@pytest.mark.parametrize("model", [Handwritten(), FromLibrary(), Fused(), Convolution(), Recurrent()])
def test_a_model_that_looks_back_alone_is_silent(model):
    assert asked_of(step(model), lambda kept: future(kept, N))["seen"] == 0


DEFECTS = [
    (Handwritten(upside_down=True), "blocked = blocked & ~torch.eye(size, dtype=torch.bool)"),
    (Handwritten(only_padding=True), "blocked = blocked & ~torch.eye(size, dtype=torch.bool)"),
    (Handwritten(mild=True), "weights = weights.masked_fill(blocked, -1.0 if self.mild else -1e9)"),
    (FromLibrary(causal=False), "return F.dropout(self.mix(x, x, x, attn_mask=mask, need_weights=False)[0])"),
    (Fused(causal=False), "return F.scaled_dot_product_attention(x, x, x, is_causal=self.causal)"),
    (Convolution(causal=False), "x = F.pad(x, (2, 0) if self.causal else (1, 1))"),
    (Recurrent(causal=False), "states, _ = self.rnn(self.table(rows))"),
]


@pytest.mark.parametrize(("model", "expected"), DEFECTS)
@pytest.mark.parametrize("by_pairs", [False, True])
def test_a_model_that_looks_ahead_is_found_on_its_line(model, expected, by_pairs):
    told = asked_of(step(model, by_pairs=by_pairs), lambda kept: future(kept, N))
    assert told["seen"] > 0.5
    assert line(told["places"][0]) == expected


def test_who_is_trained_on_the_last_position_may_look_both_ways():
    assert asked_of(step(Recurrent(causal=False), last_only=True), lambda kept: future(kept, N)) == {}
