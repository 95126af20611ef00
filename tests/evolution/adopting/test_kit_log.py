"""The kit writes a log in a repo's own format, knows its numbering, and asks its model in its own way."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse

from tests.evolution.adopting.strangers import FLAT, imported, write_stranger

# Two users of five items; items 3 and 5 are in no training event, nor is user 3.
LOG = SimpleNamespace(
    n_users=3,
    n_items=5,
    users=np.array([1, 1, 1, 2, 2]),
    items=np.array([4, 1, 2, 2, 4]),
    timestamps=np.array([10.0, 20.0, 30.0, 5.0, 25.0]),
    ratings=None,
)
HISTORIES = np.array([[0, 0, 4, 1], [5, 2, 5, 4]])


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Any]:
    with imported(write_stranger(tmp_path / "repo", FLAT)) as kit:
        yield kit


@pytest.mark.parametrize(
    ("path", "asked", "text"),
    [
        ("a.txt", {"sep": " "}, "1 4\n1 1\n1 2\n2 2\n2 4\n"),
        (
            "b.csv",
            {"sep": ",", "header": True, "columns": ("user", "item", 1, "time")},
            "user,item,1,time\n1,4,1,10\n1,1,1,20\n1,2,1,30\n2,2,1,5\n2,4,1,25\n",
        ),
        (
            "c/x.inter",
            {"columns": ("user", "item", "time"), "order": "time"},
            "user_id:token\titem_id:token\ttimestamp:float\n2\t2\t5\n1\t4\t10\n1\t1\t20\n2\t4\t25\n1\t2\t30\n",
        ),
        ("d.txt", {"kind": "lists", "held_out": 2}, "1 4 1 2 2 2\n2 2 4 4 4\n"),
        ("e.txt", {"kind": "lists", "columns": ("item",)}, "4 1 2\n2 4\n"),
        ("f.txt", {"columns": ("item", "rating"), "last": 1, "sep": ","}, "2,1\n4,1\n"),
        (
            "g.txt",
            {"columns": ("user", "time"), "held_out": 1, "sep": " "},
            "1 10\n1 20\n1 30\n1 31\n2 5\n2 25\n2 26\n",
        ),
        (
            "h.jsonl",
            {"header": ("visitor", "product"), "last": 1},
            '{"visitor": 1, "product": 2}\n{"visitor": 2, "product": 4}\n',
        ),
        (
            "i.jsonl",
            {"columns": ("user", "items")},
            '{"user": 1, "items": [4, 1, 2]}\n{"user": 2, "items": [2, 4]}\n',
        ),
    ],
)
def test_a_log_is_written_in_the_repos_format(kit: Any, path: str, asked: dict[str, Any], text: str) -> None:
    assert kit.write_events(path, LOG, **asked).read_text() == text


def test_ids_are_written_in_the_repos_numbering(kit: Any) -> None:
    ids = kit.Ids(LOG, users=0, items=0)
    assert kit.write_events("a.txt", LOG, ids=ids, sep=" ").read_text() == "0 3\n0 0\n0 1\n1 1\n1 3\n"
    assert kit.write_events("b.npy", LOG, ids=ids).exists()
    np.testing.assert_array_equal(np.load(kit.scratch().folder / "b.npy")[0], [0, 3])


def test_dictionaries_and_matrices_are_those_that_others_read(kit: Any) -> None:
    expected = {1: [4, 1, 2], 2: [2, 4]}
    assert pickle.loads(kit.write_events("a.pkl", LOG).read_bytes()) == expected == kit.lists(LOG)  # noqa: S301
    assert json.loads(kit.write_events("a.json", LOG).read_text()) == {
        str(u): items for u, items in expected.items()
    }
    matrix = sparse.load_npz(kit.write_events("a.npz", LOG))
    assert matrix.shape == (3, 5) and matrix.nnz == 5 and matrix[0, 3] == 1 and matrix[2].nnz == 0


def test_a_folder_that_is_only_linked_is_taken_over_before_it_is_written_to(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit, "MOST_ENTRIES", 1)
    (kit.ROOT / "data").mkdir()
    for name in ("old.txt", "other.txt"):
        (kit.ROOT / "data" / name).write_text("theirs")
    kit.write_events("data/old.txt", LOG)
    assert (kit.scratch().folder / "data" / "other.txt").read_text() == "theirs"
    assert (kit.ROOT / "data" / "old.txt").read_text() == "theirs"
    with pytest.raises(ValueError, match="outside of the repo"):
        kit.write_events("../log.txt", LOG)


@pytest.mark.parametrize(
    ("asked", "histories", "columns"),
    [
        ({}, [[0, 0, 4, 1], [0, 0, 2, 4]], [0, 1, 2, 3, 4, 5]),
        ({"items": 0, "padding": "n"}, [[5, 5, 3, 0], [5, 5, 1, 3]], [-1, 0, 1, 2, 3, 4]),
        ({"padding": "n+1", "length": 2}, [[4, 1], [2, 4]], [-1, 1, 2, 3, 4, 5]),
        ({"side": "right", "length": 3}, [[4, 1, 0], [2, 4, 0]], [0, 1, 2, 3, 4, 5]),
        ({"order": "sorted"}, [[0, 0, 3, 1], [0, 0, 2, 3]], [0, 1, 2, 5, 3, 5]),
        ({"order": "appearance"}, [[0, 0, 1, 2], [0, 0, 3, 1]], [0, 2, 3, 5, 1, 5]),
        # In time: item 2 of user 2 at 5, then 4 at 10, 1 at 20.
        ({"order": "time"}, [[0, 0, 2, 3], [0, 0, 1, 2]], [0, 3, 1, 5, 2, 5]),
        ({"items": {"1": 7, 2: 2, "4": 1, "[PAD]": 0}}, [[0, 0, 1, 7], [0, 0, 2, 1]], [0, 5, 2, 5, 1, 5]),
    ],
)
def test_a_numbering_goes_there_and_back(
    kit: Any, asked: dict[str, Any], histories: Any, columns: Any
) -> None:
    ids = kit.Ids(LOG, **asked)
    assert ids.histories(HISTORIES).tolist() == histories
    assert ids.columns(5).tolist() == columns


def test_a_numbering_without_a_single_id_is_refused(kit: Any) -> None:
    with pytest.raises(ValueError, match="gives no number"):
        kit.Ids(LOG, items={"b07": 1})


class _Model(torch.nn.Module):
    """Scores user u and item i by `10 u + i`; histories by their newest item."""

    def __init__(self) -> None:
        super().__init__()
        self.emb = torch.nn.Embedding(5, 2)

    def predict(self, users: Any, histories: Any, items: Any) -> Any:
        assert isinstance(users, np.ndarray) and histories.shape[0] == len(users)
        return torch.as_tensor(10.0 * users[:, None] + items[None, :])

    def forward(self, users: Any, items: Any) -> Any:
        return (10.0 * users + items).float()

    def of_users(self, users: Any) -> Any:
        return self(users[:, None], torch.arange(5)[None, :])

    def encode(self, histories: Any) -> Any:
        return (self.emb(histories),)

    def full_sort_predict(self, interaction: Any) -> Any:
        assert interaction["item_length"].tolist() == [2, 2]
        return self.of_users(interaction["user_id"]).reshape(-1)

    def bag(self, bags: Any) -> Any:
        return SimpleNamespace(logits=bags)


def _asked(kit: Any, score: Any, **asked: Any) -> Any:
    class Run(dict[str, Any]):
        scratch = kit.ROOT

        def start(self) -> None:
            pass

    recommender = kit.Recommender(
        LOG, Run(model=_Model()), score=score, ids=kit.Ids(LOG, **asked), table="emb.weight"
    )
    return recommender, recommender.score(np.array([1, 2]), HISTORIES)


@pytest.mark.parametrize(
    "way",
    [
        lambda scores: scores.by_items("predict"),
        lambda scores: scores.by_items("predict", one_by_one=True),
        lambda scores: scores.by_pairs(),
        lambda scores: scores.by_user("of_users"),
        lambda scores: scores.by_user(
            lambda model: lambda user: model.of_users(torch.tensor([user]))[0], one_by_one=True
        ),
        lambda scores: scores.all_items("full_sort_predict"),
        lambda _: lambda model, users, histories: model.of_users(torch.as_tensor(users)).numpy(),
    ],
)
def test_a_model_is_asked_in_its_own_way(kit: Any, way: Any) -> None:
    recommender, scores = _asked(kit, way(kit.scores))
    told = np.asarray(scores)
    assert told.shape == (2, 6)
    known = [1, 2, 4]
    np.testing.assert_allclose(told[:, known], [[11, 12, 14], [21, 22, 24]])
    assert recommender.item_embeddings().shape == (6, 2)


def test_scores_of_histories_are_those_at_the_newest_place(kit: Any) -> None:
    recommender, scores = _asked(kit, kit.scores.by_table("encode", "emb.weight"))
    table = recommender.model.emb.weight
    torch.testing.assert_close(scores[:, :5], table[[1, 4]] @ table.T)
    _, bags = _asked(kit, kit.scores.by_bag("bag"), items=0, padding=None)
    assert bags[:, :5].tolist() == [[0, 1, 0, 0, 1], [0, 0, 1, 0, 1]]


def test_a_model_of_the_newest_item_is_not_asked_of_a_user_without_one(kit: Any) -> None:
    asked: list[list[list[int]]] = []

    def ask(users: Any, last: Any) -> Any:
        asked.append([users.tolist(), last.tolist()])
        return last[:, None] * torch.ones(5)

    ids = kit.Ids(LOG, items=0, padding=None)
    score = kit.scores.by_last(lambda model: ask, with_users=True)
    rows = np.array([[-1, -1], [1, 3], [3, -1]])
    scores = score(_Model(), np.array([7, 8, 9]), rows, ids)
    assert asked == [[[8, 9], [3, 3]]] and scores[:, 0].tolist() == [0, 3, 3]
    assert score(_Model(), np.array([7]), rows[:1], ids).tolist() == [[0] * 5] and len(asked) == 1


def test_an_item_that_the_model_does_not_know_comes_last(kit: Any) -> None:
    _, scores = _asked(kit, kit.scores.by_user("of_users"), order="sorted")
    assert scores[:, 3].tolist() == [-np.inf, -np.inf] and scores[0, [1, 2, 4]].tolist() == [11, 12, 13]


def test_scores_that_the_program_has_written_are_read(kit: Any) -> None:
    np.save(kit.ROOT / "scores.npy", np.arange(12.0).reshape(3, 4))
    _, scores = _asked(kit, kit.scores.file("scores.npy"), users=0, items=0, padding=None)
    assert scores[:, 1:5].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]] and scores[:, 0].tolist() == [0, 0]


def test_the_same_seed_draws_the_same(kit: Any) -> None:
    drawn = []
    for _ in range(2):
        kit.seed_all(3)
        drawn.append((np.random.random(), torch.rand(1).item()))
    assert drawn[0] == drawn[1]
