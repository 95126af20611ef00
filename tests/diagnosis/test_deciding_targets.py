"""What decides a target: what turns a history round, repeats its rows, or puts an event into two lists; and what never runs."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.findings import CodePlace
from tests.diagnosis.marked import line_of

TURNED = {
    "data.py": """
def cut(items, offsets):
    return [list(items[a:b])[::-1] for a, b in zip(offsets[:-1], offsets[1:])]  # decides

def pairs(histories):
    inputs, goals = [], []
    for history in histories:
        for k in range(1, len(history)):
            inputs.append(history[:k])
            goals.append(history[k])
    return inputs, goals
""",
    "net.py": """
from data import cut, pairs

class Net:
    def loss(self, data):
        inputs, goals = pairs(cut(data.items, data.offsets))
        return self.scores(inputs)[goals]  # seen
""",
}
DESCENDING = {
    "data.py": """
def histories(log):
    for _, rows in log.groupby("user"):
        yield sorted(rows.itertuples(), key=lambda one: one.time, reverse=True)  # decides

def batch(log, table):
    goals = [history[k + 1] for history in histories(log) for k in range(3)]
    return table[goals]  # seen
""",
}
TWICE = {
    "data.py": """
import torch

class Rows:
    def __getitem__(self, n):
        shown, goals = [], []
        for event in self.histories[n]:
            if self.rng.random() < 0.2:
                shown.append(self.hidden)
                goals.append(event)
            else:
                shown.append(event)
                goals.append(event)  # decides
        return torch.tensor(shown), torch.tensor(goals)

def train(net, rows):
    criterion = torch.nn.CrossEntropyLoss()
    for shown, goals in torch.utils.data.DataLoader(rows):
        criterion(net(shown), goals)  # seen

def main(net):
    train(net, Rows())
""",
}
REPEATED = {
    "data.py": """
import numpy as np

def columns(users, pasts, k):
    who = np.repeat(users, k)  # decides
    past = np.tile(pasts, (k, 1))
    return who, past

def step(table, users, pasts):
    who, past = columns(users, pasts, 4)
    return table[who], past  # seen
""",
}
TORCH_REPEATED = {
    "data.py": """
def step(net, users, pasts):
    who = users.repeat_interleave(3)  # decides
    past = pasts.repeat(3, 1)
    return net.users[who] * net.encode(past)  # seen
""",
}
UNUSED = {
    "run.py": """
from data import pairs

class Entry:
    def __init__(self, data):
        self.histories = data.histories
        self.goals = pairs(self.histories)

    def fit(self):
        yield {"loss": self.table[self.goals]}  # seen

    def score(self, users, histories):
        return self.table[pairs(histories[:, 1:])]

def build(data, *, device, seed):
    return Entry(data)

def main(path):
    histories = [line.split()[:-2] for line in open(path)]
    return Entry([one[: len(one) - 1] for one in histories]), pairs([one[:-1] for one in histories])

if __name__ == "__main__":
    main("log.txt")
""",
    "data.py": """
def pairs(histories):
    goals = []
    for history in histories:
        for k in range(1, len(history) - 1):  # decides
            goals.append(history[k])
    return goals
""",
}
MOVED = {
    "data.py": """
import torch

class Examples:
    def __init__(self, users):
        goals = []
        for items in users:
            for t in range(1, len(items) - 1):
                goals.append(items[t + 1])  # decides
        self.goals = torch.tensor(goals)

    def batches(self, size):
        for rows in torch.randperm(len(self.goals)).split(size):  # rows
            yield self.histories[rows], self.goals[rows]

def users_of(log):
    return [log.items[slice(log.offsets[u], log.offsets[u + 1])] for u in range(log.n_users)]
""",
    "net.py": """
from data import Examples, users_of

class Trainer:
    def loss(self, histories, goals):
        return self.scores(histories)[goals]  # seen

    def step(self, batch):
        batch = [one.to(self.device) for one in batch]
        return self.loss(*batch)

    def epoch(self, log):
        return [self.step(batch) for batch in Examples(users_of(log)).batches(64)]
