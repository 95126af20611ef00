"""Corrections for sampling are read by their values: taken off, added, or the same for a whole row."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from evolution.worker.guest.step_correction import correction
from tests.evolution.worker.guest.keeping import asked_of, line
from tests.evolution.worker.guest.toys import N_ITEMS, N_USERS, D, log


def popular_log():
    data = log()
    data.items = np.sort(np.random.default_rng(0).geometric(0.2, len(data.items)).clip(1, N_ITEMS))
    return data


def step(*options):
    data = popular_log()
    torch.manual_seed(0)
    users, items = nn.Embedding(N_USERS + 1, D), nn.Embedding(N_ITEMS + 1, D)
    often = torch.as_tensor(np.bincount(data.items, minlength=N_ITEMS + 1) + 1.0, dtype=torch.float32).log()

    def run():
        rows = torch.arange(0, 480, 20)
        who, goals = torch.as_tensor(data.users)[rows], torch.as_tensor(data.items)[rows]
        logits = users(who) @ items(goals).T
        if "taken off" in options:
            logits = logits - often[goals]
        if "taken off, by hand" in options:
            logits = logits + (-often)[goals].unsqueeze(0)
        if "added" in options:
            logits = logits + often[goals]
        if "subtracted from" in options:
            logits = often[goals] + logits
        if "of rows" in options:
            logits = logits - often[goals].unsqueeze(1)
        right = torch.arange(len(goals))
        if "by hand" in options:
            loss = -logits.log_softmax(-1).diagonal().mean()
        else:
            loss = F.cross_entropy(logits, right)
        loss.backward()

    return run, data


@pytest.mark.parametrize(
    ("options", "kind", "expected"),
    [
        (("taken off",), "right", ""),
        (("taken off, by hand",), "right", ""),
        (("taken off", "by hand"), "right", ""),
        (("added",), "added", "logits = logits + often[goals]"),
        (("added", "by hand"), "added", "logits = logits + often[goals]"),
        (("subtracted from",), "added", "logits = often[goals] + logits"),
        (("of rows",), "rows", "logits = logits - often[goals].unsqueeze(1)"),
        ((), "none", "logits = users(who) @ items(goals).T"),
    ],
)
def test_a_correction_is_told_by_its_values(options, kind, expected):
    run, data = step(*options)
    told = asked_of(run, lambda kept: correction(kept, data))
    assert told["kind"] == kind
    if expected:
        assert line(told["places"][0]) == expected


@pytest.mark.parametrize("views", ["both", "one stands still", ""])
def test_a_contrast_of_two_views_of_the_same_items_needs_no_correction(views):
    data = popular_log()
    torch.manual_seed(0)
    users, items = nn.Embedding(N_USERS + 1, D), nn.Embedding(N_ITEMS + 1, D)

    def run():
        rows = torch.arange(0, 480, 20)
        who, goals = torch.as_tensor(data.users)[rows], torch.as_tensor(data.items)[rows]
        noisy = F.normalize(F.dropout(items(goals), 0.1), dim=-1)
        with torch.set_grad_enabled(views != "one stands still"):
            other = F.normalize(items(goals), dim=-1)
        logits = (noisy if views else users(who)) @ other.T / 0.2
        F.cross_entropy(logits, torch.arange(len(goals))).backward()

    told = asked_of(run, lambda kept: correction(kept, data))
    assert told.get("kind") == (None if views else "none")


def classes_of_rows(sign, shape):
    """Sampled classes that differ from row to row, (B, K) or (B, 1, K) for all places of a row."""
    data = popular_log()
    torch.manual_seed(0)
    users, items = nn.Embedding(N_USERS + 1, D), nn.Embedding(N_ITEMS + 1, D)
    often = torch.as_tensor(np.bincount(data.items, minlength=N_ITEMS + 1) + 1.0, dtype=torch.float32).log()

    def run():
        rows = torch.arange(0, 480, 20)
        who, goals = torch.as_tensor(data.users)[rows], torch.as_tensor(data.items)[rows]
        drawn = torch.as_tensor(np.random.default_rng(1).geometric(0.2, (len(rows), 9)).clip(1, N_ITEMS))
        states, classes = users(who), torch.cat([goals[:, None], drawn], 1)
        if shape == "places":
            states, classes = states[:, None].expand(-1, 3, -1), classes[:, None].expand(-1, 3, -1)
        logits = torch.einsum("...d,...kd->...k", states, items(classes))
        corrected = logits + sign * often[classes] if sign else logits
        F.cross_entropy(
            corrected.flatten(0, -2), torch.zeros(corrected[..., 0].numel(), dtype=torch.long)
        ).backward()

    return run, data


@pytest.mark.parametrize("shape", ["rows", "places"])
@pytest.mark.parametrize(("sign", "kind"), [(1.0, "added"), (-1.0, "right"), (0.0, None)])
def test_classes_that_each_row_draws_for_itself_are_corrected_too(sign, kind, shape):
    run, data = classes_of_rows(sign, shape)
    told = asked_of(run, lambda kept: correction(kept, data))
    assert told.get("kind") == kind
