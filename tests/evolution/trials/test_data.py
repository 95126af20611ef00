"""The data of trials: exported once, found again, and no label where a worker looks."""

from typing import Literal

import numpy as np
import pytest

from evolution.base.errors import DataError
from evolution.repo.config import Config, DataSection, RecommenderSection
from evolution.trials.data import chosen, prepare, sample_rows, shuffled_newest


def config(
    source="shop-micro",
    split: Literal["leave-last-two-out", "global-time"] = "leave-last-two-out",
    max_history=50,
):
    return Config(
        recommender=RecommenderSection(entry="model:build", max_history=max_history),
        data=DataSection(source=source, split=split),
    )


@pytest.fixture
def log(tmp_path):
    """A small RecBole log in a repo: (write, repo)."""

    def write(last="b1"):
        lines = ["user_id:token\titem_id:token\ttimestamp:float"]
        lines += [
            f"u{user}\tb{item if item < 4 else last[1:]}\t{item}" for user in range(5) for item in range(5)
        ]
        (tmp_path / "own.inter").write_text("\n".join(lines) + "\n")

    write()
    return write


def test_what_is_read_back_is_what_was_written(micro, tmp_path):
    from seeds.loading import load
    from seeds.split import scheme_named, split

    divided = split(load("shop-micro", root=tmp_path), scheme_named("leave-last-two-out"))
    np.testing.assert_array_equal(micro.training.items, divided.training.items)
    np.testing.assert_array_equal(micro.validation.targets, divided.validation.targets)
    np.testing.assert_array_equal(micro.test.items, divided.test.items)
    assert micro.training.item_columns.title == divided.training.item_columns.title
    assert micro.training.item_columns.categories == divided.training.item_columns.categories
    assert micro.training.user_names == divided.training.user_names


def test_no_target_is_in_a_workers_folders(micro):
    for folder in micro.worker_inputs().values():
        assert not list(folder.rglob("targets*"))
    assert not any(
        folder.is_relative_to(micro.folder / "labels") for folder in micro.worker_inputs().values()
    )
    assert "test" not in micro.worker_inputs()
    test_only = set(micro.test.items) if len(micro.test) else set()
    assert test_only  # the test histories exist, and are elsewhere
    assert not any(micro.test_questions.is_relative_to(folder) for folder in micro.worker_inputs().values())


def test_the_second_start_reads_no_source_and_is_the_same(tmp_path, monkeypatch):
    first = prepare(config(), tmp_path)
    monkeypatch.setattr("seeds.loading.load", lambda *_, **__: pytest.fail("the source was read again"))
    second = prepare(config(), tmp_path)
    assert second.training.n_events == first.training.n_events
    assert second.fingerprint == first.fingerprint


def test_another_split_or_another_log_is_other_data(log, tmp_path):
    own = prepare(config("own.inter"), tmp_path).fingerprint
    assert prepare(config("own.inter"), tmp_path).fingerprint == own
    log(last="b2")
    assert prepare(config("own.inter"), tmp_path).fingerprint != own
    shop = {
        prepare(config(split=split), tmp_path).fingerprint for split in ("leave-last-two-out", "global-time")
    }
    assert len(shop) == 2


def test_a_missing_source_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.inter"):
        prepare(config("nowhere.inter"), tmp_path)


def test_shuffling_keeps_the_newest_events_and_moves_no_older_one(micro):
    questions = chosen(micro.validation, micro.sample)
    shuffled = shuffled_newest(questions, 4)
    moved = 0
    for q in range(len(questions)):
        before, after = questions.history(q), shuffled.history(q)
        np.testing.assert_array_equal(before[:-4], after[:-4])
        assert sorted(before[-4:]) == sorted(after[-4:])
        moved += list(before) != list(after)
    assert moved > len(questions) / 2


def test_the_sample_is_fixed_and_rising():
    rows = sample_rows(6040)
    assert len(rows) == 1000
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, sample_rows(6040))


def test_reference_lists_are_made_once_and_hold_nothing_seen(micro):
    references = micro.references()
    assert {"popularity", "markov", "ease"} <= set(references)
    for lists in references.values():
        assert lists.items.shape == (len(micro.validation), 100)
        assert not set(lists.items[0]) & set(micro.validation.history(0))
