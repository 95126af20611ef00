"""From the line where values become a tensor back to the line that decides them, in code of different make."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.deciding.program import read_program
from diagnosis.findings import CodePlace
from tests.diagnosis.marked import line_of

COLUMNS = {
    "data.py": """
import numpy as np

def sample(log):
    order = np.random.permutation(len(log.users))
    users = log.users[order]
    wrong = np.random.randint(0, log.n_items, len(order))  # draw
    return np.stack([users, log.items[order], wrong], axis=1)
""",
    "train.py": """
import torch
from data import sample

def epoch(model, log):
    rows = torch.from_numpy(sample(log))
    for batch in torch.split(rows, 128):
        who, right, wrong = batch.unbind(1)
        model.loss(who, right, wrong)
""",
    "model.py": """
class Model:
    def loss(self, who, right, wrong):
        return self.items[wrong] - self.items[right]
""",
}
LOADER = {
    "data.py": """
import torch
from torch.utils.data import DataLoader, Dataset

class Sampler:
    def __init__(self, rng, n):
        self.rng, self.n = rng, n

    def pick(self, seen, k):
        out = self.rng.integers(1, self.n, size=k)  # draw
        bad = ~isin(out, seen)  # test
        while bad.any():
            out[bad] = self.rng.integers(1, self.n, size=bad.sum())
            bad = ~isin(out, seen)
        return out

class Rows(Dataset):
    def __init__(self, rows, sampler):
        self.rows, self.sampler = rows, sampler

    def __getitem__(self, k):
        history = self.rows[k][: 50]  # cut
        shown, goals = history[:-1], history[1:]  # shift
        return shown, goals, self.sampler.pick(history, len(goals))

def pad(rows):
    full = zeros(len(rows), 50)
    for n, row in enumerate(rows):
        full[n, : len(row)] = row
    return torch.from_numpy(full)

def collate(samples):
    shown, goals, others = zip(*samples)
    return pad(shown), pad(goals), pad(others)

def loader(rows, rng, n):
    return DataLoader(Rows(rows, Sampler(rng, n)), batch_size=8, collate_fn=collate)
""",
    "train.py": """
from data import loader

class Trainer:
    def __init__(self, net, rows, rng, n):
        self.net = net
        self.batches = loader(rows, rng, n)

    def run(self):
        for shown, goals, others in self.batches:
            self.net.compare(shown, goals)
            self.net.compare(shown, others)
""",
    "net.py": """
class Net:
    def compare(self, shown, ids):
        return self.encode(shown) * self.table(ids)
""",
}
WINDOWS = {
    "stamp.py": """
import numpy as np
import torch

def prepare(histories):
    xs, ys = [], []
    for s in histories:
        for t in range(1, len(s)):
            part = s[: t + 1][-20:]  # reaches the target
            row = np.zeros(20)
            row[20 - len(part) :] = part
            xs.append(row)
            ys.append(s[t])  # target
    return {"x": torch.tensor(np.array(xs)), "y": torch.tensor(ys)}

def batches(state, order):
    for chunk in order.split(128):
        yield state["x"][chunk], state["y"][chunk]

def train(p, state, order):
    for x, y in batches(state, order):
        loss(p, x, y)

def loss(p, x, y):
    return hidden(p, x) * p["E"][y]

def main(histories, p, order):
    state = prepare(histories)
    train(p, state, order)
""",
}
GRAPH = {
    "graph.py": """
import numpy as np
import scipy.sparse as sp
import torch

class Graph:
    def __init__(self, log):
        size = min(len(log.users), 2048)
        self.net = sp.csr_matrix((np.ones(size), (log.users[:size], log.items[:size])))  # part of the edges
        self.n = log.n_users

    def matrix(self):
        full = sp.lil_matrix((self.n, self.n))
        full[: self.n, self.n :] = self.net  # block
        full = full.tocoo()
        index = torch.from_numpy(np.vstack([full.row, full.col]))
        value = torch.from_numpy(full.data)  # weights
        return torch.sparse_coo_tensor(index, value)

class Net:
    def __init__(self, log):
        self.graph = Graph(log).matrix()

    def forward(self, nodes):
        return torch.sparse.mm(self.graph, nodes)
""",
}
SESSIONS = {
    "data.py": """
import numpy as np
import torch

