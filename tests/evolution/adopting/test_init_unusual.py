"""What strangers' programs keep and do in unusual places: tables, graphs, losses, folders, counts, epochs."""

from pathlib import Path

import pytest

from evolution.adopting.adapter_text import adapter_text
from evolution.adopting.findings_of_repo import look_at
from tests.evolution.adopting.test_init_asked import HEAD, MAIN, PAIRS, READING, TABLES, code_of, drafted


@pytest.mark.parametrize("loss", ["model(*batch)", "criterion(model(*batch))"])
def test_what_is_differentiated_as_it_is_scores_nothing(tmp_path: Path, loss: str) -> None:
    net = (
        TABLES
        + "        self.top = nn.Linear(8, 1)\n    def forward(self, user, item):\n        both = self.user_emb(user) * self.item_emb(item)\n"
    )
    (tmp_path / "net.py").write_text(HEAD + net + "        return self.top(both).mean()\n")
    whole = MAIN.format(reading=READING, default=", default='log.txt'").replace(
        "model.loss(model(*batch))", loss
    )
    (tmp_path / "main.py").write_text(whole)
    assert code_of(look_at(tmp_path)) == ("" if loss == "model(*batch)" else "kit.scores.by_pairs(None)")


def test_tables_that_are_bare_parameters_are_multiplied_as_a_method_does(tmp_path: Path) -> None:
    net = (
        "    def __init__(self, n_users, n_items):\n        super().__init__()\n        self.P = nn.Parameter(torch.empty(n_users, 8))\n"
        "        self.Q = nn.Parameter(torch.randn((n_items, 8)) * 0.1)\n"
        "    def forward(self, u, i, j):\n        return -((self.P[u, :] * (self.Q[i, :] - self.Q[j, :])).sum(1)).sigmoid().log().sum()\n"
        "    def recommend(self, u):\n        rows = self.P[u, :]\n        told = torch.mm(rows, self.Q.t())\n        return told.argsort(1)\n"
    )
    (tmp_path / "net.py").write_text(HEAD + net)
    whole = MAIN.format(reading=READING, default=", default='log.txt'").replace(
        "model.loss(model(*batch))", "model(*batch)"
    )
    (tmp_path / "main.py").write_text(whole)
    assert code_of(look_at(tmp_path)) == 'kit.scores.matrix(users="P", items="Q")'


def test_a_graph_that_the_program_hands_to_its_model_is_handed_when_it_is_asked(tmp_path: Path) -> None:
    net = (
        TABLES
        + "    def forward(self, adj):\n        both = torch.sparse.mm(adj, torch.cat([self.user_emb.weight, self.item_emb.weight]))\n"
        "        user_vectors, item_vectors = torch.split(both, [10, 20])\n        return user_vectors, item_vectors\n"
    )
    (tmp_path / "net.py").write_text(HEAD + net)
    whole = MAIN.format(reading=READING, default=", default='log.txt'")
    (tmp_path / "main.py").write_text(whole.replace("model.loss(model(*batch))", "bpr(model(graph), batch)"))
    told = 'lambda model: model(run["graph"])'
    assert code_of(look_at(tmp_path)) == f"kit.scores.matrix(users={told}[0], items={told}[1])"


def test_a_table_that_is_called_positional_tells_the_length_of_histories(tmp_path: Path) -> None:
    net = (
        "    def __init__(self, n_users, n_items):\n        super().__init__()\n        self.item_emb = nn.Embedding(n_items, 8)\n"
        "        self.positional = nn.Embedding(40, 8)\n"
        "    def forward(self, seqs):\n        x = self.item_emb(seqs) + self.positional(torch.arange(40))\n        return x.sum(1) @ self.item_emb.weight.T\n"
    )
    numbering = drafted(tmp_path, net).numbering
    assert numbering is not None and numbering.length == 40


