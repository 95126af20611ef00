"""What the terms of a loss weigh, however the code weighs them."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from evolution.worker.guest.step_terms import terms
from tests.evolution.worker.guest.keeping import asked_of, line

WEIGHT = 1e-4


DRAWN = torch.Generator().manual_seed(3)
USERS, ITEMS = (
    nn.Embedding.from_pretrained(torch.randn(9, 4, generator=DRAWN), freeze=False) for _ in range(2)
)


def step(weigh):
    """A loss of pairs and the sum of all squares, weighed by a function that gives the penalty back."""
    rows = torch.arange(6)
    good, bad = ((USERS(rows) * ITEMS(rows + shift)).sum(-1) for shift in (0, 3))
    loss = -F.logsigmoid(good - bad).mean()
    penalty = 0
    for table in (USERS, ITEMS):
        penalty += table.weight.norm(2).square()
    (loss + weigh(penalty)).backward()


def plain(penalty):
    return WEIGHT * penalty


def multiplied(penalty):
    penalty *= WEIGHT
    return penalty


def divided(penalty):
    penalty /= 1 / WEIGHT
    return penalty


def multiplied_and_added_to(penalty):
    penalty *= WEIGHT / 2
    penalty += penalty.clone()
    return penalty


@pytest.mark.parametrize("weigh", [multiplied, divided, multiplied_and_added_to])
def test_a_penalty_that_is_weighed_in_place_weighs_as_much_as_another(weigh):
    expected = asked_of(lambda: step(plain), terms)
    told = asked_of(lambda: step(weigh), terms)
    assert expected["penalty_gradient"] < 0.1 * expected["gradient"]
    for name in ("value", "gradient", "penalty", "penalty_gradient"):
        assert told[name] == pytest.approx(expected[name], rel=1e-4), name
    assert "penalty" in line(told["places"][0])
