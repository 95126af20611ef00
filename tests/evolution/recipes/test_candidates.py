"""Recipes on encoded items, on cross-entropies and on penalties: what they make computes what they say."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from evolution.recipes.recipe import DoesNotFit, Facts

Cook = Callable[..., str]
Load = Callable[[str], Any]
ENCODED = """
import torch
import torch.nn.functional as F
from torch import nn


class Texts(nn.Module):
    def __init__(self, features, d):
        super().__init__()
        self.features, self.net = features, nn.Linear(features.shape[1], d)

    def forward(self, ids):
        return self.net(self.features[ids])


class Model(nn.Module):
    def __init__(self, features, d):
        super().__init__()
        self.texts = Texts(features, d)

    def forward(self, ids):
        return self.texts(ids).cumsum(1)


class Trainer:
    def __init__(self, features):
        self.model = Model(features, 4)

    def loss(self, seen, wanted, drawn):
        state = self.model(seen)
        good = (state * self.model.texts(wanted)).sum(-1)
        bad = (state * self.model.texts({drawn})).sum(-1)
        real = wanted > 0
        return (F.softplus(-good) + F.softplus(bad))[real].mean()
"""
CLASSES = """
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(3, 8)
        self.criterion = nn.CrossEntropyLoss(ignore_index=0)

    def training_step(self, x, y):
        scores = self.out(x)
        {more}
        return {loss}
"""


def test_encoded_items_share_the_negatives_of_the_batch(cook: Cook, load: Load) -> None:
    after = cook("sampled-softmax", ENCODED.format(drawn="drawn"))
    trainer = load(after).Trainer(torch.randn(9, 5))
    seen, wanted, drawn = (
        torch.tensor(rows) for rows in ([[1, 2], [0, 3]], [[2, 3], [0, 4]], [[5, 2], [0, 6]])
    )
    with torch.no_grad():
        found = trainer.loss(seen, wanted, drawn)
        real, texts = wanted > 0, trainer.model.texts
        state, good, others = trainer.model(seen)[real], wanted[real], drawn[real]
        negative = (state @ texts(others).T).masked_fill(others == good[:, None], float("-inf"))
        logits = torch.cat([(state * texts(good)).sum(-1, keepdim=True), negative], 1)
    assert float(found) == pytest.approx(float(F.cross_entropy(logits, torch.zeros(3).long())), abs=1e-6)


def test_two_encoders_are_no_shared_negatives(cook: Cook) -> None:
    text = ENCODED.format(drawn="drawn").replace("self.model.texts(drawn)", "self.other.texts(drawn)")
    with pytest.raises(DoesNotFit):
        cook("sampled-softmax", text)


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [
        ("F.cross_entropy(scores, y)", "F.cross_entropy(scores, y, label_smoothing=0.1)"),
        ("self.criterion(scores, y)", "nn.CrossEntropyLoss(ignore_index=0, label_smoothing=0.1)"),
    ],
)
def test_labels_are_smoothed_where_the_loss_is_made(cook: Cook, loss: str, wanted: str) -> None:
    assert wanted in cook("label-smoothing", CLASSES.format(loss=loss, more=""))


def test_of_many_items_a_smaller_share_goes_to_others(cook: Cook) -> None:
    many = Facts(n_users=20, n_items=50_000)
    after = cook("label-smoothing", CLASSES.format(loss="F.cross_entropy(scores, y)", more=""), many)
    assert "label_smoothing=0.01" in after


@pytest.mark.parametrize(
    ("loss", "more", "why"),
    [
        ("F.cross_entropy(scores, y)", "scores = scores.masked_fill(y > 3, -1e9)", "masked"),
        ("F.cross_entropy(scores, y)", 'scores[:, 0] = float("-inf")', "masked"),
        ("F.cross_entropy(scores, y, label_smoothing=0.2)", "", "smoothed already"),
        ("F.cross_entropy(scores, y) + self.criterion(scores, y)", "", "several"),
        ("F.mse_loss(scores, y)", "", "no cross-entropy"),
    ],
)
def test_labels_are_not_smoothed_of_masked_scores_or_twice(
    cook: Cook, loss: str, more: str, why: str
) -> None:
    with pytest.raises(DoesNotFit, match=why):
        cook("label-smoothing", CLASSES.format(loss=loss, more=more))


FACTORS = """
import argparse

import numpy as np


class Factors:
    def __init__(self, n, {name}=2.0):
        self.weight = {name}
        self.rows = np.zeros((n, 4))


parser = argparse.ArgumentParser()
parser.add_argument("--{name}", type=float, default=0.5)
{made}
"""


@pytest.mark.parametrize("name", ["reg", "l2_reg"])
def test_the_penalty_that_is_in_force_is_made_stronger(cook: Cook, name: str) -> None:
    made = f"args = parser.parse_args()\nfactors = Factors(9, args.{name})"
    after = cook("stronger-penalty", FACTORS.format(name=name, made=made))
    assert "default=1.5" in after and f"{name}=2.0" in after


@pytest.mark.parametrize(
    ("name", "made"), [("reg", "factors = Factors(9)"), ("rate", "factors = Factors(9, 0.1)")]
)
def test_of_two_penalties_and_of_other_numbers_none_is_changed(cook: Cook, name: str, made: str) -> None:
    with pytest.raises(DoesNotFit):
        cook("stronger-penalty", FACTORS.format(name=name, made=made))