@pytest.mark.parametrize(("given", "told"), [("self.handler.graph", True), ("graph", False)])
def test_a_graph_that_the_evaluation_hands_over_is_one_that_the_trainer_holds(
    given: str, told: bool, tmp_path: Path
) -> None:
    net = (
        TABLES
        + "    def forward_gcn(self, adj):\n        both = torch.sparse.mm(adj, torch.cat([self.user_emb.weight, self.item_emb.weight]))\n"
        "        return both[:args.user], both[args.user:]\n    def loss(self, batch, adj):\n        return self.forward_gcn(adj)[0][batch].sum()\n"
    )
    (tmp_path / "net.py").write_text(HEAD + net)
    head, _, loop = MAIN.format(reading=READING, default=", default='log.txt'").partition("for epoch in")
    body = "".join(
        f"        {line}\n" for line in ("for epoch in" + loop).replace("model", "self.model").split("\n")
    )
    trainer = (
        f"class Coach:\n    def __init__(self, model, handler):\n        self.model, self.handler = model, handler\n    def run(self):\n{body}"
        f"    def test_epoch(self, graph):\n        users, items = self.model.forward_gcn({given})\n        return users @ items.T\n\nCoach(model, rows).run()\n"
    )
    (tmp_path / "main.py").write_text(
        head + trainer.replace("self.model.loss(self.model(*batch))", "self.model.loss(batch, None)")
    )
    code = code_of(look_at(tmp_path))
    asked = 'lambda model: model.forward_gcn(run["self.handler.graph"])'
    assert code == (f"kit.scores.matrix(users={asked}[0], items={asked}[1])" if told else "")


def test_a_loop_over_all_that_a_loader_gives_is_no_loop_over_epochs(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(HEAD + PAIRS)
    whole = MAIN.format(reading=READING, default=", default='log.txt'")
    flat = whole.replace(
        "for epoch in range(7):\n    for batch in batches(rows):",
        "from torch.utils.data import DataLoader\nrows = DataLoader(rows)\nif rows:\n    for batch in rows:",
    )
    assert flat != whole
    (tmp_path / "main.py").write_text(flat)
    assert "every=100," in adapter_text(look_at(tmp_path))


def test_a_folder_beside_the_repo_lies_in_the_new_folder(tmp_path: Path) -> None:
    reading = READING.replace("args.data", "'../datasets/' + args.data + '/train.tsv'")
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading, default=", default='sample'"))
    assert 'write_events("evolverec_data/sample/train.tsv"' in text
    assert 'paths={"../datasets/": "evolverec_data/"}' in text


def test_a_pickle_of_named_parts_is_a_gap_that_names_them(tmp_path: Path) -> None:
    reading = "import pickle\nwith open(args.data, 'rb') as f:\n    told = pickle.load(f)\nrows, n = told['pairs'], told['n_users']"
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading))
    assert "which has pairs, n_users, with kit.write_events" in text and "kind=" not in text


def test_a_program_that_counts_the_items_it_meets_is_written_ids_without_gaps(tmp_path: Path) -> None:
    reading = (
        "import pandas as pd\nframe = pd.read_csv(args.data, names=['user', 'item', 'rating'])\nn_items = frame.item.unique().shape[0]\n"
        "for row in frame.itertuples():\n    rows[row[1] - 1, row[2] - 1] = row[3]"
    )
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading))
    assert (
        'ids=kit.Ids(data, order="sorted"))' in text
        and 'kit.Ids(data, users=0, items=0, order="sorted"' in text
    )


