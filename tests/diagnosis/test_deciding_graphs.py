"""From the product that reads a graph back to where its edges are left out, put into blocks and weighed."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.findings import CodePlace
from tests.diagnosis.marked import line_of

THINNED = {
    "data.py": """
import numpy as np
import scipy.sparse as sp

class Log:
    def __init__(self, users, items, n):
        self.users, self.items = users[:TRAINED], items[:TRAINED]
        self.met = sp.csr_matrix((np.ones(len(users)), (self.users, self.items)), shape=(n, n))

    def graph(self):
        whole = sp.lil_matrix((self.n_users + self.n_items, self.n_users + self.n_items))
        whole[: self.n_users, self.n_users :] = self.met  # block
        return whole.tocoo()  # handed out
""",
    "net.py": """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, log):
        super().__init__()
        self.register_buffer("edges", self.sparse(log.graph()))

    @staticmethod
    def sparse(matrix):
        ends = torch.tensor([matrix.row.tolist(), matrix.col.tolist()])
        return torch.sparse_coo_tensor(ends, torch.tensor(matrix.data), matrix.shape)

    def thinned(self, edges, rate):
        draw = torch.rand(edges.values().numel())
        kept = draw >= rate  # random
        ends, values = edges.indices()[:, kept], edges.values()[kept]
        return torch.sparse_coo_tensor(ends, values / (1 - rate), edges.shape)  # made

    def forward(self):
        edges = self.edges
        if self.training:
            edges = self.thinned(edges, 0.1)
        nodes = torch.cat([self.users, self.items])
        for _ in range(2):
            nodes = torch.sparse.mm(edges, nodes)  # product
        return nodes
""",
}
JOINED = {
    "run.py": """
import torch

def train(log, nodes):
    heads = torch.cat([log.users, log.items])
    tails = torch.cat([log.items, log.users])  # block
    ends = torch.stack([heads, tails])
    weights = torch.ones(len(heads))  # handed out
    graph = torch.sparse_coo_tensor(ends, weights, (log.n_users + log.n_items, log.n_users + log.n_items))  # made
    return torch.sparse.mm(graph, nodes)  # product
""",
}
NUMBERED = {
    "run.py": """
import torch

def train(log, nodes):
    behind = log.items + log.n_users  # block
    ends = torch.stack([torch.cat([log.users, behind]), torch.cat([behind, log.users])])
    graph = torch.sparse_coo_tensor(ends, torch.ones(ends.shape[1]), size=(9, 9))  # made
    return torch.sparse.mm(graph, nodes)  # product
""",
}


ENTERED_ONCE = {
    "run.py": """
import torch

def train(us, its, n_users, nodes):
    rows = torch.as_tensor(us) - 1
    cols = torch.as_tensor(its) - 1 + n_users
    ix = torch.stack([rows, cols])  # block
    graph = torch.sparse_coo_tensor(ix, torch.ones(ix.shape[1]), (9, 9))  # made
    return torch.sparse.mm(graph, nodes)  # product
""",
}


def first(code: str, sources: dict[str, str], **details: bool) -> tuple[str, int]:
    seen = [
        CodePlace(path=path, line=n)
        for path, n in (line_of(sources, "# made"), line_of(sources, "# product"))
    ]
    best = decided(code, seen, sources, details)[0]
    return best.path, best.line


@pytest.mark.parametrize("sources", [THINNED, JOINED, NUMBERED])
@pytest.mark.parametrize("code", ["graph-wrong-block", "graph-one-way"])
def test_edges_lie_where_they_are_put_into_blocks(code: str, sources: dict[str, str]) -> None:
    assert first(code, sources) == line_of(sources, "# block")


@pytest.mark.parametrize("sources", [THINNED, JOINED])
def test_edges_weigh_what_the_matrix_was_given_that_they_are_taken_from(sources: dict[str, str]) -> None:
    assert first("graph-not-normalised", sources) == line_of(sources, "# handed out")


def test_edges_of_one_direction_lie_where_their_ends_are_put_side_by_side() -> None:
    assert first("graph-one-way", ENTERED_ONCE) == line_of(ENTERED_ONCE, "# block")


def test_edges_that_are_missing_for_good_are_not_left_out_by_what_each_step_draws() -> None:
    whole = {path: text.replace("[:TRAINED]", "") for path, text in THINNED.items()}
    assert first("graph-edges-missing", whole, lasting=True) == line_of(whole, "# block")
    assert first("graph-edges-missing", THINNED, lasting=True) == line_of(THINNED, "[:TRAINED]")


def test_edges_that_are_drawn_once_are_left_out_by_the_draw() -> None:
    whole = {path: text.replace("[:TRAINED]", "") for path, text in THINNED.items()}
    assert first("graph-edges-missing", whole) == line_of(whole, "# random")
