"""The folder of the paper's released code: its division, names, facts and candidate lists."""

import json
from pathlib import Path

import numpy as np
import pytest

from seeds.errors import SourceError
from seeds.loading import Options, load
from seeds.metrics import sampled_metrics
from seeds.split import Given, split


def part(**histories: list[int]) -> dict[str, object]:
    users = {name[1:]: items for name, items in histories.items()}
    return {
        "History": users,
        "Time": {user: [str(10**12 + item) for item in items] for user, items in users.items()},
    }


FILES: dict[str, object] = {
    "train.json": part(u1=[3, 1], u2=[1, 2], u3=[2]),
    "valid.json": part(u1=[2], u2=[4]),
    "test.json": part(u1=[4], u3=[5]),
    "id2user.json": {"1": "AE", "2": "AF", "3": "AG"},
    "id2item.json": {str(n): f"B0{n}" for n in range(1, 6)},
    "item2id.json": {f"B0{n}": n for n in range(1, 6)},
    "meta.json": {"1": {"title": "T", "price": "None", "store": "Band   Format: Audio CD", "categories": ["Rock"], "average_rating": 4.5},
                  "2": {"title": "U", "price": "9.99", "store": None, "categories": []}},
    "validation_candidate.json": {"1": [2, 4, 5], "2": [4, 5, 3]},
    "test_candidate.json": {"1": [4, 5]},
}  # fmt: skip


def written(folder: Path, **changed: object) -> Path:
    for name, value in {**FILES, **changed}.items():
        if value is not None:
            (folder / name.replace("__", ".")).write_text(json.dumps(value))
    return folder


def test_it_is_divided_as_the_paper_divides_it(tmp_path: Path) -> None:
    log = load(".", root=written(tmp_path), options=Options(given=True))
    names = log.item_names
    parts = split(log, Given())
    assert [log.user_names[user] for user in parts.validation.users] == ["AE", "AF"]
    assert [log.user_names[user] for user in parts.test.users] == ["AE"], "AG has no validation event"
    assert [names[item] for item in parts.test.history(0)] == ["B01", "B03", "B02"]
    item = names.index("B01")
    assert log.item_columns.store[item] == "Band" and np.isnan(log.item_columns.price[item])
    assert (
        log.report is not None
        and "1 test events" in log.report.notes[0]
        and log.report.unit == "milliseconds"
    )


def test_targets_are_ranked_among_the_candidates_that_it_brings(tmp_path: Path) -> None:
    log = load(".", root=written(tmp_path), options=Options(given=True))
    parts = split(log, Given())
    assert parts.validation.candidates is not None
    negatives = [{log.item_names[item] for item in row if item} for row in parts.validation.candidates]
    assert negatives == [{"B04", "B05"} & set(log.item_names), {"B05", "B03"} & set(log.item_names)]
    scores = np.zeros((2, log.n_items + 1))
    scores[0, log.item_names.index("B01")] = 9  # no candidate, so the target is still first but for ties
    found = sampled_metrics(scores, np.arange(2), parts.validation, parts.training)
    assert found["HR@5"].tolist() == [1, 1]


def test_without_its_training_part_it_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"train\.json"):
        load(".", root=written(tmp_path, **{"train.json": None}), options=Options(given=True))


def test_times_and_items_must_agree(tmp_path: Path) -> None:
    wrong = {"History": {"1": [1, 2]}, "Time": {"1": ["5"]}}
    with pytest.raises(SourceError, match=r"train\.json: .*2 items and 1 times"):
        load(".", root=written(tmp_path, **{"train.json": wrong}), options=Options(given=True))