class Sessions:
    def __init__(self, histories):
        self.windows = []
        for seq in histories:
            end = len(seq) - 2  # cut
            while end > 1:
                self.windows.append(seq[max(0, end - 21) : end])
                end -= 10

    def batches(self, rng):
        for k in rng.permutation(len(self.windows)):
            full = torch.from_numpy(np.array(self.windows[k]))
            yield full[:, :-1], full[:, 1:]
""",
    "fit.py": """
import torch.nn.functional as F

def fit(net, sessions, rng):
    for x, y in sessions.batches(rng):
        F.cross_entropy(net(x).flatten(0, 1), y.flatten())
""",
}

QUEUE = {
    "utils.py": """
import numpy as np
from multiprocessing import Process, Queue

def other_than(low, high, known):
    t = np.random.randint(low, high)  # draw
    while t in known:  # test
        t = np.random.randint(low, high)
    return t

def work(log, n, queue):
    def one():
        user = np.random.randint(1, len(log))  # user
        wrong = np.zeros(20)
        for k in range(20):
            wrong[k] = other_than(1, n, set(log[user]))
        return user, wrong
    while True:
        rows = []
        for _ in range(8):
            rows.append(one())
        queue.put(zip(*rows))

class Sampler:
    def __init__(self, log, n):
        self.queue = Queue()
        Process(target=work, args=(log, n, self.queue))

    def following(self):
        return self.queue.get()
""",
    "main.py": """
from net import Net
from utils import Sampler

def main(log, n):
    sampler, net = Sampler(log, n), Net()
    for _ in range(9):
        user, wrong = sampler.following()
        user, wrong = np.array(user), np.array(wrong)
        net(user, wrong)
""",
    "net.py": """
class Net:
    def forward(self, users, others):
        who = self.users(torch.LongTensor(users))
        return who, self.items(torch.LongTensor(others))
""",
}
FRAMES = {
    "prepare.py": """
import random
import torch

class Triples:
    def __init__(self, users, others):
        self.users, self.others = users, others

    def __getitem__(self, k):
        return self.users[k], self.others[k]

def loader(log, n):
    log["wrong"] = log["left"].apply(lambda left: random.sample(sorted(left), n))  # draw
    users, others = [], []
    for row in log.itertuples():
        users.append(int(row.user))
        others.append(int(row.wrong[0]))
    rows = Triples(users=torch.LongTensor(users), others=torch.LongTensor(others))
    return DataLoader(rows, batch_size=8, shuffle=True)
""",
    "train.py": """
from prepare import loader

def train(net, log):
    for n, batch in enumerate(loader(log, 4)):
        users, others = batch[0], batch[1]
        loss = net.who[users] * net.what[others]
""",
}

FILLS = {
    "rows.py": """
import numpy as np
import torch

def row(history, width):
    shown, goal = np.zeros(width, int), np.zeros(width, int)
    at = width - 1
    for item in reversed(history[:-1]):
        shown[at] = item
        goal[at] = item  # fills
        at -= 1
    return shown, goal

def lists(history):
    shown, goal = [], []
    for at, item in enumerate(history[:-1]):
        shown.append(item)
        goal.append(item)  # grows
    return shown, goal
""",
    "train.py": """
import torch
from rows import lists, row

def step(table, history):
    shown, goal = row(history, 50)
    aims = table(torch.LongTensor(goal))  # of step
    return table(torch.LongTensor(shown)) * aims

def other(table, history):
    shown, goal = lists(history)
    aims = table(torch.LongTensor(goal))  # of other
    return table(torch.LongTensor(shown)) - aims
""",
}
ONE_FILL = {
    "m.py": """
import torch

def step(table, history):
    goal = []
    for item in history[1:]:  # only these
        goal.append(item)
    aims = table(torch.LongTensor(goal))  # aims
    return table(torch.LongTensor(history[:-1])) * aims
