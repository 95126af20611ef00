"""How a draft reads a program's numbering and its own split: results that are unpacked, columns, masks, orders."""

from pathlib import Path

import pytest

from evolution.adopting.adapter_text import adapter_text
from tests.evolution.adopting.test_init_asked import PAIRS, drafted

FRAME = "import pandas as pd\nframe = pd.read_csv(args.data, names=['user', 'item', 'time'])\n"
TABLE = "import numpy as np\ntable = np.loadtxt(args.data, dtype=int)\n"
CATALOG = """class Catalog:
    def __init__(self):
        self.people: dict = {}
        self.products: dict = {}
    def product(self, name):
        return self.products.setdefault(name, len(self.products) + FIRST)
    def user(self, name):
        self.users = getattr(self, "users", {})
        return self.users.setdefault(name, len(self.users))
"""
READ = """def read(path):
    known, found = Catalog(), []
    for line in open(path):
        u, i = line.split("\t")
        found.append((known.user(u), known.product(i)))
    return found, known
rows, catalog = read(args.data)
"""


@pytest.mark.parametrize(("first", "padding"), [(0, 'padding="n"'), (1, "")])
def test_dicts_of_an_object_that_is_one_of_several_results_are_read_while_the_program_runs(
    tmp_path: Path, first: int, padding: str
) -> None:
    reading = CATALOG.replace("FIRST", str(first)) + READ
    net = (
        "    def __init__(self, n_items):\n        super().__init__()\n        self.item_emb = nn.Embedding(n_items, 8)\n"
        "    def forward(self, seqs):\n        return self.item_emb(seqs).sum(1) @ self.item_emb.weight.T\n"
    )
    numbering = drafted(tmp_path, net, reading=reading).numbering
    assert numbering is not None
    assert (numbering.user_map, numbering.item_map) == ("catalog.users", "catalog.products")
    assert numbering.padding == ("n" if padding else 0)


def test_a_dict_that_is_one_of_several_results_is_read_under_its_name_there(tmp_path: Path) -> None:
    reading = (
        "def read(path):\n    item_map, told = {}, []\n    for line in open(path):\n        u, i = line.split('\\t')\n"
        "        if i not in item_map:\n            item_map[i] = len(item_map) + 1\n        told.append((u, item_map[i]))\n"
        "    return told, item_map\nrows, vocabulary = read(args.data)\n"
    )
    numbering = drafted(tmp_path, PAIRS, reading=reading).numbering
    assert numbering is not None and numbering.item_map == "vocabulary"


@pytest.mark.parametrize(
    ("sorting", "order"),
    [
        ("frame = frame.sort_values('time')", "time"),
        ("frame = frame.sort_values(by=['time', 'user'])", "time"),
        ("frame = frame.sort_values(['user', 'time'])", "appearance"),
        ("told = [one.sort_values('time') for _, one in frame.groupby('user')]", "appearance"),
        ("", "appearance"),
    ],
)
def test_items_that_are_numbered_as_they_come_are_numbered_in_the_order_of_the_rows(
    tmp_path: Path, sorting: str, order: str
) -> None:
    reading = f"{FRAME}{sorting}\nframe['item'] = pd.factorize(frame['item'])[0]\nrows = frame.values"
    numbering = drafted(tmp_path, PAIRS, reading=reading).numbering
    assert numbering is not None and numbering.order == order


@pytest.mark.parametrize(
    ("change", "down"),
    [
        ("table[:, :2] -= 1", True),
        ("table[:, 0:2] = table[:, 0:2] - 1", True),
        ("table[:, [0, 1]] -= 1", True),
        ("table[:, 2:] -= 1", False),
        ("table[1:, :2] -= 1", False),
        ("table[:, :2] -= 2", False),
    ],
)
def test_columns_of_ids_that_are_counted_down_are_written_from_1(
    tmp_path: Path, change: str, down: bool
) -> None:
    numbering = drafted(tmp_path, PAIRS, reading=f"{TABLE}{change}\nrows = table").numbering
    assert numbering is not None and numbering.counted_down == down


@pytest.mark.parametrize(
    ("split", "held"),
    [
        ("last = np.append(table[1:, 0] != table[:-1, 0], True)\ntrain, rest = table[~last], table[last]", 1),
        (
            "who = table[:, 0]\nends = np.r_[who[:-1] != who[1:], True]\ntest = table[ends]\ntrain = table[~ends]",
            1,
        ),
        ("first = np.append(True, table[1:, 0] != table[:-1, 0])\nrows = table[first]", 0),
        ("last = np.append(table[1:, 0] != table[:-1, 1], True)\ntrain = table[last]", 0),
    ],
)
def test_a_split_by_where_the_next_row_is_anothers_is_seen(tmp_path: Path, split: str, held: int) -> None:
    assert drafted(tmp_path, PAIRS, reading=f"{TABLE}{split}\nrows = table").held_out[0] == held


@pytest.mark.parametrize(
    ("split", "held"),
    [
        ("test = frame.groupby('user').tail(1)\ntrain = frame.drop(test.index)", 1),
        ("valid = frame.sort_values('time').groupby('user').tail(2)", 2),
        ("last = ~frame.duplicated('user', keep='last')\ntrain, test = frame[~last], frame[last]", 1),
        ("recent = frame.groupby('user').tail(50)", 0),
        ("test = frame.tail(1)", 0),
    ],
)
def test_a_split_by_the_end_of_each_group_is_seen(tmp_path: Path, split: str, held: int) -> None:
    found = drafted(tmp_path, PAIRS, reading=f"{FRAME}{split}\nrows = frame.values")
    assert found.held_out[0] == held
    assert (f"held_out={held}" in adapter_text(found)) == bool(held)


@pytest.mark.parametrize(
    ("signature", "asked"),
    [
        ("self, visitors, last", 'kit.scores.by_last("score_all", with_users=True)'),
        ("self, last_item", 'kit.scores.by_last("score_all")'),
        (
            "self, prev_item, user_ids",
            "kit.scores.by_last(lambda model: lambda user, last: model.score_all(last, user), with_users=True)",
        ),
    ],
)
def test_a_model_of_the_newest_item_needs_no_padding(tmp_path: Path, signature: str, asked: str) -> None:
    net = (
        "    def __init__(self, n_items):\n        super().__init__()\n        self.item_emb = nn.Embedding(n_items, 8)\n"
        f"    def score_all({signature}):\n        return self.item_emb.weight @ self.item_emb.weight.T\n"
    )
    found = drafted(tmp_path, net)
    assert found.way is not None and found.way.code == asked
    assert "padding=None" in adapter_text(found)
