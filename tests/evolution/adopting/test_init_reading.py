"""How single questions are answered from code: in several styles each, as other programmers would have written it."""

from pathlib import Path

import pytest

from evolution.adopting.adapter_text import adapter_text
from evolution.adopting.findings_of_repo import Adoption, look_at

STEP = """
    for batch in batches(rows):
        loss = model(*batch).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
HEAD = """
import argparse, os, torch
from net import Net
parser = argparse.ArgumentParser()
parser.add_argument("--data", default="data/log.txt")
parser.add_argument("--epochs", type=int, default=7)
args = parser.parse_args()
"""
NET = """
from torch import nn
class Net(nn.Module):
    def __init__(self, n_users, n_items, d=8):
        super().__init__()
        self.users, self.items = nn.Embedding(n_users, d), nn.Embedding(n_items, d)
    def forward(self, user, item):
        return (self.users(user) * self.items(item)).sum(-1)
"""
MODEL = "model = Net(10, 20)\noptimizer = torch.optim.Adam(model.parameters())\n"


def repo_of(folder: Path, **files: str) -> Adoption:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return look_at(folder)


def with_reading(folder: Path, reading: str) -> Adoption:
    main = f"{HEAD}{reading}\n{MODEL}for epoch in range(args.epochs):{STEP}"
    return repo_of(folder, main=main, net=NET)


@pytest.mark.parametrize(
    ("reading", "kind", "columns", "sep"),
    [
        ("rows = [l.split('\\t') for l in open(args.data)]", "sequences", (), "\t"),
        ("rows = []\nfor line in open(args.data):\n    u, i, r, t = line.split('::')\n    rows.append((u, i))", "rows", ("user", "item", "rating", "time"), "::"),
        ("import pandas as pd\nrows = pd.read_csv(args.data, sep='|', names=['uid', 'movie', 'stars'])", "rows", ("user", "item", "rating"), "|"),
        ("import pandas as pd\nrows = pd.read_csv(args.data)\nrows = rows[['timestamp', 'user_id', 'item_id']]", "rows", ("user", "item", "time"), ","),
        ("import numpy as np\nrows = np.loadtxt(args.data, delimiter=',')\nx = rows[:, 2]", "rows", ("user", "item", "rating"), ","),
        ("import csv\nwith open(args.data) as f:\n    rows = [(r['visitor'], r['product']) for r in csv.DictReader(f, delimiter=';')]", "rows", ("user", "item"), ";"),
        ("import json\nrows = [json.loads(l) for l in open(args.data)]\nx = [(r['user'], r['asin'], r['ts']) for r in rows]", "jsonl", ("user", "item", "time"), ","),
        ("rows = {}\nwith open(args.data) as f:\n    for line in f:\n        parts = line.strip().split(' ')\n        rows[parts[0]] = [int(i) for i in parts[1:]]", "lists", (), " "),
        ("import pickle\nwith open(args.data, 'rb') as f:\n    rows = pickle.load(f)", "dict", (), " "),
    ],
)  # fmt: skip
def test_the_form_of_a_log_is_read_from_what_takes_it_apart(reading, kind, columns, sep, tmp_path):
    (file,) = with_reading(tmp_path, reading).files
    assert file.path == "data/log.txt"
    assert file.format is not None
    assert (file.format.kind, file.format.columns, file.format.sep) == (kind, columns, sep)


@pytest.mark.parametrize(
    "reading",
    [
        "path = os.path.join('data', 'log.txt')\nrows = open(path).readlines()",
        "folder = 'data'\nrows = open(f'{folder}/log.txt').readlines()",
        "rows = open('%s/%s.txt' % ('data', 'log')).readlines()",
        "rows = open('data/{}.txt'.format('log')).readlines()",
        "from pathlib import Path\nrows = (Path('data') / 'log.txt').open('r').readlines()",
        "def load(name, folder='data'):\n    return open(folder + '/' + name + '.txt').readlines()\nrows = load('log')",
        "HERE = os.path.dirname(os.path.abspath(__file__))\nrows = open(os.path.join(HERE, 'data', 'log.txt')).readlines()",
    ],
)
def test_a_path_is_followed_through_names_and_functions(reading, tmp_path):
    assert [file.path for file in with_reading(tmp_path, reading).files] == ["data/log.txt"]


def test_a_while_loop_a_method_and_a_module_level_loop_are_epochs(tmp_path):
    trainer = f"class Trainer:\n  def fit(self, model, optimizer, rows):\n   step = 0\n   while step < 9:{STEP.replace(chr(10), chr(10) + '   ')}\n"
    main = f"{HEAD}from trainer import Trainer\n{MODEL}Trainer().fit(model, optimizer, open(args.data).readlines())\n"
    found = repo_of(tmp_path, main=main, net=NET, trainer=trainer)
    assert found.program is not None
    assert found.program.end.loop == ("trainer.py", "Trainer.fit", "step")
    assert found.epochs == 0


def test_a_model_that_counts_its_rows_one_more_than_items_begins_with_1(tmp_path):
    main = f"{HEAD}rows = [l.split() for l in open(args.data)]\n{MODEL}for epoch in range(3):{STEP}"
    net = NET.replace("nn.Embedding(n_items, d)", "nn.Embedding(n_items + 1, d, padding_idx=0)")
    found = repo_of(tmp_path, main=main, net=net)
    assert found.numbering is not None
    assert (found.numbering.items, found.numbering.users) == (1, 0)


def test_what_is_not_found_is_an_error_that_says_what_to_fill_in(tmp_path):
    main = f"{HEAD}import loader\nrows = loader.rows()\n{MODEL}for epoch in range(3):{STEP}"
    text = adapter_text(repo_of(tmp_path, main=main, net=NET))
    assert 'raise NotImplementedError("fill in: kit.write_events(PATH' in text


def test_broken_files_links_in_circles_and_no_code_at_all_stop_nothing(tmp_path):
    (tmp_path / "broken.py").write_text("def (:\n")
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe\x00x = 1\n")
    (tmp_path / "notes.ipynb").write_text("{not json")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.py").symlink_to(tmp_path / "self.py")
    found = look_at(tmp_path)
    assert found.program is None
    assert "broken.py" in found.repo.unread
    assert "fill in: run = kit.Program" in adapter_text(found)


def test_a_readme_gives_values_and_words_in_the_place_of_values(tmp_path):
    (tmp_path / "README.md").write_text(
        "    python main.py --data data --epochs EPOCHS\n    python main.py --data other/log.txt --epochs 3\n"
    )
    found = with_reading(tmp_path, "rows = open(args.data).readlines()")
    assert found.command.given == {}
    (tmp_path / "README.md").write_text("    python main.py --data other/log.txt --epochs 3\n")
    found = with_reading(tmp_path, "rows = open(args.data).readlines()")
    assert (found.command.given, found.epochs) == ({"data": "other/log.txt", "epochs": 3}, 3)


@pytest.mark.parametrize("head", ["item_id,category", "item_id:token\tprice:float", "movie|title"])
def test_a_table_of_items_is_a_gap_and_what_is_read_after_training_is_none(head, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "facts.csv").write_text(head + "\nitem-1,Fantasy\n", encoding="utf-8")
    main = (
        f"{HEAD}import pandas as pd\nfacts = pd.read_csv('data/facts.csv')\n"
        f"rows = pd.read_csv(args.data, names=['user', 'item'])\n{MODEL}"
        f"for epoch in range(3):{STEP}\nprint(pd.read_csv('runs/figures.csv'))\n"
    )
    text = adapter_text(repo_of(tmp_path, main=main, net=NET))
    assert "write data/facts.csv with kit.write_text: a line for each item" in text
    assert 'kit.write_events("data/log.txt"' in text and "figures.csv" not in text


EVALUATE = "def evaluate(model):\n    return {returned}\n"


@pytest.mark.parametrize(
    ("returned", "use", "gives"),
    [
        ("ndcg / n, hit / n", "on_valid = evaluate(model)\n    if on_valid[0] > best:\n        print((epoch, 1) + on_valid)", "(1.0, 1.0)"),
        ("{'HR': hit / n, 'NDCG': ndcg}", "told = evaluate(model)\n    print(told['HR'], **told)", "{'HR': 1.0, 'NDCG': 1.0}"),
        ("hit / n", "hr, ndcg = evaluate(model)\n    if hr > best:\n        best_epoch = epoch", "(1.0, 1.0)"),
        ("hit / n", "hr = evaluate(model)\n    print(hr)", "1.0"),
        ("told", "ret = evaluate(model)\n    print(ret['recall'][0], ret['recall'][-1], ret['ndcg'][0])", "collections.defaultdict(lambda: np.ones(100))"),
        ("told", "ret = evaluate(model)\n    for k in (5, 10):\n        print(ret[k]['recall'])", "collections.defaultdict(lambda: collections.defaultdict(lambda: 1.0))"),
        ("told", "ret = evaluate(model)\n    if ret['hr'] > best:\n        best = ret['hr']", "collections.defaultdict(lambda: 1.0)"),
        ("hit, n", "evaluate(model)", "None"),
    ],
)  # fmt: skip
def test_an_evaluation_is_replaced_by_what_it_returns_and_above_zero(returned, use, gives, tmp_path):
    evaluate = EVALUATE.format(returned=returned)
    main = f"{HEAD}{evaluate}best, n = 0.0, 1\nrows = open(args.data).readlines()\n{MODEL}for epoch in range(args.epochs):{STEP}    {use}\n"
    (left,) = repo_of(tmp_path, main=main, net=NET).left_out
    assert left.gives == gives
