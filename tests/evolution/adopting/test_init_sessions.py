"""Session recommenders: pickles of beginnings and what follows, packed histories, batches made by the program's own data."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from evolution.adopting.adapter_text import adapter_text
from evolution.adopting.findings_of_repo import Adoption
from tests.evolution.adopting.strangers import FLAT, imported, write_stranger
from tests.evolution.adopting.test_init_reading import HEAD, MODEL, STEP, repo_of, with_reading
from tests.evolution.adopting.test_kit_log import LOG

PAIRS = [
    "import pickle\nxs, targets = pickle.load(open(args.data, 'rb'))",
    "import pickle\nwith open(args.data, 'rb') as f:\n    rows = pickle.load(f)\nfor x, y in zip(rows[0], rows[1]):\n    pass",
    "import pickle\nclass Data:\n    def __init__(self, pair):\n        self.pair = pair\n    def __getitem__(self, at):\n        row = self.pair[0][at]\n"
    "        label = self.pair[1][at]\n        return row, label\nrows = pickle.load(open(args.data, 'rb'))\ndata = Data(rows)",
]  # fmt: skip
OTHERS = [
    "import pickle\nrows = pickle.load(open(args.data, 'rb'))\nfirst, second = rows[0], rows[1]",
    "import pickle\ntrain, valid = pickle.load(open(args.data, 'rb'))",
]


@pytest.mark.parametrize("reading", PAIRS)
def test_a_pickle_of_beginnings_and_what_follows_is_told_by_what_is_a_target(reading, tmp_path):
    (file,) = with_reading(tmp_path, reading).files
    assert file.format is not None
    assert file.format.kind == "sessions"


@pytest.mark.parametrize("reading", OTHERS)
def test_a_pickle_of_other_parts_is_none(reading, tmp_path):
    (file,) = with_reading(tmp_path, reading).files
    assert file.format is not None
    assert file.format.kind == "dict"


def test_the_kit_writes_each_beginning_with_the_item_that_follows(tmp_path):
    with imported(write_stranger(tmp_path / "repo", FLAT)) as kit:
        whole = kit.write_events("train.pkl", LOG, kind="sessions").read_bytes()
        last = kit.write_events("test.pkl", LOG, kind="sessions", last=1).read_bytes()
    assert pickle.loads(whole) == ([[4], [4, 1], [2]], [1, 2, 4])  # noqa: S301 - written a line above
    assert pickle.loads(last) == ([[4, 1], [2]], [2, 4])  # noqa: S301 - written a line above


def test_the_kit_asks_a_model_that_packs_in_its_order_and_gives_the_rows_as_they_came(tmp_path):
    asked = []

    def model(rows, lengths):
        asked.append((rows.tolist(), lengths))
        return torch.as_tensor(lengths)[:, None] * torch.ones(1, 6)

    with imported(write_stranger(tmp_path / "repo", FLAT)) as kit:
        score = kit.scores.by_packed(time_first=True, longest_first=True)
        told = score(model, None, np.array([[4, 0, 0], [1, 2, 0]]), kit.Ids(LOG, side="right"))
    assert asked == [([[1, 4], [2, 0]], [2, 1])]
    assert told[:, 0].tolist() == [1.0, 2.0]


PACKED = """
from torch import nn, matmul, arange
from torch.nn.utils.rnn import pack_padded_sequence
class Net(nn.Module):
    def __init__(self, n_users, n_items, d=8):
        super().__init__()
        self.emb = nn.Embedding(n_items, d, padding_idx=0)
        self.gru = nn.GRU(d, d)
    def forward(self, {parameters}):
        packed = pack_padded_sequence(self.emb(seq), lengths{given})
        state = self.gru(packed)[1][-1]
        {scored}
        return scores
"""
SCORED = ("scores = matmul(state, self.emb(arange(9)).permute(1, 0))", "scores = state @ self.emb.weight.T")


@pytest.mark.parametrize(
    ("parameters", "given", "expected"),
    [
        ("seq, lengths", "", "time_first=True, longest_first=True"),
        ("seq, lengths", ", batch_first=True", "longest_first=True"),
        ("lengths, seq", ", enforce_sorted=False", "time_first=True, lengths_first=True"),
    ],
)
@pytest.mark.parametrize("scored", SCORED)
def test_a_model_that_packs_is_asked_in_its_order(parameters, given, expected, scored, tmp_path):
    net = PACKED.format(parameters=parameters, given=given, scored=scored)
    main = f"{HEAD}rows = open(args.data).readlines()\n{MODEL}for epoch in range(args.epochs):{STEP}"
    text = adapter_text(repo_of(tmp_path, main=main, net=net))
    assert f"score=kit.scores.by_packed({expected})" in text
    assert 'side="right"' in text


GRAPH = """
import torch
from torch import nn
class Graph(nn.Module):
    def __init__(self, opt, n_node):
        super().__init__()
        self.n_node = n_node
        self.embedding = nn.Embedding(self.n_node, 8)
    def compute_scores(self, hidden, mask):
        table = self.embedding.weight[1:]
        return torch.matmul(hidden.sum(1), table.T)
    def forward(self, nodes, adjacency):
        return adjacency @ self.embedding(nodes)
