"""The seed `morec`: texts of items and what is made of them, clear refusals, and that no id of an item is learned."""

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from seeds.split import Split

CPU = torch.device("cpu")
TEXTS = ["", "Red shoe", "red hat", "blue hat", "", "blue blue shoe unique"]


@pytest.fixture
def morec(entry_of: Any) -> Any:
    return entry_of("morec")


def columns(**given: Any) -> Any:
    unknown = {"title": ("",) * 3, "categories": ((),) * 3, "store": ("",) * 3}
    return SimpleNamespace(n_items=2, item_columns=SimpleNamespace(**{**unknown, **given}))


def test_a_text_is_made_of_the_columns_that_are_named(morec: Any) -> None:
    data = columns(
        title=("", "Boots", ""), categories=((), ("Shoes", "Winter"), ("Hats",)), store=("", "", "Aster")
    )
    assert morec.item_texts(data, ("title", "categories", "store")) == [
        "",
        "Boots Shoes Winter",
        "Hats Aster",
    ]
    assert morec.item_texts(data, ("store", "title")) == ["", "Boots", "Aster"]


def test_a_log_without_a_text_is_refused_with_what_to_do(morec: Any, log_of: Any) -> None:
    with pytest.raises(ValueError, match="the log has none in title, categories, store") as told:
        morec.build(log_of([(1, 1, 1), (1, 2, 2)]), device="cpu", seed=0)
    assert "sasrec" in str(told.value) and "Settings.text" in str(told.value)


def test_features_have_the_angles_of_tf_idf(morec: Any) -> None:
    """With as many dimensions as words, the decomposition loses nothing. A word of one item counts for nothing."""
    torch.manual_seed(0)
    found = morec.tf_idf_features(TEXTS, 128)
    weight = np.log(6 / 3) + 1  # each of the four words is in two of six texts
    words = ["red", "shoe", "hat", "blue"]
    table = np.array([[text.lower().split().count(word) * weight for word in words] for text in TEXTS])
    table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
    np.testing.assert_allclose(found @ found.T / found.shape[1], table @ table.T, atol=1e-4)
    assert not found[0].any() and not found[4].any()


def test_the_encoder_of_a_folder_is_asked_once_for_all_texts(
    morec: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The package is large and absent here: what stands in for it has the two calls that are used of it."""

    class Encoder:
        def __init__(self, folder: str, device: str) -> None:
            assert (folder, device) == (str(tmp_path), "cpu")

        def encode(self, texts: list[str]) -> Any:
            return np.array([[len(text), 1.0] for text in texts], dtype=np.float32)

    with pytest.raises(ValueError, match="which is no folder"):
        morec.encoder_features(TEXTS, str(tmp_path / "absent"), CPU)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ValueError, match="pip install sentence-transformers"):
        morec.encoder_features(TEXTS, str(tmp_path), CPU)
    stand_in = ModuleType("sentence_transformers")
    stand_in.__dict__["SentenceTransformer"] = Encoder
    monkeypatch.setitem(sys.modules, "sentence_transformers", stand_in)
    found = morec.encoder_features(TEXTS, str(tmp_path), CPU)
    expected = np.array([8.0, 1.0]) / np.linalg.norm([8.0, 1.0]) * 2**0.5
    np.testing.assert_allclose(found[1], expected, rtol=1e-5)
    assert not found[0].any() and not found[4].any(), "padding, and an item without a text"


def test_items_of_one_text_are_one_item_to_it(morec: Any, micro_split: Split) -> None:
    training = micro_split.training
    titles = list(training.item_columns.title)
    titles[7] = titles[8]
    assert training.item_columns.categories[7] == training.item_columns.categories[8]
    stores = list(training.item_columns.store)
    stores[7] = stores[8]
    told = replace(
        training, item_columns=replace(training.item_columns, title=tuple(titles), store=tuple(stores))
    )
    scores = morec.build(told, device="cpu", seed=0).score(np.array([1]), np.array([[3, 4]]))[0]
    assert abs(scores[7] - scores[8]) < 1e-5 < abs(scores[7] - scores[9])


def test_what_is_learned_does_not_grow_with_the_items(morec: Any, micro_split: Split) -> None:
    network = morec.build(micro_split.training, device="cpu", seed=0).model
    assert all(micro_split.training.n_items + 1 not in one.shape for one in network.parameters())


def test_no_event_sees_a_later_one(morec: Any, micro_split: Split) -> None:
    network = morec.build(micro_split.training, device="cpu", seed=0).model.eval()
    histories = torch.arange(1, 21).view(2, 10)
    changed = histories.clone()
    changed[:, 6:] = 50
    before, after = network(histories), network(changed)
    assert torch.allclose(before[:, :6], after[:, :6], atol=1e-5)
    assert not torch.allclose(before[:, 6:], after[:, 6:], atol=1e-3)
