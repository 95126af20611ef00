"""Every recipe on every seed: those that fit train, those that do not say why, and which are which is on record."""

import json
from pathlib import Path

import pytest

from seeds.new import seed_names
from seeds.shop import make
from seeds.split import LeaveLastTwoOut, split
from tests.conftest import ROOT
from tests.evolution.recipes.on_seeds import FITS, TRIED, context_of, tried

# tests/bench/seed_recipes.py writes it anew; a change of it is read by a person.
TABLE = json.loads((ROOT / "docs" / "results" / "seed-recipes.json").read_text(encoding="utf-8"))["seeds"]


def test_the_table_has_every_recipe_and_every_seed() -> None:
    assert list(TABLE) == list(seed_names())
    assert all(list(row) == [recipe.code for recipe in TRIED] for row in TABLE.values())
    assert all(any(told.startswith(FITS) for told in row.values()) for row in TABLE.values())


@pytest.mark.trains
@pytest.mark.slow
@pytest.mark.parametrize("seed", seed_names())
def test_what_fits_a_seed_trains_and_answers(seed: str, tmp_path: Path) -> None:
    training = split(make("micro").interactions, LeaveLastTwoOut()).training
    assert tried(context_of(seed, training), tmp_path, training) == TABLE[seed]
