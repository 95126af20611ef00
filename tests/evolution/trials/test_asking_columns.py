"""What a neighbouring column says of an item is believed where it is more than a few items that count many times."""

import numpy as np

from evolution.trials.asking_columns import _beside

ROWS, ITEMS = 300, 60


def told(values: np.ndarray, items: np.ndarray) -> bool:
    rows = np.arange(ROWS)
    return _beside(values, rows, items, 1, rows % 40).certain


def test_columns_that_are_all_shifted_are_told():
    rng = np.random.default_rng(0)
    items = rng.integers(1, ITEMS - 1, ROWS)
    values = rng.normal(size=(ROWS, ITEMS))
    values[np.arange(ROWS), items + 1] += 1.0
    assert told(values, items)


def test_one_item_that_many_chose_is_no_shift():
    rng = np.random.default_rng(0)
    items = np.where(np.arange(ROWS) < 200, 7, rng.integers(1, ITEMS - 1, ROWS))
    values = rng.normal(size=(ROWS, ITEMS))
    values[:, 8] += 1.0
    assert not told(values, items)


def test_a_model_that_is_hardly_better_beside_than_chance_is_no_shift():
    rng = np.random.default_rng(0)
    items = rng.integers(1, ITEMS - 1, ROWS)
    values = 0.2 * rng.normal(size=(ROWS, ITEMS))
    values[np.arange(ROWS), items + 1] += 0.3
    assert not told(values, items)
