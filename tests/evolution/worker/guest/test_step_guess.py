"""The loss of equal scores is read from a step whose scores are far from equal."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from evolution.worker.guest.step_guess import guess
from tests.evolution.worker.guest.keeping import asked_of

B, T, D = 6, 5, 4
TWO = math.log(2)


def table(rows, seed):
    drawn = torch.randn(rows, D, generator=torch.Generator().manual_seed(seed))
    return nn.Embedding.from_pretrained(5 * drawn, freeze=False)


USERS, ITEMS = table(B, 0), table(B * T, 1)


def scores():
    rows = USERS(torch.arange(B))[:, None]
    good = (rows * ITEMS(torch.arange(B * T).reshape(B, T))).sum(-1)
    return good, (rows * ITEMS(torch.arange(B * T).flip(0).reshape(B, T))).sum(-1)


def masked():
    good, bad = scores()
    there = torch.ones(B, T)
    there[:2, :3] = 0
    return ((F.softplus(-good) + F.softplus(bad)) * there).sum() / there.sum()


def differences():
    good, bad = scores()
    return -F.logsigmoid(good - bad).mean()


def labelled():
    both = torch.cat(scores())
    labels = (torch.arange(len(both)) < B).float()[:, None].expand_as(both)
    return F.binary_cross_entropy_with_logits(both, labels)


def summed():
    good, _ = scores()
    return F.binary_cross_entropy_with_logits(good, torch.ones_like(good), reduction="sum")


def grown():
    good, bad = scores()
    loss = F.binary_cross_entropy_with_logits(good, torch.ones_like(good))
    loss += F.binary_cross_entropy_with_logits(bad, torch.zeros_like(bad))
    for parameter in ITEMS.parameters():
        loss += 0.0 * torch.norm(parameter)
    return loss


@pytest.mark.parametrize(
    ("loss", "expected"),
    [(grown, 2 * TWO), (masked, 2 * TWO), (differences, TWO), (labelled, TWO), (summed, B * T * TWO)],
)
def test_the_loss_of_equal_scores(loss, expected):
    told = asked_of(lambda: loss().backward(), guess)
    assert told["guess"] == pytest.approx(expected, rel=1e-4)
    assert told["loss"] > 2 * expected


def test_another_loss_has_none():
    assert asked_of(lambda: scores()[0].pow(2).mean().backward(), guess) == {}
