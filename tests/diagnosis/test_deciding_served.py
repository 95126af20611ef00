"""Lines that decide what is served, which rows are drawn, and a rate that is set by hand."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.findings import CodePlace
from tests.diagnosis.marked import line_of

SERVER = {
    "app.py": """
from serving import Server

class Entry:
    def __init__(self, net):
        self.server = Server(net, 50)
    def fit(self):
        yield {}
    def score(self, users, histories):
        return self.server.rank(histories)  # seen
""",
    "serving.py": """
import torch

class Server:
    def __init__(self, net, length):
        self.net, self.length = net, length
    def rank(self, past):
        rows = torch.as_tensor(past)[:, : self.length]  # decides
        return self.net(rows)
""",
}
DIRECT = {
    "app.py": """
class Entry:
    def fit(self):
        yield {}
    def score(self, users, histories):
        newest = histories[:, -9:]
        return self.rank(users, newest)  # seen
    def rank(self, users, rows):
        return self.net(rows.long()[:, :5])  # decides
""",
}
BY_HAND = {
    "run.py": """
def set_rate(optimizer, epoch):
    for group in optimizer.param_groups:
        group["lr"] = 0.01 * 0.5 ** (epoch * 9)  # decides
def fit(optimizer):
    for epoch in range(9):
        set_rate(optimizer, epoch)
        optimizer.step()  # seen
""",
}
PADDED = {
    "run.py": """
import torch.nn.functional as F

class Entry:
    def fit(self):
        yield {}
    def score(self, users, histories):
        found = self.net(histories)[:, 1:]
        return F.pad(found, (0, 1)).numpy()  # decides
def build(data):  # seen
    return Entry()
""",
}
RECORDS = {
    "data.py": """
from dataclasses import dataclass
import numpy as np

@dataclass
class Rows:
    users: np.ndarray
    past: np.ndarray
    def where(self, keep):
        return Rows(self.users[keep], self.past[keep])

class Loader:
    def __init__(self, rows):
        self.rows = rows
    def __iter__(self):
        order = np.argsort((self.rows.past > 0).sum(1))  # decides
        for start in range(0, len(order), 8):
            yield self.made(order[start : start + 8])
    def made(self, chosen):
        batch = self.rows.where(chosen)
        return batch.past  # seen
""",
    "run.py": """
from data import Loader, Rows

class Checks:
    def __init__(self, rows):
        self.rows = rows
    def measure(self, net):
        return net(self.rows.past)

def fit(net, table):
    for past in Loader(rows):
        net(past)
""",
    "net.py": """
class Net:
    def __call__(self, past):
        return self.table[past]  # looked up
""",
}
PARTS = {
    "data.py": """
class Windows:
    def __init__(self, histories, width):
        self.parts = []
        for history in histories:
            for stop in range(len(history), width, -width):  # decides
                self.parts.append(history[max(0, stop - width - 1) : stop])
    def __getitem__(self, k):
        return self.parts[k]

def step(net, windows: Windows, order):
    for k in order:
        goals = windows[k]
        net.table[goals]  # seen
def main(net, histories):
    windows = Windows(histories, 20)
    step(net, windows, range(len(windows.parts)))
""",
}


@pytest.mark.parametrize(
    ("code", "sources"),
    [
        ("newest-kept", SERVER),
        ("newest-kept", DIRECT),
        ("schedule-runs-out", BY_HAND),
        ("items-shifted", PADDED),
        ("events-never-targets", PARTS),
    ],
)
def test_the_line_that_decides_comes_first(code: str, sources: dict[str, str]) -> None:
    path, line = line_of(sources, "# seen")
    best = decided(code, [CodePlace(path=path, line=line)], sources)[0]
    assert (best.path, best.line) == line_of(sources, "# decides")


def test_what_comes_a_shorter_way_as_well_is_walked_from_the_line_that_was_seen() -> None:
    seen = [
        CodePlace(path=p, line=n) for p, n in (line_of(RECORDS, "# seen"), line_of(RECORDS, "# looked up"))
    ]
    best = decided("batches-in-one-order", seen, RECORDS)[0]
    assert (best.path, best.line) == line_of(RECORDS, "# decides")


@pytest.mark.parametrize(
    "line",
    [
        "for stop in range(0, len(history), width):",
        "for stop in range(1, len(history)):",
        "for stop in order:",
    ],
)
def test_a_range_over_everything_decides_nothing(line: str) -> None:
    whole = {"data.py": PARTS["data.py"].replace("for stop in range(len(history), width, -width):", line)}
    seen = CodePlace(path="data.py", line=line_of(whole, "# seen")[1])
    assert decided("events-never-targets", [seen], whole)[0] == seen


def test_two_slices_of_histories_say_nothing() -> None:
    both = {"app.py": DIRECT["app.py"].replace("[:, -9:]", "[:, :9]")}
    path, line = line_of(both, "# seen")
    assert decided("newest-kept", [CodePlace(path=path, line=line)], both)[0].line == line


@pytest.mark.parametrize(
    "text",
    [
        "def build(data):\n    def state_dict():\n        return {k: v for k, v in params.items() if v.dim() == 2}  # decides\n    return state_dict\n",
        "class Rec:\n    def fit(self):\n        yield {}\n    def score(self, users, histories):\n        return self.net(users)\n"
        "    def state_dict(self):\n        own = self.net.state_dict()\n        return {k: own[k] for k in own if 'bias' not in k}  # decides\n",
    ],
)
def test_a_state_that_takes_some_parameters_stands_where_they_are_chosen(text: str) -> None:
    (first,) = decided("state-restored", [], {"m.py": text})
    assert (first.path, first.line) == line_of({"m.py": text}, "# decides")