@pytest.mark.parametrize(
    ("signature", "product", "asked"),
    [
        ("user_ids, item_ids", "torch.matmul(u, i.transpose(0, 1))", "model.calc_score(users, items)"),
        ("item_ids, user_ids", "i @ u.T", "model.calc_score(items, users).T"),
        ("user_ids, item_ids", "(u * i).sum(-1)", ""),
        ("user_ids, item_ids", "torch.bmm(u, i.transpose(1, 2))", ""),
    ],
)
def test_a_method_that_multiplies_all_users_with_all_items_is_asked_for_rows(
    signature: str, product: str, asked: str, tmp_path: Path
) -> None:
    net = (
        TABLES
        + f"    def calc_score(self, {signature}):\n        u, i = self.user_emb(user_ids), self.item_emb(item_ids)\n"
        f"        score = {product}\n        return score\n"
        "    def loss(self, user_ids, liked, others):\n        return -self.calc_score(user_ids, liked).mean()\n"
    )
    code = code_of(drafted(tmp_path, net))
    rows = f"kit.scores.by_items(lambda model: lambda users, histories, items: {asked}, tensors=True)"
    assert code == (rows if asked else 'kit.scores.by_pairs("calc_score")')


def test_a_folder_that_a_constant_names_is_read_from_where_the_program_stands(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    reading = "import config\nrows = []\nfor line in open(config.DATA):\n    u, i = line.split('\\t')\n    rows.append((u, i))"
    (tmp_path / "src" / "config.py").write_text("HOME = '/home/somebody/logs/'\nDATA = HOME + 'log.tsv'\n")
    drafted(tmp_path / "src", PAIRS, reading=reading)
    (tmp_path / "README.md").write_text("    cd src\n    python main.py\n")
    text = adapter_text(look_at(tmp_path))
    assert 'cwd="src"' in text and 'values={"src/config.py:HOME": "evolverec_data/"}' in text
    assert 'write_events("src/evolverec_data/log.tsv"' in text


PRETRAINED = """import numpy as np
class Loader:
    def __init__(self, args):
        self.rows = []
        for line in open("log.txt"):
            u, i = line.split('\t')
            self.rows.append((u, i))
        if args.use_pretrain == 1:
            self.read_vectors()
    def read_vectors(self):
        self.vectors = np.load("vectors/mf.npz")
rows = Loader(args).rows
"""


@pytest.mark.parametrize("there", [True, False])
def test_vectors_that_nobody_has_here_are_not_asked_for(there: bool, tmp_path: Path) -> None:
    if there:
        (tmp_path / "vectors").mkdir()
        (tmp_path / "vectors" / "mf.npz").write_bytes(b"PK")
    default = ", default='log.txt')\nparser.add_argument('--use_pretrain', type=int, default=1"
    text = adapter_text(drafted(tmp_path, PAIRS, reading=PRETRAINED, default=default))
    assert ('"--use_pretrain=0"' in text) == (not there)
    assert there or "mf.npz" not in text


def test_a_library_of_a_branch_that_is_not_taken_may_be_missing(tmp_path: Path) -> None:
    sets = (
        "import lmdb\nimport msgpack\nimport pandas as pd\nclass Cached:\n    def __init__(self):\n        self.rows = lmdb.open('x')\n"
        "class Plain:\n    def __init__(self):\n        self.rows = []\n        for line in open('log.txt'):\n"
        "            u, i = line.split('\\t')\n            self.rows.append((msgpack.unpackb(u), i))\n"
    )
    (tmp_path / "sets.py").write_text(sets)
    reading = "from sets import Cached, Plain\nkind = 'plain'\nif kind == 'cached':\n    rows = Cached().rows\nelse:\n    rows = Plain().rows"
    assert 'stubs=("lmdb",)' in adapter_text(drafted(tmp_path, PAIRS, reading=reading))


def test_branches_that_ask_for_each_other_end(tmp_path: Path) -> None:
    """Each test hangs on all the others: followed without end, forty of them take longer than anybody waits."""
    turns = "".join(
        f"def f{n}(a=1):\n"
        + "".join(f"    if a == f{m}(a):\n        a = f{m}(a + 1)\n" for m in range(40))
        + "    return a\n"
        for n in range(40)
    )
    (tmp_path / "turns.py").write_text(turns)
    reading = "from turns import f0\nname = 'log.txt' if f0() else 'other.txt'\n" + READING.replace(
        "args.data", "name"
    )
    assert "log.txt" in adapter_text(drafted(tmp_path, PAIRS, reading=reading))
