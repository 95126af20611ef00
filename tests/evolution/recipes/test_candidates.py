"""Recipes on losses over candidates side by side, on encoded items, and on cross-entropies: what they make computes what they say."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from evolution.recipes.recipe import DoesNotFit, Facts

Cook = Callable[..., str]
Load = Callable[[str], Any]
LABELLED = """
import torch
import torch.nn.functional as F


def loss(model, users, taken, others):
    items = torch.cat([taken[:, None], others], 1)  # (B, 1 + K)
    scores = model(users, items)
    {labels}
    {mark}
    return F.binary_cross_entropy_with_logits(scores, labels)
"""
PAIRS = """
import torch
from torch import nn


def step(model, opt, batch):
    out = model(batch)  # (B, 1 + K)
    loss = {loss}
    opt.zero_grad()
    loss.backward()
    opt.step()
    return float(loss)
"""
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
IN_BATCH = """
import argparse

import torch
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--batch_size", type=int, default={size})
parser.add_argument("--eval_batch_size", type=int, default=64)


def loss(users, items):
    logits = {product} / 0.1
    return F.cross_entropy(logits, torch.arange(len(logits)))
"""


@pytest.mark.parametrize(
    ("labels", "mark"),
    [
        ("labels = torch.zeros_like(scores)", "labels[:, 0] = 1"),
        ("labels = torch.zeros(scores.shape)", "labels[:, 0] = 1.0"),
    ],
)
def test_candidates_that_were_judged_alone_are_held_against_each_other(
    cook: Cook, load: Load, labels: str, mark: str
) -> None:
    after = cook("candidate-softmax", LABELLED.format(labels=labels, mark=mark))
    scores = torch.randn(5, 4)
    found = load(after).loss(lambda users, items: scores, None, torch.arange(5), torch.ones(5, 3).long())
    assert float(found) == pytest.approx(float(-scores.log_softmax(1)[:, 0].mean()), abs=1e-6)
    assert "labels" not in after


@pytest.mark.parametrize(
    "loss",
    [
        "nn.functional.softplus(out[:, 1:] - out[:, :1]).mean()",
        "-torch.nn.functional.logsigmoid(out[:, :1] - out[:, 1:]).mean()",
    ],
)
def test_pairs_with_the_first_column_become_one_softmax(cook: Cook, loss: str) -> None:
    after = cook("candidate-softmax", PAIRS.format(loss=loss))
    assert "cross_entropy(out, torch.zeros(len(out), dtype=torch.long, device=out.device))" in after


@pytest.mark.parametrize(
    ("labels", "mark"),
    [
        ("labels = torch.zeros_like(scores)", "labels[:, 1] = 1"),  # another column
        ("labels = torch.zeros_like(scores)", "labels[:, 0] = 0.9"),  # a share
        ("labels = torch.ones_like(scores)", "labels[:, 0] = 1"),  # all were taken
    ],
)
def test_other_labels_are_left_alone(cook: Cook, labels: str, mark: str) -> None:
    with pytest.raises(DoesNotFit):
        cook("candidate-softmax", LABELLED.format(labels=labels, mark=mark))


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


@pytest.mark.parametrize("product", ["users @ items.T", "torch.matmul(users, items.t())"])
def test_batches_grow_where_their_targets_are_the_negatives(cook: Cook, product: str) -> None:
    after = cook("larger-batches", IN_BATCH.format(size=32, product=product))
    assert '"--batch_size", type=int, default=128' in after and "default=64" in after


@pytest.mark.parametrize(("size", "product"), [(2048, "users @ items.T"), (32, "users * items")])
def test_large_batches_and_losses_without_rivals_stay(cook: Cook, size: int, product: str) -> None:
    with pytest.raises(DoesNotFit):
        cook("larger-batches", IN_BATCH.format(size=size, product=product))


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
