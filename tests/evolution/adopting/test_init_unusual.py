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