"""
}


def first_decided(code: str, sources: dict[str, str], *seen: str) -> tuple[str, int]:
    places = [CodePlace(path=path, line=line) for path, line in (line_of(sources, said) for said in seen)]
    best = decided(code, places, sources)[0]
    return best.path, best.line


@pytest.mark.parametrize(
    ("code", "sources", "seen", "decides"),
    [
        ("negatives-out-of-range", COLUMNS, ("unbind", "self.items[wrong]"), "# draw"),
        ("negatives-out-of-range", LOADER, ("from_numpy(full)", "self.table(ids)"), "# draw"),
        ("negatives-out-of-range", QUEUE, ("self.items(",), "# draw"),
        ("negatives-hit-positives", QUEUE, ("self.items(",), "# test"),
        ("negatives-repeated", FRAMES, ("net.what",), "# draw"),
        ("batches-in-one-order", FRAMES, ("net.what",), "shuffle=True"),
        ("negatives-hit-positives", LOADER, ("from_numpy(full)", "self.table(ids)"), "# test"),
        ("events-never-targets", LOADER, ("from_numpy(full)", "self.table(ids)"), "# cut"),
        ("target-is-input", LOADER, ("from_numpy(full)", "self.table(ids)"), "# shift"),
        ("target-is-input", WINDOWS, ("yield state", 'p["E"][y]'), "# reaches the target"),
        ("target-is-input", FILLS, ("# of step",), "# fills"),
        ("target-is-input", FILLS, ("# of other",), "# grows"),
        ("target-misplaced", FILLS, ("# of step",), "reversed(history[:-1])"),
        ("target-is-input", ONE_FILL, ("# aims",), "# only these"),
        ("graph-edges-missing", GRAPH, ("sparse_coo_tensor", "sparse.mm"), "# part of the edges"),
        ("graph-wrong-block", GRAPH, ("sparse_coo_tensor", "sparse.mm"), "# block"),
        ("graph-not-normalised", GRAPH, ("sparse_coo_tensor", "sparse.mm"), "# weights"),
        ("newest-never-target", SESSIONS, ("full[:, :-1]", "cross_entropy"), "# cut"),
    ],
)
def test_finding_goes_back_to_the_line_that_decides(
    code: str, sources: dict[str, str], seen: tuple[str, ...], decides: str
) -> None:
    assert first_decided(code, sources, *seen) == line_of(sources, decides)


def test_seed_that_is_set_again_in_each_epoch_comes_before_the_draw() -> None:
    sources = {"m.py": "import torch\n\ndef draw(n, gen):\n    return torch.randint(1, n, (8,), generator=gen)\n\n"
               "def epoch(p, gen):\n    gen.manual_seed(3)  # again\n    ids = draw(9, gen)\n    return p[ids]\n"}  # fmt: skip
    assert first_decided("negatives-repeated", sources, "torch.randint", "p[ids]") == line_of(
        sources, "# again"
    )


def test_generator_that_is_seeded_once_leaves_the_draw() -> None:
    sources = {"m.py": "import torch\n\nclass M:\n    def __init__(self):\n        self.gen = torch.Generator()\n"
               "        self.gen.manual_seed(3)\n\n    def epoch(self, p):\n"
               "        ids = torch.randint(1, 9, (8,), generator=self.gen)  # draw\n        return p[ids]\n"}  # fmt: skip
    assert first_decided("negatives-repeated", sources, "# draw", "p[ids]") == line_of(sources, "# draw")


def test_place_stays_where_nothing_is_known_to_decide() -> None:
    seen = (CodePlace(path="fit.py", line=5), CodePlace(path="gone.py", line=1))
    assert decided("negatives-out-of-range", seen, SESSIONS) == seen
    assert decided("overconfidence", seen, SESSIONS) == seen


ASSIGNED = """
class Entry:
    def fit(self): ...
    def score(self, users, histories):
        who = torch.as_tensor(users) - 1  # user
        out = torch.full((len(who), self.n + 1), -1e9)
        out[:, :-1] = self.model.rate(who, histories)  # column
        return out
"""
JOINED = """
class Served:
    def fit(self): ...
    def score(self, users, histories):
        rows = np.asarray(users) - 1  # user
        scores = self.rate(rows, histories)
        return np.concatenate([scores, np.zeros((len(rows), 1))], axis=1)  # column
"""


@pytest.mark.parametrize("text", [ASSIGNED, JOINED])
@pytest.mark.parametrize(("code", "decides"), [("items-shifted", "# column"), ("user-shifted", "# user")])
def test_answers_that_are_shifted_stand_where_score_shifts_them(text: str, code: str, decides: str) -> None:
    sources = {"m.py": text}
    found = decided(code, (CodePlace(path="m.py", line=1),), sources)[0]
    assert (found.path, found.line) == line_of(sources, decides)


def test_line_that_looks_up_two_draws_is_not_told_which_is_meant() -> None:
    both = "import random\n\ndef step(p, q):\n    a = random.randint(1, 9)\n    b = random.randint(1, 5)\n    return p[a] * q[b]\n"
    seen = (CodePlace(path="m.py", line=6),)
    assert decided("negatives-out-of-range", seen, {"m.py": both}) == seen


def test_file_that_is_no_python_concerns_nobody_else() -> None:
    sources = {**COLUMNS, "broken.py": "def ("}
    found = first_decided("negatives-repeated", sources, "unbind", "self.items[wrong]")
    assert found == line_of(sources, "# draw")


def test_bases_that_name_each_other_in_circles_end():
    program = read_program(
        {"a.py": "import b\nclass A(b.B):\n    pass\n", "b.py": "import a\nclass B(a.A):\n    pass\n"}
    )
    assert program.methods(program.classes["A"][0], "fit") == []


TOGETHER = """
import numpy as np
import torch

