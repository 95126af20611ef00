"""Features that belong to the item one row before or after are told from those that do not."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from evolution.worker.guest.step_features import features
from tests.evolution.worker.guest.keeping import asked_of, line

N = 80


def log():
    rng = np.random.default_rng(1)
    kinds = [[], *([f"k{one}"] for one in rng.integers(0, 6, N))]
    price = np.array([np.nan, *rng.choice([1.0, 2.5, 7.0, 9.0], N)], np.float32)
    return SimpleNamespace(
        n_items=N, item_columns={"categories": kinds, "price": price, "title": [""] * (N + 1)}
    )


def step(data, *options):
    names = sorted({kind for kinds in data.item_columns["categories"] for kind in kinds})
    kinds = torch.zeros(N + 1, dtype=torch.long)
    for item, own in enumerate(data.item_columns["categories"][1:], 1):
        kinds[item - 1 if "kinds" in options else item] = names.index(own[0]) + 1
    price = torch.nan_to_num(torch.as_tensor(data.item_columns["price"]))
    if "price" in options:
        price = price.roll(1)
    items, of_kinds, out = nn.Embedding(N + 1, 4), nn.Embedding(7, 4), nn.Linear(5, 1)
    ids = torch.arange(1, 60)
    both = torch.stack([kinds, (price * 10).long()], 1)
    of_prices = nn.Embedding(100, 4)

    def numbered():
        rows = items(ids) + of_kinds(both[ids, 0]) + of_prices(both[ids, 1])
        rows.mean().backward()

    if "numbered" in options:
        return numbered

    def run():
        rows = torch.cat([items(ids) + of_kinds(kinds[ids]), price[ids, None]], 1)
        out(rows).mean().backward()

    return run


@pytest.mark.parametrize(
    ("options", "column", "by"),
    [
        ((), "", 0),
        (("kinds",), "categories", -1),
        (("price",), "price", 1),
        (("numbered",), "", 0),
        (("numbered", "kinds"), "categories", -1),
        (("numbered", "price"), "price", 1),
    ],
)
def test_a_shifted_table_is_found(options, column, by):
    data = log()
    told = asked_of(step(data, *options), lambda kept: features(kept, data, lambda tensor: []))
    assert (told["column"], told["by"]) == (column, by)
    if by:
        assert line(told["places"][0]) in (
            "rows = torch.cat([items(ids) + of_kinds(kinds[ids]), price[ids, None]], 1)",
            "rows = items(ids) + of_kinds(both[ids, 0]) + of_prices(both[ids, 1])",
        )


def test_a_table_whose_last_row_is_padding_belongs_to_ids_from_0():
    data = log()
    kinds = torch.zeros(N + 1, dtype=torch.long)
    names = sorted({kind for kinds in data.item_columns["categories"] for kind in kinds})
    for item, own in enumerate(data.item_columns["categories"][1:]):
        kinds[item] = names.index(own[0]) + 1
    items, of_kinds, ids = nn.Embedding(N + 1, 4), nn.Embedding(7, 4), torch.arange(0, 60)

    def run():
        (items(ids) + of_kinds(kinds[ids])).mean().backward()

    assert asked_of(run, lambda kept: features(kept, data, lambda tensor: []))["by"] == 0


@pytest.mark.parametrize(
    ("padded", "aside", "by"),
    [(True, 0, 0), (True, -1, 1), (True, 1, -1), (False, -1, 0), (False, 0, -1)],
)
def test_a_table_may_be_read_beside_its_items(padded: bool, aside: int, by: int) -> None:
    data = log()
    names = sorted({kind for kinds in data.item_columns["categories"] for kind in kinds})
    own = [names.index(kinds[0]) + 1 for kinds in data.item_columns["categories"][1:]]
    kinds = torch.tensor([0, *own] if padded else own)
    items, of_kinds, ids = nn.Embedding(N + 1, 4), nn.Embedding(7, 4), torch.arange(2, 60)

    def run():
        rows = items(ids) + of_kinds(kinds[ids + aside])
        rows.mean().backward()

    told = asked_of(run, lambda kept: features(kept, data, lambda tensor: []))
    assert (told["column"], told["by"]) == ("categories" if by else "", by)
    assert not by or line(told["places"][0]) == "rows = items(ids) + of_kinds(kinds[ids + aside])"
