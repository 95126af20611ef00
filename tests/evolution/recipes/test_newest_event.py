"""The newest event beside the mean of a history: wherever padding stands, and only where a history of items is pooled."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext

Cook = Callable[..., str]
Load = Callable[[str], Any]
POOLED = """
import torch
from torch import nn


class Reader(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.things = nn.Embedding(n + 1, 4, padding_idx=0)

    def forward(self, seen):
        there = {there}
        looked = {looked}
        profile = {mean}
        return profile
"""
PLAIN = {
    "there": "seen != 0",
    "looked": "self.things(seen)",
    "mean": "looked.sum(1) / there.sum(1, keepdim=True).clamp(min=1)",
}
SHAPES = [
    {},
    {
        "there": "(seen > 0).float()",
        "mean": "torch.sum(looked * there.unsqueeze(-1), dim=1) / there.sum(dim=1)[:, None]",
    },
    {
        "there": "(seen > 0).float()",
        "looked": "self.things(seen) * there[..., None]",
        "mean": "looked.sum(dim=1) / 7",
    },
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("padded", ["left", "right"])
def test_the_newest_vector_is_added_to_the_mean(
    cook: Cook, load: Load, shape: dict[str, str], padded: str
) -> None:
    text = POOLED.format(**PLAIN | shape)
    before, after = load(text).Reader(9), load(cook("newest-event", text)).Reader(9)
    after.load_state_dict(before.state_dict())
    seen = torch.tensor([[0, 0, 5, 3], [1, 2, 6, 7]] if padded == "left" else [[5, 3, 0, 0], [1, 2, 6, 7]])
    newest = before.things(torch.tensor([3, 7]))
    torch.testing.assert_close(after(seen), before(seen) + newest)


@pytest.mark.parametrize(
    "shape",
    [
        {"mean": "looked.sum(2) / there.sum(1, keepdim=True)"},  # over the axis of vectors
        {"mean": "looked.sum(1) / 7"},  # nothing says where padding is
        {"there": "seen == 0"},  # marks padding, not events
        {"looked": "self.other(seen)"},  # no table
        {"mean": "looked.sum(1)"},
    ],
)
def test_other_sums_are_no_mean_of_a_history(cook: Cook, shape: dict[str, str]) -> None:
    with pytest.raises(DoesNotFit, match="no mean"):
        cook("newest-event", POOLED.format(**PLAIN | shape))


def test_a_mean_of_categories_is_none_of_items() -> None:
    from evolution.recipes.newest_event import NewestEvent

    trace = {"parameters": [{"name": "reader.things.weight", "shape": [31, 4]}]}
    sources = {"m.py": POOLED.format(**PLAIN)}
    with pytest.raises(DoesNotFit, match="no mean"):
        NewestEvent().make(RecipeContext(sources=sources, facts=Facts(n_users=9, n_items=500), trace=trace))
    NewestEvent().make(RecipeContext(sources=sources, facts=Facts(n_users=9, n_items=30), trace=trace))