""",
}
OWN_FORWARD = {
    "net.py": """
import numpy as np

class Net:
    def forward(self, ids):
        return self.table[ids]  # seen

    def both(self, order, ids):
        order = np.random.RandomState(3).permutation(order)  # decides
        *_, chosen = (order, ids, ids[order])
        return self.forward(chosen)

    def train(self, ids):
        return self.both(range(9), ids)
""",
}
SORTED = {
    "data.py": """
import torch

def batches(users, items, n):
    for rows in torch.randperm(n).split(64):
        yield users[rows], items[torch.argsort(rows)]  # decides

def epoch(net, users, items):
    for who, what in batches(users, items, 9):
        taste = net.users[who]
        taste * net.items[what]  # seen
""",
}
ACROSS = {
    "data.py": """
import numpy as np

def pairs(items):
    following = np.zeros_like(items)
    following[:-1] = items[1:]  # decides
    return items, following

def train(net, items, rng):
    shown, goals = pairs(items)
    order = rng.permutation(len(shown))
    net.loss(net.table[shown[order]], net.table[goals[order]])  # seen
""",
}
STEPPED = {
    "data.py": """
def walk(events, starts, steps):
    for n in range(steps):
        at = starts + n
        yield events[at], events[at + 1]  # decides

def train(net, events, starts):
    for now, later in walk(events, starts, 8):
        net.criterion(net(now), net.table[later])  # seen
""",
}

HELPED = {
    "data.py": """
class Rows:
    def past(self, events, at):
        first = max(0, at + 1 - self.width)
        return events[first : at + 1]  # decides

    def rows(self, log):
        shown, goals = [], []
        for events in log:
            for at in range(1, len(events)):
                shown.append(self.past(events, at))
                goals.append(events[at])
        return shown, goals

def train(net, rows, log):
    shown, goals = rows.rows(log)
    net.table[goals]  # seen
""",
}
HELPED_BY_NAME = {
    "windows.py": """
def window(*, of, end, width=9):
    return of[: end + 2][-width:]  # decides
""",
    "train.py": """
from windows import window

def train(net, log):
    pairs = [(window(end=t, of=items), items[t]) for items in log for t in range(1, len(items))]
    goals = [pair[1] for pair in pairs]
    net.table[goals]  # seen
""",
}


@pytest.mark.parametrize(
    ("code", "sources", "by"),
    [
        ("target-misplaced", TURNED, -1),
        ("target-misplaced", DESCENDING, -1),
        ("target-is-input", TWICE, 0),
        ("target-is-input", HELPED, 0),
        ("target-is-input", HELPED_BY_NAME, 0),
        ("target-of-another", REPEATED, 0),
        ("target-of-another", TORCH_REPEATED, 0),
        ("target-of-another", SORTED, 0),
        ("newest-never-target", UNUSED, 0),
        ("batches-in-one-order", OWN_FORWARD, 0),
    ],
)
def test_target_goes_back_to_the_line_that_decides(code: str, sources: dict[str, str], by: int) -> None:
    path, line = line_of(sources, "# seen")
    best = decided(code, [CodePlace(path=path, line=line)], sources, {"by": by})[0]
    assert (best.path, best.line) == line_of(sources, "# decides")


def test_rows_that_are_picked_lead_no_further_than_the_batch_itself() -> None:
    picked, seen = (
        CodePlace(path=p, line=n) for p, n in (line_of(MOVED, "# rows"), line_of(MOVED, "# seen"))
    )
    best = decided("target-misplaced", [picked, seen], MOVED)[0]
    assert (best.path, best.line) == line_of(MOVED, "# decides")


@pytest.mark.parametrize("sources", [ACROSS, STEPPED])
def test_target_of_the_next_user_stands_where_it_is_taken(sources: dict[str, str]) -> None:
    path, line = line_of(sources, "# seen")
    best = decided("target-of-another", [CodePlace(path=path, line=line)], sources, {"across": 1.0})[0]
    assert (best.path, best.line) == line_of(sources, "# decides")
