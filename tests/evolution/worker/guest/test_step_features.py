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
    ("asked", "rows", "by"),
    [
        (lambda ids: ids - 1, N + 1, 1),  # the category of the item before
        (lambda ids: ids + 1, N + 1, 0),  # right where the learned table counts from 0
        (lambda ids: ids, N + 1, 0),
        (lambda ids: ids - 1, N + 2, 0),  # a learned table with room for a special token before the items
    ],
)
@pytest.mark.parametrize("bags", [False, True])
def test_features_that_are_asked_for_with_other_ids_than_the_rows_are_found(asked, rows, by, bags):
    data = log()
    names = sorted({kind for kinds in data.item_columns["categories"] for kind in kinds})
    kinds = torch.zeros(N + 1, dtype=torch.long)
    for item, own in enumerate(data.item_columns["categories"][1:], 1):
        kinds[item] = names.index(own[0]) + 1
    ids = torch.cat([torch.zeros(3, dtype=torch.long), torch.arange(30, N)])
    others = torch.randint(1, N, ids.shape, generator=torch.Generator().manual_seed(3))
    make = nn.EmbeddingBag if bags else nn.Embedding
    items, of_kinds = make(rows, 4), make(7, 4)
    at = asked(ids).clamp(min=0)

    def run():
        if bags:
            starts = torch.arange(0, len(ids), 2)
            out = items(ids, starts) + of_kinds(kinds[at], starts)
        else:
            out = (items(ids) + of_kinds(kinds[at])) * items(others)
        out.mean().backward()

    told = asked_of(run, lambda kept: features(kept, data, lambda tensor: []))
    assert (told["by"], told["tables"] > 0) == (by, True)
