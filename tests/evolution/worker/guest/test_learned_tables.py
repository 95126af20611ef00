"""Tables that are trained by hand: what is not served, shrunk away or updated the wrong way is found; healthy ones are silent."""

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

from evolution.trials.asking_following import with_followed
from evolution.trials.partings import behind_in
from evolution.worker.guest.following import followed
from evolution.worker.guest.recommender import CheckedRecommender
from evolution.worker.guest.tracing_frames import Places

pytestmark = pytest.mark.trains

USERS, ITEMS, LENGTH = 60, 40, 12

FACTORS = """
import numpy as np

class Factors:
    def __init__(self, data, seed):
        self.rng = np.random.default_rng(seed)
        self.data = data
        self.P = self.rng.normal(0, 0.1, (data.n_users + 1, 8))
        self.Q = self.rng.normal(0, 0.1, (data.n_items + 1, 8))
        self.b = np.zeros(data.n_items + 1)
        self.mean_square = np.zeros((data.n_items + 1, 8))
        self.rate, self.reg = 0.1, 0.01

    def fit(self):
        while True:
            for at in self.rng.permutation(len(self.data.users)):
                u, i, j = self.data.users[at], self.data.items[at], self.rng.integers(1, self.data.n_items + 1)
                x = self.P[u] @ (self.Q[i] - self.Q[j]) + self.b[i] - self.b[j]
                d = 1 / (1 + np.exp(x))
                p, qi, qj = self.P[u].copy(), self.Q[i].copy(), self.Q[j].copy()
                self.P[u] += self.rate * (d * (qi - qj) - self.reg * p)
                self.mean_square[i] += (d * p) ** 2
                self.Q[i] += self.rate * (d * p - self.reg * qi)
                self.Q[j] += self.rate * (-d * p - self.reg * qj)
                self.b[i] += self.rate * d
                self.b[j] -= self.rate * d
            yield {"loss": 0.0}

    def score(self, users, histories):
        scores = self.P[users] @ self.Q.T
        return (scores + self.b).astype("float32")

def build(data, *, device, seed):
    return Factors(data, seed)
"""
CHAIN = """
import numpy as np

def start(data, seed):
    rng = np.random.default_rng(seed)
    return {"after": rng.normal(0, 0.3, (data.n_items + 1, 8)), "next": rng.normal(0, 0.3, (data.n_items + 1, 8)), "pop": np.zeros(data.n_items + 1)}

def epoch(state, rng, data, rate=0.05, keep=1.0):
    follows = np.flatnonzero(data.users[1:] == data.users[:-1])
    for at in rng.permutation(follows):
        before = data.items[at]
        for item, label in ((data.items[at + 1], 1.0), (rng.integers(1, data.n_items + 1), 0.0)):
            a, n = state["after"][before].copy(), state["next"][item].copy()
            error = label - 1 / (1 + np.exp(-(a @ n + state["pop"][item])))
            state["after"][before] = keep * a + rate * error * n
            state["next"][item] = keep * n + rate * error * a
            state["pop"][item] += rate * error

class Chain:
    def __init__(self, data, seed):
        self.data, self.state, self.rng = data, start(data, seed), np.random.default_rng(seed)

    def fit(self):
        while True:
            epoch(self.state, self.rng, self.data)
            yield {}

    def score(self, users, histories):
        return answers(self.state, histories[:, -1])

def answers(state, last):
    return state["after"][last] @ state["next"].T + state["pop"]

def build(data, *, device, seed):
    return Chain(data, seed)
"""


def log():
    rng = np.random.default_rng(0)
    items = np.concatenate(
        [(rng.integers(ITEMS) + (u % 3 + 1) * np.arange(LENGTH)) % ITEMS + 1 for u in range(USERS)]
    )
    users = np.repeat(np.arange(1, USERS + 1), LENGTH)
    offsets = np.concatenate([[0], np.arange(1, USERS + 1) * LENGTH])
    return SimpleNamespace(users=users, items=items, offsets=offsets, n_users=USERS, n_items=ITEMS)


def found(folder, text, *edits):
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "rec.py").write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("rec", folder / "rec.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data = log()
    told = followed(
        lambda: CheckedRecommender(module.build, data, device="cpu", seed=0),
        Places(str(folder)),
        (np.arange(1, 33), data.items.reshape(USERS, LENGTH)[:32]),
        10,
    )
    return told, text


SERVED = 'scores = self.P[users] @ self.Q.T\n        return (scores + self.b).astype("float32")'
STEPS = [
    ("self.P[u] += self.rate * (d", "self.P[u] += self.rate * (-d"),
    ("self.Q[i] += self.rate * (d", "self.Q[i] += self.rate * (-d"),
    ("self.Q[j] += self.rate * (-d", "self.Q[j] += self.rate * (d"),
    ("self.b[i] += self.rate * d", "self.b[i] -= self.rate * d"),
    ("self.b[j] -= self.rate * d", "self.b[j] += self.rate * d"),
]
DEFECTS = [
    ("unread", FACTORS, [(SERVED, "return (self.P[users] @ self.Q.T).astype(\"float32\")")], "return (self.P[users] @ self.Q.T).astype(\"float32\")"),
    ("unread", FACTORS, [(SERVED, "return np.tile(self.b, (len(users), 1))")], "return np.tile(self.b, (len(users), 1))"),
    ("unread", CHAIN, [(" + state[\"pop\"]\n", "\n")], "return state[\"after\"][last] @ state[\"next\"].T"),
    ("shrunk", FACTORS, [("0.1, 0.01", "0.1, 5.0")], ""),
    ("shrunk", CHAIN, [("keep=1.0", "keep=0.8")], ""),
    ("backwards", FACTORS, STEPS, ""),
    ("backwards", FACTORS, STEPS[:1], "self.P[u] += self.rate * (-d * (qi - qj) - self.reg * p)"),
    ("backwards", CHAIN, [("error = label -", "error = 1 - label -")], ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text", "edits", "line"), DEFECTS)
def test_a_defect_is_found(tmp_path, what, text, edits, line):
    told, edited = found(tmp_path, text, *edits)
    assert told is not None and told["what"] == what
    assert (edited.splitlines()[told["line"] - 1].strip() if told["path"] else "") == line
    behind = behind_in({"found": [told]})
    (check,) = with_followed([], lambda: behind)
    assert check.passed is False


HEALTHY = [
    (FACTORS, []),
    (CHAIN, []),
    (FACTORS, [("            yield {", "            self.served = self.P @ self.Q.T + self.b\n            yield {"), (SERVED, "return self.served[users].astype(\"float32\")")]),
    (FACTORS, [(SERVED, "scores = self.P[users] @ self.Q.T + self.b\n        scores[np.arange(len(users))[:, None], histories] = -1e9\n        return scores.astype(\"float32\")")]),
    (FACTORS, [(SERVED, "scores = self.P[users] @ self.Q.T + self.b\n        for row, u in enumerate(users):\n            scores[row, self.data.items[self.data.users == u]] = -np.inf\n        return scores.astype(\"float32\")")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "edits"), HEALTHY)
def test_a_healthy_training_is_silent(tmp_path, text, edits):
    assert found(tmp_path, text, *edits)[0] is None
