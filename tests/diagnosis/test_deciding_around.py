"""From the line on which something was seen to what stands around it: conditions, fillings, losses, saved states."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.findings import CodePlace
from tests.diagnosis.marked import line_of

FLAG = {
    "run.py": """
import torch

class Run:
    def __init__(self, net, every):
        self.best = make(net)
        self.plan = torch.optim.lr_scheduler.StepLR(self.best, 3)
        self.every = every

    def epoch(self, batches):
        for n, batch in enumerate(batches):
            batch.loss().backward()  # backward
            due = n % self.every == self.every
            if due:  # decides
                self.best.step()
        self.plan.step()

def make(net):
    return torch.optim.SGD(net.parameters(), lr=0.1)  # made
""",
}
COUNTER = {
    "run.py": """
import torch

def train(net, batches, gather=1000):
    optimizer = torch.optim.Adam(net.parameters())  # made
    waiting = 0
    for batch in batches:
        net(batch).backward()  # backward
        waiting += 1
        if waiting == gather:  # decides
            optimizer.step()
            waiting = 0
""",
}
PLAIN = {
    "run.py": """
import torch

def train(net, batches):
    optimizer = torch.optim.Adam(net.parameters())  # made
    for batch in batches:
        net(batch).backward()  # backward # decides
    finish(optimizer)

def finish(optimizer):
    optimizer.step()
""",
}
FILLED = {
    "data.py": """
import numpy as np

def prices(columns, n):
    table = np.full((n + 1, 1), 0.0)  # backward # made
    for item in range(1, n + 1):
        table[item - 1, 0] = columns.price[item]  # decides
    return table
""",
}
BESIDE = {
    "data.py": """
import torch

def tags(columns, n):
    table = torch.zeros(n + 1, 9)
    for item in range(1, n + 1):
        for tag in columns.tags[item - 1]:  # decides
            table[item, tag] = 1.0
    return table / table.sum(1, keepdim=True)  # backward # made
""",
}
NEIGHBOUR = {
    "data.py": """
import numpy as np

def prices(columns, n):
    table = np.zeros((n + 1, 1))  # backward # made
    for item in range(1, n):
        table[item, 0] = columns.price[item + 1]  # decides
    return table
""",
}
ROLLED = {
    "data.py": """
import numpy as np
import torch

def brands(column, known):
    codes = np.array([known[one] for one in column])
    codes = np.roll(codes, 1)  # decides
    table = torch.as_tensor(codes)  # backward # made
    return table
""",
}
ASKED = {
    "bags.py": """
import numpy as np
import torch

def bag(rows, ages, table):
    flat = torch.as_tensor(np.concatenate(rows))
    weights = [0.9 ** np.arange(n - 1, -1, -1) for n in map(len, rows)]
    return flat, weights, table[(flat - 1).clamp(min=0)]  # backward # made # decides
""",
}
LOGS = {
    "loss.py": """
import torch

def objective(good, bad):
    up = torch.log(torch.sigmoid(bad - good))  # decides
    total = -up.sum()
    return total / len(good)  # backward # made
""",
}
HINGE = {
    "loss.py": """
def objective(good, bad, margin=1.0):
    return (margin + good - bad).clamp(min=0).mean()  # backward # made # decides
""",
}
LATE = {
    "serve.py": """
def score(net, x, hidden):
    for t in range(max(0, x.shape[1] - 2), x.shape[1]):  # decides
        hidden = net(x[:, t], hidden)  # backward # made
    return hidden
""",
}
WHOLE = {
    "serve.py": """
def score(net, x, hidden):
    for t in range(x.shape[1]):
        hidden = net(x[:, t], hidden)  # backward # made # decides
    return hidden
""",
}


@pytest.mark.parametrize(
    ("code", "sources"),
    [
        ("never-stepped", FLAG),
        ("never-stepped", COUNTER),
        ("never-stepped", PLAIN),
        ("features-misaligned", FILLED),
        ("features-misaligned", BESIDE),
        ("features-misaligned", NEIGHBOUR),
        ("features-misaligned", ROLLED),
        ("features-misaligned", ASKED),
        ("learns-backwards", LOGS),
        ("learns-backwards", HINGE),
        ("history-window", LATE),
        ("history-window", WHOLE),
    ],
)
def test_finding_stands_where_it_is_decided(code: str, sources: dict[str, str]) -> None:
    seen = [
        CodePlace(path=path, line=n)
        for path, n in (line_of(sources, "# backward"), line_of(sources, "# made"))
    ]
    best = decided(code, seen, sources)[0]
    assert (best.path, best.line) == line_of(sources, "# decides")


TABLES = """
import copy

class Entry:
    def __init__(self, net):
        self.net = net
        {kept}

    def fit(self):
        yield {{}}

    def score(self, users, histories):
        return self.net(histories)

    def state_dict(self):  # saves
        return {state}
"""
PARTS = '{"users": self.net.users.copy(), "bias": self.net.bias.copy()}'


def test_state_that_a_module_gives_is_not_to_blame() -> None:
    assert (
        decided("state-restored", (), {"m.py": TABLES.format(kept="pass", state="self.net.state_dict()")})
        == ()
    )


def test_state_that_lacks_something_stands_on_state_dict() -> None:
    sources = {"m.py": TABLES.format(kept="pass", state=PARTS)}
    found = decided("state-restored", (), sources)
    assert [(one.path, one.line) for one in found] == [line_of(sources, "# saves")]


def test_state_that_lacks_a_copy_which_is_scored_with_stands_on_the_copy() -> None:
    text = TABLES.format(kept="self.old = copy.deepcopy(net.table)  # copy", state=PARTS)
    sources = {"m.py": text.replace("return self.net(histories)", "return self.net(histories) @ self.old.T")}
    found = decided("state-restored", (), sources)
    assert [(one.path, one.line) for one in found] == [line_of(sources, "# copy")]


def test_state_of_two_entries_stands_nowhere() -> None:
    sources = {
        "a.py": TABLES.format(kept="pass", state=PARTS),
        "b.py": TABLES.format(kept="pass", state=PARTS),
    }
    assert decided("state-restored", (), sources) == ()