def {function}(model, i, data):
    nodes, adjacency, mask, targets = data.slice_of(i)
    hidden = model(nodes, adjacency)
    return {returned}
def train(model, data):
    for i in range(3):
        {unpacked} = {function}(model, i, data)
        loss = nn.functional.cross_entropy(scores, targets - 1)
        loss.backward()
"""
DATA = """
class Sessions:
    def __init__(self, pair, shuffle=False):
        self.inputs, self.targets = pair[0], pair[1]
    def slice_of(self, i):
        return self.inputs[i]
"""
MAIN = """
import pickle
from types import SimpleNamespace
from graph import *
from data import Sessions
def main():
    train_data = Sessions(pickle.load(open("data/train.txt", "rb")), shuffle=True)
    if train_data:
        n_node = 43098
    else:
        n_node = 310
    model = Graph(None, n_node)
    for epoch in range(9):
        train(model, train_data)
main()
"""


@pytest.mark.parametrize(
    ("returned", "unpacked", "place"),
    [("targets, model.compute_scores(hidden, mask)", "targets, scores", "[1]"), ("model.compute_scores(hidden, mask), targets", "scores, targets", "[0]")],
)  # fmt: skip
def test_a_model_that_is_asked_by_a_function_beside_it(returned, unpacked, place, tmp_path):
    graph = GRAPH.format(function="forward", returned=returned, unpacked=unpacked)
    text = adapter_text(repo_of(tmp_path, main=MAIN, graph=graph, data=DATA))
    assert 'run["Sessions"]((rows, [1] * len(rows)), shuffle=False)' in text
    assert (
        f'torch.nn.functional.pad(run["forward"](model, np.arange(len(rows)), asked){place}, (1, 0))' in text
    )
    assert 'values={"main.py:main.n_node": data.n_items + 1}' in text


def test_numbers_of_items_that_the_program_counts_stay(tmp_path):
    graph = GRAPH.format(
        function="forward", returned="targets, model.compute_scores(hidden, mask)", unpacked="targets, scores"
    )
    counted = MAIN.replace("n_node = 310", "n_node = max(train_data.targets)")
    found: Adoption = repo_of(tmp_path, main=counted, graph=graph, data=DATA)
    assert found.sizes == ()


STEPWISE = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self, n_users, n_items, batch_size=16):
        super().__init__()
        self.batch_size = batch_size
        {buffer}
        self.gru = nn.GRU(n_items, 8)
        self.out = nn.Linear(8, n_items)
    def init_hidden(self):
        return torch.zeros(1, self.batch_size, 8)
    def forward(self, item, hidden):
        state, hidden = self.gru(item, hidden)
        return self.out(state), hidden
"""


@pytest.mark.parametrize(
    ("buffer", "expected"),
    [
        ("self.onehot = torch.FloatTensor(self.batch_size, n_items)", 'kit.scores.in_batches(score, "batch_size")'),
        ("self.register_buffer('onehot', torch.zeros(self.batch_size, n_items))", 'kit.scores.in_batches(score, "batch_size")'),
        ("self.dropout = nn.Dropout(0.1)", "score"),
    ],
)  # fmt: skip
def test_a_model_whose_buffers_are_as_long_as_a_batch_is_asked_in_such_batches(buffer, expected, tmp_path):
    main = f"{HEAD}rows = open(args.data).readlines()\n{MODEL}for epoch in range(args.epochs):{STEP}"
    found = repo_of(tmp_path, main=main, net=STEPWISE.format(buffer=buffer))
    assert found.way is not None
    assert found.way.code == expected


def test_the_kit_asks_in_batches_of_one_size(tmp_path):
    sizes = []

    def score(model, users, histories):
        sizes.append(len(users))
        return histories[:, :1] * np.ones((1, 6))

    with imported(write_stranger(tmp_path / "repo", FLAT)) as kit:
        ask = kit.scores.in_batches(score, "size")
        told = ask(SimpleNamespace(size=2), np.array([1, 2, 1]), np.array([[4], [1], [2]]), kit.Ids(LOG))
    assert sizes == [2, 2]
    assert told[:, 0].tolist() == [4.0, 1.0, 2.0]
