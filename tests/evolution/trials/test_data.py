"""The data of trials: exported once, found again, and no label where a worker looks."""

import ast
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

import seeds.split
from evolution.base.errors import DataError
from evolution.base.places import PACKAGE_ROOT
from evolution.base.versions import python_files
from evolution.coevolution import probe_runner
from evolution.repo.config import Config, DataSection, RecommenderSection
from evolution.trials import data as data_module
from evolution.trials.data import chosen, prepare, reference_files, sample_rows, shuffled_newest
from seeds.references import rankers


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


@pytest.fixture
def upgraded(monkeypatch):
    """Call it with a piece of the code's place: from then on that code has another version."""

    def upgrade(part):
        real = data_module.version_of

        def version_of(*names):
            return real(*names) + ("-new" if any(part in name for name in names) else "")

        monkeypatch.setattr(data_module, "version_of", version_of)

    return upgrade


def test_after_an_upgrade_models_are_judged_by_the_new_rankers(log, tmp_path, monkeypatch, upgraded):
    data = prepare(config("own.inter"), tmp_path)
    before = data.references()["popularity"].scores
    real = rankers.Popularity.score
    monkeypatch.setattr(rankers.Popularity, "score", lambda self, *asked: 2 * real(self, *asked))
    np.testing.assert_array_equal(
        data.references()["popularity"].scores, before
    )  # the same version: from the cache
    upgraded("seeds/references")
    np.testing.assert_array_equal(data.references()["popularity"].scores, 2 * before)


def test_after_an_upgrade_the_source_is_read_and_divided_anew(log, tmp_path, monkeypatch, upgraded):
    """Also where the log is the same: what was exported of it need not be."""
    before = prepare(config("own.inter"), tmp_path)
    ones = np.ones_like(before.validation.targets)
    real = seeds.split.split

    def split_otherwise(log, scheme):
        divided = real(log, scheme)
        return replace(divided, validation=replace(divided.validation, targets=ones))

    monkeypatch.setattr(seeds.split, "split", split_otherwise)
    upgraded("seeds/split")
    after = prepare(config("own.inter"), tmp_path)
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.validation.targets, ones)


def test_an_upgrade_that_exports_the_same_leaves_trials_comparable(log, tmp_path, upgraded):
    before = prepare(config("own.inter"), tmp_path)
    upgraded("seeds/loading")
    after = prepare(config("own.inter"), tmp_path)
    assert after.fingerprint == before.fingerprint and after.shuffled == before.shuffled


def test_a_shuffled_sample_of_an_older_version_is_not_asked(log, tmp_path, upgraded):
    before = prepare(config("own.inter"), tmp_path)
    upgraded("exporting")
    after = prepare(config("own.inter"), tmp_path)
    assert after.shuffled != before.shuffled and after.worker_inputs()[after.shuffled].is_dir()


@pytest.mark.parametrize(
    "damaged", ["index", "labels/validation.npy", "worker/training/items.npy", "shuffled", "references"]
)
@pytest.mark.parametrize("how", ["cut", "gone", "other"])
def test_a_damaged_cache_is_made_anew(log, tmp_path, damaged, how):
    first = prepare(config("own.inter"), tmp_path)
    targets, lists = first.validation.targets, first.references()["markov"].items
    path = {
        "index": next(first.folder.parent.glob("*.json")),
        "shuffled": first.worker_inputs()[first.shuffled] / "items.npy",
        "references": reference_files(first)["markov"] / "top_items.npy",
    }.get(damaged, first.folder / damaged)
    size = path.stat().st_size
    path.write_bytes({"cut": path.read_bytes()[: size // 2], "gone": b"", "other": b"\xff" * size}[how])
    if how == "gone":
        path.unlink()
    again = prepare(config("own.inter"), tmp_path)
    assert again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.validation.targets, targets)
    np.testing.assert_array_equal(again.references()["markov"].items, lists)
    assert all((folder / "items.npy").exists() for folder in again.worker_inputs().values())


@pytest.mark.parametrize(
    "index", ["{}", "[]", "7", '{"fingerprint": 7, "ties": 3}', '{"fingerprint": "../..", "ties": {}}']
)
def test_an_index_that_says_something_else_is_not_believed(log, tmp_path, index):
    first = prepare(config("own.inter"), tmp_path)
    next(first.folder.parent.glob("*.json")).write_text(index)
    assert prepare(config("own.inter"), tmp_path).fingerprint == first.fingerprint


def test_what_lies_beside_the_log_and_is_not_read_changes_nothing(log, tmp_path, monkeypatch):
    prepare(config("own.inter"), tmp_path)
    (tmp_path / "notes.txt").write_text("of no matter")
    monkeypatch.setattr("seeds.loading.load", lambda *_, **__: pytest.fail("the source was read again"))
    prepare(config("own.inter"), tmp_path)


VALUES = {
    "seeds.interactions",
    "seeds.errors",
    "seeds.log_report",
    "diagnosis.evidence",
    "seeds.amounts",
}  # what holds arrays or writes numbers down, and computes nothing


@pytest.mark.parametrize(
    ("listed", "makers"),
    [
        (data_module._REFEREE, ["seeds.references"]),
        (data_module._EXPORTER, ["seeds.loading", "seeds.shop", "seeds.split", "evolution.trials.exporting"]),
        (probe_runner._RANKED_BY, ["diagnosis.coevolution.subjects", "diagnosis.coevolution.ground"]),
    ],
)  # fmt: skip
def test_a_version_covers_all_of_our_code_that_the_result_hangs_on(listed, makers):
    hashed = {file for name in listed for file in python_files(PACKAGE_ROOT / name)}
    needed = {name: file for name, file in imported_by(makers).items() if name not in VALUES}
    assert {name for name, file in needed.items() if file not in hashed} == set()


def imported_by(modules):
    """Every module of ours that these import, directly or not, with its file."""
    found, waiting = {}, list(modules)
    while waiting:
        name = waiting.pop()
        base = PACKAGE_ROOT.joinpath(*name.split("."))
        file = next((f for f in (base.with_suffix(".py"), base / "__init__.py") if f.is_file()), None)
        if file is None or name in found:
            continue
        found[name] = file
        if file.name == "__init__.py":
            waiting += [f"{name}.{inner.stem}" for inner in base.glob("*.py") if inner.stem != "__init__"]
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in (
                "seeds",
                "diagnosis",
            ):
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found
