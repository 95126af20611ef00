"""A target that stands among the wrong classes of its own row is told by ids and values."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from diagnosis.examination import Examination
from diagnosis.probes.own_target import own_target
from evolution.worker.guest.step_twins import twins
from tests.evolution.worker.guest.keeping import asked_of, line
from tests.evolution.worker.guest.toys import N_ITEMS, N_USERS, D, log

GOALS = [3, 4, 3, 5, 6, 7, 8, 9, 10, 11, 12, 4]  # four rows share their target with another
USERS = [1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5]


def step(*options):
    torch.manual_seed(0)
    users, items = nn.Embedding(N_ITEMS + 1, D), nn.Embedding(N_ITEMS + 1, D)
    who, goals = torch.tensor(USERS), torch.tensor(GOALS)

    def of_batch():
        logits = users(who) @ items(goals).T
        if "masked" in options:
            same = (goals[:, None] == goals[None, :]).fill_diagonal_(False)
            logits = logits.masked_fill(same, float("-inf") if "far" in options else -1e9)
        loss = F.cross_entropy(logits / 0.5, torch.arange(len(goals)))
        loss.backward()

    def of_drawn():
        drawn = torch.tensor([3, 20, 21, 22, 23, 24, 25, 26, 27, 28])
        state = users(who)
        right = (state * items(goals)).sum(1)
        wrong = torch.einsum("bd,kd->bk", state, items(drawn))
        if "masked" in options:
            wrong = wrong.masked_fill(goals[:, None] == drawn[None, :], -1e9)
        logits = torch.cat([right[:, None], wrong], 1)
        F.cross_entropy(logits, torch.zeros_like(goals)).backward()

    def of_views():
        rows = items(goals)
        logits = F.dropout(rows, 0.1) @ rows.T
        F.cross_entropy(logits, torch.arange(len(goals))).backward()

    return {"drawn": of_drawn, "views": of_views}.get(options[0] if options else "", of_batch)


@pytest.mark.parametrize(
    ("options", "twice", "place"),
    [
        ((), 4, "loss = F.cross_entropy(logits / 0.5, torch.arange(len(goals)))"),
        (("batch", "masked"), 0, ""),
        (("batch", "masked", "far"), 0, ""),
        (("drawn",), 2, "F.cross_entropy(logits, torch.zeros_like(goals)).backward()"),
        (("drawn", "masked"), 0, ""),
    ],
)
def test_targets_that_are_negatives_of_their_own_row_are_counted(options, twice, place):
    data = log()
    assert data.n_users == N_USERS
    told = asked_of(step(*options), lambda kept: twins(kept, data))
    assert (told["rows"], told["twice"]) == (len(GOALS), twice)
    assert [line(one) for one in told["places"][:1]] == ([place] if place else [])


def test_two_views_of_the_same_items_are_no_targets():
    data = log()
    assert asked_of(step("views"), lambda kept: twins(kept, data)) == {}


@pytest.mark.parametrize(("twice", "healthy"), [(0, True), (2, True), (4, False)])
def test_a_tenth_of_the_rows_is_told_and_less_is_not(twice, healthy):
    told = {"rows": 30, "twice": twice, "classes": 30, "places": [["loss.py", 7, "loss"]]}
    evidence: Any = SimpleNamespace(examination=Examination(watched=None, replayed={"twins": told}))
    [measured] = own_target(evidence)
    assert measured.healthy is healthy
    assert [one.line for one in measured.places] == ([] if healthy else [7])
