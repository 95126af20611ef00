"""The bench beside peer libraries: what it hands over, how it ranks what comes back, stops, counts and tells.

The libraries themselves are run by tests/bench/peers.py alone.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seeds.interactions import Interactions
from seeds.metrics import user_metrics
from seeds.new import seed_names
from seeds.references import fit, rank
from seeds.split import LeaveLastTwoOut, Split, split
from tests.bench.peer_libraries import accuracy, page
from tests.bench.peer_libraries.handover import answers, ndcg, places, read_split, windows_of, write_split
from tests.bench.peer_libraries.limit import Limit
from tests.bench.peer_libraries.matches import MATCHES
from tests.bench.peer_libraries.scalar import ScalarBatches
from tests.bench.peer_libraries.training import Stopping, train

Build = Callable[..., Interactions]


@pytest.fixture
def parts(log_of: Build) -> Split:
    """Three users; the first has two events of the same time, which file order decides."""
    events = [
        (1, 5, 1),
        (1, 6, 2),
        (1, 8, 3),
        (1, 7, 3),
        (1, 4, 4),
        (2, 5, 1),
        (2, 6, 2),
        (2, 1, 3),
        (2, 7, 4),
    ]
    return split(log_of([*events, (3, 2, 1), (3, 6, 2), (3, 3, 9)]), LeaveLastTwoOut())


def test_a_library_gets_the_split_and_no_test_target(parts: Split, tmp_path: Path) -> None:
    write_split(parts, tmp_path)
    handed = read_split(tmp_path)
    for name in ("users", "items", "offsets", "n_users", "n_items"):
        assert np.array_equal(getattr(handed.training, name), getattr(parts.training, name))
    for name in ("users", "items", "offsets"):
        assert np.array_equal(getattr(handed.validation, name), getattr(parts.validation, name))
        assert np.array_equal(getattr(handed.test, name), getattr(parts.test, name))
    assert np.array_equal(handed.validation.targets, parts.validation.targets)
    assert not handed.test.targets.any()
    assert handed.training.item_columns.title == list(parts.training.item_columns.title)


def test_the_place_in_a_history_stands_for_the_time_so_that_ties_keep_file_order(parts: Split) -> None:
    found = dict(
        zip(zip(parts.training.users.tolist(), parts.training.items.tolist()), places(parts.training))
    )
    assert found == {(1, 5): 0, (1, 6): 1, (1, 8): 2, (2, 5): 0, (2, 6): 1, (3, 2): 0}


def test_windows_hold_the_targets_that_our_seeds_train_on_each_once() -> None:
    training = SimpleNamespace(offsets=np.array([0, 0, 6, 7, 9]))
    place, windows = windows_of(training, 2)
    cut = [place[windows == window].tolist() for window in range(1, windows.max() + 1)]
    assert cut == [[3, 4, 5], [1, 2, 3], [0, 1], [7, 8]], "the second user has one event, and so no target"


def test_scores_that_come_back_are_ranked_as_all_others_are(parts: Split, tmp_path: Path) -> None:
    n = parts.training.n_items
    ranker = fit("markov", parts.training)
    np.save(tmp_path / "test.npy", answers(ranker, parts.test, n, max_history=50))
    top = rank(ranker, parts.test, n)
    expected = user_metrics(top.items, top.scores, top.ties, parts.test.targets)["NDCG@10"]
    assert ndcg(np.load(tmp_path / "test.npy"), parts.test) == pytest.approx(expected)
    with pytest.raises(ValueError, match="2 rows of scores for 3 questions"):
        ndcg(np.load(tmp_path / "test.npy")[:2], parts.test)


def test_an_item_that_a_library_does_not_know_is_missed(parts: Split) -> None:
    scores = np.zeros((len(parts.test), parts.training.n_items + 1), np.float32)
    scores[np.arange(len(scores)), parts.test.targets] = 1.0
    assert ndcg(scores, parts.test).tolist() == [1.0, 1.0, 1.0]
    scores[0, parts.test.targets[0]] = -np.inf
    assert ndcg(scores, parts.test).tolist() == [0.0, 1.0, 1.0]


class Scripted:
    """Its state is the epoch that it has come to."""

    epoch = 0

    def fit(self) -> Iterator[None]:
        while True:
            self.epoch += 1
            yield

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.epoch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.epoch = state["epoch"]


@pytest.mark.parametrize(
    ("curve", "most", "ran", "best"),
    [([1, 3, 2, 2, 9], 9, 4, 2), ([1, 2, 3, 4, 5], 3, 3, 3), ([2, 2, 1], 9, 3, 1)],
)
def test_training_ends_and_the_best_epoch_answers(curve: list[int], most: int, ran: int, best: int) -> None:
    model = Scripted()
    told: list[str] = []
    stopping = Stopping(patience=2, max_epochs=most)
    trained = train(model, lambda: float(curve[model.epoch - 1]), stopping, told.append)
    assert trained.curve == tuple(curve[:ran]) and len(told) == ran
    assert model.epoch == best


def test_a_limit_counts_what_was_trained_and_goes_round() -> None:
    limit = Limit([[1, 2], [3], [4, 5, 6]], len, 0.0)
    assert list(limit) == [[1, 2]] and limit.pace.positions == 2, "one batch, however short the time"
    limit.seconds = 60.0
    taken = [batch for batch, _ in zip(limit, range(5))]
    assert taken == [[1, 2], [3], [4, 5, 6], [1, 2], [3]]


def test_the_loop_in_python_makes_batches_as_the_seed_does() -> None:
    torch = pytest.importorskip("torch")
    training = SimpleNamespace(
        items=np.array([3, 1, 4, 2, 5, 6]), offsets=np.array([0, 0, 4, 5, 6]), n_items=8, n_users=3
    )
    batches = ScalarBatches(training, max_len=2, batch_size=4, seed=0)
    (batch,) = batches.epoch()
    assert batch.inputs.tolist() == [[1, 4]] * 4 and batch.targets.tolist() == [[4, 2]] * 4
    assert batch.negatives.dtype == torch.int64
    assert set(batch.negatives.unique().tolist()) <= {5, 6, 7, 8}


def test_every_match_is_of_a_seed_that_there_is() -> None:
    assert {match.seed for match in MATCHES.values()} == set(seed_names())
    assert all(match.ours.library == "evolverec" != match.peer.library for match in MATCHES.values())


def test_what_stands_is_compared_and_told_without_training(
    parts: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored(_: Any, job: dict[str, Any], library: str, place: Path) -> None:
        """In place of a training: our side puts every target first, the peer's puts none of them in reach."""
        place.mkdir(parents=True)
        scores = np.zeros((len(parts.test), parts.training.n_items + 1), np.float32)
        scores[np.arange(len(scores)), parts.test.targets] = 1.0 if library == "evolverec" else 0.0
        np.save(place / "test.npy", scores)
        told = {"curve": [0.1, 0.2], "train_s": 4.0, "cpu_s": 2.0}
        (place / "trained.json").write_text(json.dumps(told), encoding="utf-8")

    stopping = Stopping(patience=20, max_epochs=9)
    plan = accuracy.Plan(folder=tmp_path, data="log", numbers=(0, 1), stopping=stopping, threads=1)
    monkeypatch.setattr(accuracy, "_train", stored)
    found = accuracy.compared(plan, ["ncf"], parts)
    monkeypatch.delattr(accuracy, "_train")
    assert accuracy.compared(plan, ["ncf"], parts) == found, "the second time nothing is trained"
    match = found["ncf"]
    assert match["ours"]["test"]["value"] == 1.0 and 0 < match["peer"]["test"]["value"] < 1
    assert match["holds"] and match["relative"]["low"] > 0
    assert match["ours"]["s_per_epoch"] == [2.0, 2.0]
    document = {"date": "today", "commit": "abc", "data": "log", "references": {}, "matches": found}
    (tmp_path / "peers-log.json").write_text(json.dumps(document), encoding="utf-8")
    page.write(tmp_path)
    assert "| yes | 2 | 20 |" in (tmp_path / "peers.md").read_text(encoding="utf-8")


def test_the_page_says_whether_a_seed_holds_its_own(tmp_path: Path) -> None:
    figure = {"value": 0.08, "low": 0.07, "high": 0.09}
    side = {"library": "recbole", "model": "NeuMF", "note": "as drawn", "test": figure}

    def match(low: float, holds: bool) -> dict[str, Any]:
        relative = {"value": 0.01, "low": low, "high": 0.05}
        how = {"training_seeds": 3, "patience": 20}
        return {"ours": side, "peer": side, "relative": relative, "holds": holds, **how}

    found = {
        "date": "2026-01-01", "commit": "abc", "data": "a-log", "references": {"ease": figure},
        "matches": {"ncf": match(-0.02, True), "ngcf": match(-0.2, False)},
    }  # fmt: skip
    (tmp_path / "peers-a-log.json").write_text(json.dumps(found), encoding="utf-8")
    page.write(tmp_path)
    text = (tmp_path / "peers.md").read_text(encoding="utf-8")
    assert "| ncf | 0.0800 [0.0700, 0.0900] |" in text and "+1.0% [-2.0%, +5.0%] | yes | 3 | 20 |" in text
    assert "+1.0% [-20.0%, +5.0%] | no |" in text and "ncf: as drawn." in text
