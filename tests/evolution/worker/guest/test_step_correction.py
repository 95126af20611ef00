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
