"""Narrow vectors of items are widened by the number that sets them, and by no other."""

from collections.abc import Callable
from typing import Any

import pytest

from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext
from evolution.recipes.wider_vectors import WiderVectors

Cook = Callable[..., str]
SETTINGS = """
from dataclasses import dataclass


@dataclass
class Settings:
    {name}: int = {width}
    hidden_layers: int = 3
    top_k: int = 10
"""


@pytest.mark.parametrize(
    "name", ["dim", "factor_num", "n_factors", "embedding_size", "emb_dim", "latent_dim_rec"]
)
def test_the_number_that_sets_the_width_is_raised(cook: Cook, name: str) -> None:
    after = cook("wider-vectors", SETTINGS.format(name=name, width=8))
    assert after == SETTINGS.format(name=name, width=64)


@pytest.mark.parametrize(
    ("name", "width"), [("dim", 32), ("head_dim", 8), ("batch_size", 8), ("size", 8), ("rank", 8)]
)
def test_wide_vectors_and_other_numbers_stay(cook: Cook, name: str, width: int) -> None:
    with pytest.raises(DoesNotFit, match="no single number"):
        cook("wider-vectors", SETTINGS.format(name=name, width=width))


@pytest.mark.parametrize(("shape", "fits"), [([91, 8], True), ([12, 8], False), ([91, 4], False)])
def test_a_table_of_items_has_that_width(shape: list[int], fits: bool) -> None:
    trace: dict[str, Any] = {"parameters": [{"name": "model.rows.weight", "shape": shape}]}
    sources = {"m.py": SETTINGS.format(name="dim", width=8)}
    context = RecipeContext(sources=sources, facts=Facts(n_users=9, n_items=90), trace=trace)
    if fits:
        assert "64" in WiderVectors().make(context).edits[0].new
        return
    with pytest.raises(DoesNotFit, match="no table"):
        WiderVectors().make(context)