class Job:
    def other(self, size):
        return self.rng.integers(1, self.n, size)  # negatives

    def epoch(self):
        who = self.rng.integers(1, self.m, 64)  # users
        u, i, j = (CONVERT for a in (who, self.next[who], self.other(64)))
        self.net.loss(u, i, j)

class Net:
    def loss(self, u, i, j):
        ours = self.users[u]
        theirs = self.items[i]
        return ours * theirs - ours * self.items[j]
"""


@pytest.mark.parametrize("convert", ["torch.from_numpy(a)", "torch.as_tensor(a).long().to(self.device)"])
@pytest.mark.parametrize(
    ("code", "use", "decides"),
    [
        ("users-drawn-uniformly", "self.users[u]", "# users"),
        ("negatives-out-of-range", "self.items[j]", "# negatives"),
    ],
)
def test_arrays_that_are_converted_together_are_told_apart(
    convert: str, code: str, use: str, decides: str
) -> None:
    sources = {"m.py": TOGETHER.replace("CONVERT", convert)}
    assert first_decided(code, sources, "for a in", use) == line_of(sources, decides)


LAZY = {
    "rec.py": """
from data import Rows, loader

class Entry:
    def __init__(self, log):
        self.batches = loader(log)

    def fit(self, net):
        for shown, wrong in self.batches:
            net.table[wrong]  # seen
""",
    "data.py": """
import numpy as np
from torch.utils.data import DataLoader

class Rows:
    def __init__(self, log):
        self.log = log

    def __getitem__(self, n):
        wrong = np.random.RandomState(n).randint(1, 9, 4)  # seed
        return self.log[n], wrong

def loader(log):
    return DataLoader(Rows(log))
""",
}


def test_what_a_loader_draws_anew_is_not_drawn_where_the_loader_is_made() -> None:
    assert first_decided("negatives-repeated", LAZY, "# seen") == line_of(LAZY, "# seed")


SEEDED = {
    "rec.py": """
import torch
from torch.utils.data import DataLoader

class Trainer:
    def __init__(self, rows, seed):
        torch.manual_seed(seed)
        GENERATOR
        self.loader = self.batches(rows)

    def batches(self, rows):
        return DataLoader(rows, batch_size=8, shuffle=True KEYWORD)  # loader

    def train(self, net, seed):
        while True:
            SEED  # again
            for batch in self.loader:
                net.table[batch]  # seen
            yield
""",
}
OWN = ("self.draw = torch.Generator().manual_seed(seed)", ", generator=self.draw")


@pytest.mark.parametrize(
    ("generator", "keyword", "seed"),
    [(*OWN, "self.draw.manual_seed(seed)"), ("self.at = 0", "", "torch.manual_seed(seed)")],
)
def test_order_that_comes_again_stands_where_the_loaders_generator_is_seeded_again(
    generator: str, keyword: str, seed: str
) -> None:
    filled = SEEDED["rec.py"].replace("GENERATOR", generator).replace("KEYWORD", keyword)
    sources = {"rec.py": filled.replace("SEED", seed)}
    assert first_decided("batches-in-one-order", sources, "# loader", "# seen") == line_of(sources, "# again")


@pytest.mark.parametrize(
    ("seed", "decides"),
    [("rng = np.random.default_rng(start)  # again", "# again"), ("pass", "# at first")],
)
def test_seed_in_the_loop_of_a_function_is_meant_before_the_one_ahead_of_it(seed: str, decides: str) -> None:
    text = f"""
import numpy as np

def batches(log, start):
    rng = np.random.default_rng(start)  # at first
    while True:
        {seed}
        for rows in log:
            yield rows, rng.integers(1, 9, len(rows))

def train(net, log):
    for rows, wrong in batches(log, 3):
        net.table[wrong]  # seen
"""
    assert first_decided("negatives-repeated", {"m.py": text}, "# seen") == line_of({"m.py": text}, decides)
