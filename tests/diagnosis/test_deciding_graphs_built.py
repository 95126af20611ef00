"""Findings on a graph go back to what builds its entries: through buffers, conversions, and the thinning of each step."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.findings import CodePlace

MODEL = """
import torch
class Net(torch.nn.Module):
    def __init__(self, graph):
        super().__init__()
        self.register_buffer('graph', self.sparse(graph))

    @staticmethod
    def sparse(X):
        i = torch.tensor([X.row.tolist(), X.col.tolist()])
        v = torch.tensor(X.data, dtype=torch.float)
        return torch.sparse_coo_tensor(i, v, X.shape).coalesce()

    def thinned(self, x, rate):
        keep = torch.rand(x.values().numel()) >= rate
        return torch.sparse_coo_tensor(x.indices()[:, keep], x.values()[keep] / (1 - rate), x.shape)  # seen

    def forward(self, nodes):
        graph = self.graph
        if self.training:
            graph = self.thinned(graph, 0.1)
        return torch.sparse.mm(graph, nodes)  # used
"""
DATA = """
import numpy as np
import scipy.sparse as sp
from model import Net

class Data:
    def __init__(self, users, items, n_users, n_items):
        self.users, self.items, self.n_users, self.n_items = users, items, n_users, n_items
        self.R = sp.csr_matrix((np.ones(len(users)), (users, items)), shape=(n_users, n_items))

    def graph(self):
        BUILD

def build(data):
    log = Data(data.users, data.items, data.n_users, data.n_items)
    return Net(log.graph())
"""
BLOCKS = "A = sp.bmat([[None, self.R], [self.R.T, None]], format='csr')"
ROOTS = f"""{BLOCKS}
        degree = np.asarray(A.sum(axis=1)).flatten()
        d = sp.diags(np.power(degree, 0.5))  # decides
        return d.dot(A).dot(d).tocoo()"""
STARRED = f"""{BLOCKS}
        degree = np.asarray(A.sum(axis=1)).flatten()
        d = sp.diags(degree ** 0.5)  # decides
        return (d @ A @ d).tocoo()"""
JOINED = """row = np.concatenate([self.users, self.items])
        col = np.concatenate([self.items, self.users])  # decides
        n = self.n_users + self.n_items
        return sp.coo_matrix((np.ones(len(row)), (row, col)), shape=(n, n))"""
STACKED = """row = np.hstack((self.users, self.items))
        col = np.hstack((self.items, self.users))  # decides
        return sp.coo_matrix((np.ones(len(row)), (row, col)), shape=(self.n_users + self.n_items,) * 2)"""
HALF = """A = sp.lil_matrix((self.n_users + self.n_items, self.n_users + self.n_items))
        A[:self.n_users, self.n_users:] = self.R  # decides
        return A.tocoo()"""


@pytest.mark.parametrize(
    ("code", "built"),
    [
        ("graph-not-normalised", f"{BLOCKS}\n        return A.tocoo()  # decides"),
        ("graph-not-normalised", ROOTS),
        ("graph-not-normalised", STARRED),
        ("graph-wrong-block", JOINED),
        ("graph-wrong-block", STACKED),
        ("graph-one-way", HALF),
    ],
)
def test_finding_on_a_graph_goes_back_to_what_builds_its_entries(code: str, built: str) -> None:
    sources = {"model.py": MODEL, "data.py": DATA.replace("BUILD", built)}
    seen = tuple(CodePlace(path="model.py", line=_line(MODEL, mark)) for mark in ("# seen", "# used"))
    first = decided(code, seen, sources)[0]
    assert (first.path, first.line) == ("data.py", _line(sources["data.py"], "# decides"))


def test_part_of_the_log_that_becomes_edges_is_cut_where_the_log_is_handed_on() -> None:
    whole = "log = Data(data.users, data.items,"
    part = "log = Data(data.users[:900], data.items[:900],"
    data = DATA.replace("BUILD", f"{BLOCKS}\n        return A.tocoo()").replace(whole, part)
    seen = tuple(CodePlace(path="model.py", line=_line(MODEL, mark)) for mark in ("# seen", "# used"))
    first = decided("graph-edges-missing", seen, {"model.py": MODEL, "data.py": data})[0]
    assert (first.path, first.line) == ("data.py", _line(data, part))


SEEDED = """
import numpy as np

def batches(log, seed, queue):
    rng = np.random.RandomState(seed)
    users = np.arange(1, 50)
    while True:
        START
        users = rng.permutation(users)
        for u in users:
            queue.put(rng.randint(1, 9, size=4))

def step(table, queue):
    return table[queue.get()]
"""


@pytest.mark.parametrize("start", ["rng = np.random.RandomState(seed)", "rng.seed(seed)"])
def test_generator_that_starts_anew_in_a_loop_is_the_one_that_is_told(start: str) -> None:
    text = SEEDED.replace("START", f"{start}  # decides")
    seen = (
        CodePlace(path="m.py", line=_line(text, "rng.randint")),
        CodePlace(path="m.py", line=_line(text, "table[")),
    )
    first = decided("negatives-repeated", seen, {"m.py": text})[0]
    assert first.line == _line(text, "# decides")


def _line(text: str, mark: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if mark in line)
