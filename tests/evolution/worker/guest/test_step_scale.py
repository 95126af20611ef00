"""Logits that vectors of one length bound are told with their widest distance, and no others."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from evolution.worker.guest.step_scale import scale
from tests.evolution.worker.guest.keeping import asked_of, line

N, B, D = 30, 12, 8


class Net(nn.Module):
    def __init__(self, times=1.0):
        super().__init__()
        torch.manual_seed(0)
        self.users, self.items, self.times = nn.Embedding(B, D), nn.Embedding(N + 1, D), times
        self.learned = nn.Parameter(torch.tensor(0.5))

    def users_of(self):
        return self.users(torch.arange(B))

    def logits(self):
        return self.times * F.normalize(self.users_of(), dim=-1) @ F.normalize(self.items.weight, dim=-1).T


class ByHand(Net):
    """Lengths by hand, a temperature afterwards, and candidates."""

    def logits(self):
        users, items = self.users_of(), self.items.weight[1:]
        users = users / users.norm(dim=1, keepdim=True)
        items = items / items.pow(2).sum(1, keepdim=True).sqrt()
        scores = torch.matmul(users, items.t())
        return scores / (1 / self.times)


class Sampled(Net):
    def logits(self):
        items = F.normalize(self.items(torch.randint(1, N, (B, 9))), dim=-1)
        users = F.normalize(self.users_of(), dim=-1)
        scores = (users[:, None] * items).sum(-1)
        return scores * self.times


class Corrected(Net):
    """In-batch, with log q and a mask after the temperature."""

    def logits(self):
        items = F.normalize(self.items(torch.arange(1, B + 1)), dim=-1)
        scores = F.normalize(self.users_of(), dim=-1) @ items.T / (1 / self.times)
        scores = scores - torch.linspace(-6, -1, B)[None, :]
        return scores.masked_fill(torch.eye(B).roll(1, 0).bool(), torch.finfo(scores.dtype).min)


class Biased(Net):
    def __init__(self, times=1.0):
        super().__init__(times)
        self.bias = nn.Parameter(torch.zeros(N + 1))

    def logits(self):
        return super().logits() + self.bias


class BiasedFirst(Biased):
    """The bias stands in front, and the number behind the multiplied vectors."""

    def logits(self):
        users, items = F.normalize(self.users_of(), dim=-1), F.normalize(self.items.weight, dim=-1)
        return torch.add(self.bias, users.mm(items.t()) / (1 / self.times))


class Learned(Net):
    def logits(self):
        return super().logits() * self.learned.exp()


class Dots(Net):
    def logits(self):
        return self.users_of() @ self.items.weight.T


class OneSide(Net):
    def logits(self):
        return F.normalize(self.users_of(), dim=-1) @ self.items.weight.T


def told(net):
    def step():
        logits = net.logits()
        F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long)).backward()

    return asked_of(step, scale)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            Net,
            "return self.times * F.normalize(self.users_of(), dim=-1) @ F.normalize(self.items.weight, dim=-1).T",
        ),
        (ByHand, "return scores / (1 / self.times)"),
        (Sampled, "return scores * self.times"),
        (Corrected, "scores = F.normalize(self.users_of(), dim=-1) @ items.T / (1 / self.times)"),
    ],
)
@pytest.mark.parametrize("times", [1.0, 20.0])
def test_cosines_are_bounded_by_what_stretches_them(kind, expected, times):
    found = told(kind(times))
    assert found["width"] == pytest.approx(2 * times, rel=1e-2)
    assert line(found["places"][0]) == expected


@pytest.mark.parametrize("kind", [Biased, BiasedFirst])
@pytest.mark.parametrize("times", [1.0, 20.0])
def test_beside_a_bias_of_each_class_the_rest_is_bounded(kind, times):
    found = told(kind(times))
    assert found["biased"] and found["width"] == pytest.approx(2 * times, rel=1e-2)
    assert not told(Net(times))["biased"]


@pytest.mark.parametrize("kind", [Learned, Dots, OneSide])
def test_what_can_grow_has_no_bound(kind):
    assert told(kind()) == {}
