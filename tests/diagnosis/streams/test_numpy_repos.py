"""Repos that train with numpy alone: their look-ups are read, and what is wrong with ids stands where numpy made them."""

import builtins
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from diagnosis.examination import WATCHED, load_examination
from diagnosis.findings import Measurement
from diagnosis.probes import batches, negatives, target_coverage, targets
from diagnosis.streams.log import Log
from diagnosis.streams.reading import read_streams
from evolution.trials.watched import checked_watch
from evolution.worker.guest.array_watch import watch_arrays
from seeds.interactions import Interactions
from tests.diagnosis.streams.logs import make_log

PROBES = (targets, target_coverage, negatives, batches)
IN_BATCHES = """
import numpy as np
class Rec:
    def __init__(self, data):
        self.rng = np.random.default_rng(0)
        self.users, self.items, self.n = np.asarray(data.users), np.asarray(data.items), data.n_items
        self.U = self.rng.normal(0, .1, (data.n_users + 1, 8))
        self.V = self.rng.normal(0, .1, (data.n_items + 1, 8))
        self.met = np.zeros((data.n_users + 1, data.n_items + 1), bool)
        self.met[self.users, self.items] = True
    def draw(self, u):
        j = self.rng.integers(1, self.n + 1, len(u))
        for _ in range(20):
            hit = self.met[u, j]
            j[hit] = self.rng.integers(1, self.n + 1, hit.sum())
        return j
    def fit(self):
        while True:
            order = self.rng.permutation(len(self.users))
            for part in np.array_split(order, len(order) // 64):
                u, i = self.users[part], self.items[part]
                j = self.draw(u)
                d = ((self.U[u] * (self.V[i] - self.V[j])).sum(1) < 1)[:, None] * .05
                uu = self.U[u]
                np.add.at(self.U, u, d * (self.V[i] - self.V[j]))
                np.add.at(self.V, i, d * uu)
                np.add.at(self.V, j, -d * uu)
            yield {}
"""
ONE_BY_ONE = """
import numpy as np
class Rec:
    def __init__(self, data):
        self.rng = np.random.default_rng(0)
        self.data = data
        self.P = self.rng.normal(0, .1, (data.n_users + 1, 8))
        self.Q = self.rng.normal(0, .1, (data.n_items + 1, 8))
        self.met = set(zip(data.users.tolist(), data.items.tolist()))
    def fit(self):
        while True:
            for k in self.rng.permutation(len(self.data.users)):
                u, i = self.data.users[k], self.data.items[k]
                j = self.rng.integers(1, self.data.n_items + 1)
                while (int(u), int(j)) in self.met:
                    j = self.rng.integers(1, self.data.n_items + 1)
                p, q, r = self.P[u].copy(), self.Q[i].copy(), self.Q[j].copy()
                self.P[u] += .05 * (q - r)
                self.Q[i] += .05 * p
                self.Q[j] -= .05 * p
            yield {}
"""

IN_ORDER_OF_TIME = IN_BATCHES.replace(
    "        self.users, self.items, self.n = np.asarray(data.users), np.asarray(data.items), data.n_items\n",
    """        at = np.argsort(data.timestamps, kind="stable")
        people = {u: k for k, u in enumerate(dict.fromkeys(data.users[at].tolist()))}
        things = {i: k + 1 for k, i in enumerate(dict.fromkeys(data.items[at].tolist()))}
        self.users = np.array([people[u] for u in data.users.tolist()])
        self.items = np.array([things[i] for i in data.items.tolist()])
        self.n = len(things)
""",
)


@pytest.fixture(scope="module")
def log() -> Interactions:
    """With times, in which users are mixed."""
    made = make_log()
    times = np.sort(np.random.default_rng(1).random((made.n_users + 1, made.n_events)), axis=1)
    nth = np.arange(made.n_events) - made.offsets[made.users]
    return replace(made, timestamps=(times[made.users, nth] * 1e6).astype(np.int64))


def found(log: Interactions, text: str, folder: Path, *, held_out: int = 0) -> dict[str, Measurement]:
    """What is wrong. held_out: so many further items have no training events, and the repo does not know of them."""
    path = folder / "m.py"
    path.write_text(text, encoding="utf-8")
    module: dict[str, Any] = {}
    builtins.exec(compile(text, str(path), "exec"), module)  # noqa: S102 -- the repo under test
    columns = ("users", "items", "timestamps", "n_users", "n_items")
    data = SimpleNamespace(**{name: getattr(log, name) for name in columns})
    seen = watch_arrays(
        lambda: module["Rec"](data), root=str(folder), seconds=60, least_rows=50, folder=folder, epochs=2
    )
    assert seen is not None
    nothing = {"format": 1, "kind": "numpy", "note": "", "error": ""}
    document = checked_watch({"watched": json.loads(json.dumps({**nothing, **seen}))})
    (folder / WATCHED).write_text(json.dumps({**document, "max_epochs": 2}), encoding="utf-8")
    examination = load_examination(folder)
    assert examination is not None and examination.watched is not None
    read = read_streams(Log(replace(log, n_items=log.n_items + held_out)), examination.watched)
    return {m.code: m for probe in PROBES for m in probe.judged(read) if m.healthy is False}


@pytest.mark.parametrize(
    "text", [IN_BATCHES, ONE_BY_ONE, IN_ORDER_OF_TIME], ids=["batches", "one by one", "numbered anew"]
)
def test_healthy_repos_are_silent(log: Interactions, text: str, tmp_path: Path) -> None:
    assert {code: m.message for code, m in found(log, text, tmp_path).items()} == {}


@pytest.mark.parametrize("text", [IN_BATCHES, ONE_BY_ONE], ids=["batches", "one by one"])
def test_items_that_a_repo_cannot_know_need_not_be_drawn(
    log: Interactions, text: str, tmp_path: Path
) -> None:
    assert "negatives-out-of-range" not in found(log, text, tmp_path, held_out=2)


@pytest.mark.parametrize(
    ("text", "old", "new", "code"),
    [
        (
            IN_BATCHES,
            "integers(1, self.n + 1, len(u))",
            "integers(1, self.n // 2, len(u))",
            "negatives-out-of-range",
        ),
        (
            IN_ORDER_OF_TIME,
            "            hit = self.met[u, j]\n            j[hit] = self.rng.integers(1, self.n + 1, hit.sum())",
            "            pass",
            "negatives-not-rejected",
        ),
        (
            ONE_BY_ONE,
            "integers(1, self.data.n_items + 1)",
            "integers(1, self.data.n_items // 2)",
            "negatives-out-of-range",
        ),
        (
            IN_BATCHES,
            "self.rng.permutation(len(self.users))",
            "np.arange(len(self.users))",
            "batches-in-one-order",
        ),
    ],
)
def test_a_planted_defect_is_named(
    log: Interactions, text: str, old: str, new: str, code: str, tmp_path: Path
) -> None:
    planted = text.replace(old, new)
    if code == "negatives-out-of-range" and text is IN_BATCHES:
        planted = planted.replace("integers(1, self.n + 1, hit.sum())", "integers(1, self.n // 2, hit.sum())")
    named = found(log, planted, tmp_path)
    assert code in named
    if text is IN_BATCHES:  # numbers of Python's have no birth that could be told
        assert new in planted.split("\n")[named[code].places[0].line - 1]
