"""Linear layers that follow each other are found however they are written, and bottlenecks, towers and output tables are none."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from evolution.worker.guest.step_layers import layers
from tests.evolution.worker.guest.keeping import asked_of, line

N, B, D = 30, 12, 8


class Tower(nn.Module):
    def __init__(self, between=16, activation=False):
        super().__init__()
        self.items = nn.Embedding(N + 1, D)
        self.parts = nn.ModuleList([nn.Linear(D, between), nn.Linear(between, D)])
        self.drop, self.activation = nn.Dropout(0.3), activation

    def forward(self, x):
        for part in self.parts:
            x = self.drop(part(x))
            x = torch.relu(x) if self.activation else x
        return x


class ByHand(Tower):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Parameter(torch.randn(D, 16)), nn.Parameter(torch.randn(16, D))
        self.bias = nn.Parameter(torch.zeros(16))

    def forward(self, x):
        hidden = x @ self.first + self.bias
        return torch.mm(hidden, self.second)


class InSequence(Tower):
    def __init__(self):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(D, 16), nn.Dropout(0.1), nn.Linear(16, D))

    def forward(self, x):
        return self.mlp(x)


class Factorised(Tower):
    def __init__(self):
        super().__init__(between=2)


class Residual(Tower):
    def forward(self, x):
        x = x + self.parts[0](x).repeat(1, 1)[:, :D]
        return x + self.parts[1](torch.cat([x, x], -1))


class Projected(Tower):
    """A projection before the table that the items are compared with."""

    def __init__(self):
        super().__init__()
        self.own = nn.Linear(D, D)

    def forward(self, x):
        return self.own(x)


class Keys(Tower):
    """What several layers read is no layer of one of them."""

    def forward(self, x):
        x = self.parts[0](x)
        return self.parts[1](x) * self.parts[1](x)


def step(net):
    ids = torch.arange(1, B + 1)
    states = net(net.items(ids))
    F.cross_entropy(states @ net.items.weight.T, ids.flip(0)).backward()


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (Tower(), "x = self.drop(part(x))"),
        (ByHand(), "return torch.mm(hidden, self.second)"),
        (InSequence(), "return self.mlp(x)"),
    ],
)
def test_layers_with_nothing_in_between_are_found_where_the_second_is_applied(net, expected):
    told = asked_of(lambda: step(net), lambda kept: layers(kept, N))
    assert (told["before"], told["between"], told["after"]) == (D, 16, D)
    assert line(told["places"][0]) == expected


@pytest.mark.parametrize("net", [Tower(activation=True), Factorised(), Residual(), Projected(), Keys()])
def test_other_designs_say_nothing(net):
    assert asked_of(lambda: step(net), lambda kept: layers(kept, N)) == {}
