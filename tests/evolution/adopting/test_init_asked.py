"""How models are asked that answer otherwise than with a score for each item, and by what a program is told where its data is."""

from pathlib import Path

import pytest

from evolution.adopting.adapter_text import adapter_text
from evolution.adopting.findings_of_repo import Adoption, look_at

MAIN = """
import argparse, torch
from net import Net
parser = argparse.ArgumentParser()
parser.add_argument("--data", type=str{default})
args = parser.parse_args()
{reading}
model = Net(10, 20)
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(7):
    for batch in batches(rows):
        loss = model.loss(model(*batch))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
READING = "rows = []\nfor line in open(args.data):\n    u, i = line.split('\\t')\n    rows.append((u, i))"
HEAD = "import torch\nfrom torch import nn\nclass Net(nn.Module):\n"
TABLES = """    def __init__(self, n_users, n_items):
        super().__init__()
        self.user_emb = nn.Embedding(n_users, 8)
        self.item_emb = nn.Embedding(n_items, 8)
"""
MIXED = """    def mixed(self):
        both = torch.cat([self.user_emb.weight, self.item_emb.weight])
        return torch.split(torch.sparse.mm(self.graph, both), [self.n_users, self.n_items])
"""


def drafted(
    folder: Path, net: str, *, reading: str = READING, default: str = ", default='log.txt'"
) -> Adoption:
    (folder / "net.py").write_text(HEAD + net)
    (folder / "main.py").write_text(MAIN.format(reading=reading, default=default))
    return look_at(folder)


def code_of(adoption: Adoption) -> str:
    assert adoption.way is not None
    return adoption.way.code


WAYS = {
    "vectors of a batch": (
        TABLES + MIXED + "    def forward(self, users, pos_items, neg_items, drop_flag=True):\n        u, i = self.mixed()\n"
        "        user_vec, pos_vec, neg_vec = u[users], i[pos_items], i[neg_items]\n        return user_vec, pos_vec, neg_vec\n",
        "kit.scores.by_vectors(None, more=1, drop_flag=False)",
    ),
    "vectors of a batch by a method": (
        TABLES + MIXED + "    def encode(self, user, item):\n        u, i = self.mixed()\n        return (u[user], i[item])\n"
        "    def encode_pair(self, user, item):\n        user_vectors, item_vectors = self.encode(user, item)\n        return user_vectors, item_vectors\n",
        'kit.scores.by_vectors("encode_pair")',
    ),
    "all vectors by a method without arguments": (
        TABLES + MIXED + "    def embeddings(self, split=True):\n        users_out, items_out = self.mixed()\n        return users_out, items_out\n"
        "    def forward(self, batch):\n        return self.embeddings()[0][batch['users']]\n",
        "kit.scores.matrix(users=lambda model: model.embeddings()[0], items=lambda model: model.embeddings()[1])",
    ),
    "items first, perturbed in training alone": (
        TABLES + MIXED + "    def forward(self, perturbed=True):\n        user_all, item_all = self.mixed()\n        return item_all, user_all\n",
        "kit.scores.matrix(users=lambda model: model(perturbed=False)[1], items=lambda model: model(perturbed=False)[0])",
    ),
    "scores of two items": (
        TABLES + MIXED + "    def forward(self, user, item_i, item_j):\n        u, i = self.mixed()\n        prediction_i = (u[user] * i[item_i]).sum(-1)\n"
        "        prediction_j = (u[user] * i[item_j]).sum(-1)\n        return prediction_i, prediction_j\n",
        "kit.scores.by_pairs(lambda model: lambda users, items: model(users, items, items))",
    ),
    "a loss unless it is told": (
        "    def __init__(self, n_users, n_items):\n        super().__init__()\n        self.inner, self.outer = nn.Linear(n_items, 8), nn.Linear(8, n_items)\n"
        "    def forward(self, user_ratings, calculate_loss=True):\n        out = self.outer(torch.tanh(self.inner(user_ratings)))\n"
        "        if calculate_loss:\n            return ((out - user_ratings) ** 2).mean()\n        return out\n",
        "kit.scores.by_bag(lambda model: lambda bags: model(bags, calculate_loss=False))",
    ),
    "rows of users times all items, in a branch for evaluation": (
        TABLES + MIXED + "    def forward(self, uids, iids, asked=False):\n        if asked:\n            told = self.users_out[uids] @ self.items_out.T\n"
        "            return told.argsort(descending=True)\n        self.users_out, self.items_out = self.mixed()\n"
        "        return (self.users_out[uids] * self.items_out[iids]).sum()\n",
        'kit.scores.matrix(users="users_out", items="items_out")',
    ),
    "both halves of one table, users first": (
        TABLES + MIXED + "    def propagate(self, split=True):\n        both = torch.cat(self.mixed())\n        return both[:self.n_users], both[self.n_users:]\n"
        "    def forward(self, batch):\n        return self.propagate()[0][batch['users']]\n",
        "kit.scores.matrix(users=lambda model: model.propagate()[0], items=lambda model: model.propagate()[1])",
    ),
    "a mask that is true of events": (
        TABLES + "    def forward(self, input_ids, attention_mask):\n        x = self.item_emb(input_ids) * attention_mask.unsqueeze(-1)\n"
        "        return x.sum(1) @ self.item_emb.weight.T\n",
        "kit.scores.by_history(lambda model: lambda histories: model(histories, (histories != 0) * 1))",
    ),
    "a mask that is true of padding": (
        TABLES + "    def forward(self, seqs, padding_mask):\n        x = self.item_emb(seqs).masked_fill(padding_mask[..., None], 0.0)\n"
        "        return x.sum(1) @ self.item_emb.weight.T\n",
        "kit.scores.by_history(lambda model: lambda histories: model(histories, histories == 0))",
    ),
    "a mask of nobody knows what": (
        "    def __init__(self, n_users, n_items):\n        super().__init__()\n        self.item_emb = nn.Embedding(n_items, 8)\n"
        "    def forward(self, seqs, mask):\n        x = self.item_emb(seqs) * mask[..., None]\n        return x.sum(1) @ self.item_emb.weight.T\n",
        "",
    ),
    "a row of fields": (
        "    def __init__(self, field_dims, d=8):\n        super().__init__()\n        self.table = nn.Embedding(sum(field_dims), d)\n"
        "    def forward(self, x):\n        return self.table(x).prod(1).sum(1)\n",
        "kit.scores.by_pairs(lambda model: lambda users, items: model(torch.stack([users, items], 1)))",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WAYS)
def test_what_a_model_returns_says_how_it_is_asked(tmp_path: Path, case: str) -> None:
    net, code = WAYS[case]
    adoption = drafted(tmp_path, net)
    assert code_of(adoption) == code
    compile(adapter_text(adoption), "adapter.py", "exec")


@pytest.mark.parametrize(
    "body",
    [
        "        scores = (self.user_emb(user) * self.item_emb.weight).sum(-1)\n        return torch.argsort(scores)\n",
        "        scores = self.user_emb(user) @ self.item_emb.weight.T\n        rank_list = torch.topk(scores, 10)[1]\n        return rank_list\n",
    ],
)
def test_a_method_that_returns_ids_in_order_gives_no_scores(tmp_path: Path, body: str) -> None:
    net = TABLES + "    def full_rank(self, user):\n" + body
    assert "full_rank" not in code_of(drafted(tmp_path, net))


def test_tables_that_are_mixed_over_a_graph_are_not_multiplied_as_they_are(tmp_path: Path) -> None:
    net = (
        TABLES
        + MIXED
        + "    def forward(self, batch):\n        return self.mixed()[0][batch['users']].sum()\n"
    )
    assert code_of(drafted(tmp_path, net)) == ""


def test_a_name_that_a_library_has_too_is_the_repos_own(tmp_path: Path) -> None:
    net = (
        TABLES
        + "    def forward(self, user, item):\n        return (self.user_emb(user) * self.item_emb(item)).sum(-1)\n"
    )
    own = "class GeneralRecommender(nn.Module):\n    pass\n"
    text = (HEAD + net).replace("class Net(nn.Module)", own + "class Net(GeneralRecommender)")
    (tmp_path / "main.py").write_text(MAIN.format(reading=READING, default=""))
    (tmp_path / "net.py").write_text(text)
    assert code_of(look_at(tmp_path)) == "kit.scores.by_pairs(None)"


PAIRS = (
    TABLES
    + "    def forward(self, user, item):\n        return (self.user_emb(user) * self.item_emb(item)).sum(-1)\n"
)


@pytest.mark.parametrize(
    ("reading", "flag", "path"),
    [
        (READING, "--data=evolverec_data/events.txt", "evolverec_data/events.txt"),
        (
            READING.replace("args.data", "args.data + '/train.tsv'"),
            "--data=evolverec_data",
            "evolverec_data/train.tsv",
        ),
    ],
)
def test_an_option_without_a_default_is_given_a_new_place(
    tmp_path: Path, reading: str, flag: str, path: str
) -> None:
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading, default=""))
    assert f'"{flag}"' in text and f'write_events("{path}"' in text and "fill in" not in text


def test_the_same_option_of_another_script_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "a_prepare.py").write_text(
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--data', default='raw.csv')\nparser.parse_args()\n"
    )
    assert '"--data=evolverec_data' in adapter_text(drafted(tmp_path, PAIRS, default=""))


@pytest.mark.parametrize("suffix", [".ini", ".cfg"])
def test_a_settings_file_is_chosen_and_read(tmp_path: Path, suffix: str) -> None:
    for name in ("books", "games"):
        (tmp_path / f"{name}_run{suffix}").write_text(
            f"[Training]\ntrain_file=./data/{name}/train.txt\nlr = 1e-3\n"
        )
    (tmp_path / "README.md").write_text(f"    python main.py --data NAME_run{suffix}\n")
    reading = (
        "import configparser\nconfig = configparser.ConfigParser()\nconfig.read(args.data)\nrows = []\n"
        "for line in open(config['Training']['train_file']):\n    u, i = line.split('\\t')\n    rows.append((u, i))"
    )
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading, default=""))
    assert f'"--data=books_run{suffix}"' in text and 'write_events("data/books/train.txt"' in text


def test_a_reader_by_a_local_name_is_followed(tmp_path: Path) -> None:
    reading = (
        "def pairs(path):\n    rows = []\n    for line in open(path):\n        u, i = line.split('\\t')\n        rows.append((u, i))\n    return rows\n"
        "read = pairs if args.data else None\nrows = read(args.data)"
    )
    assert 'write_events("log.txt"' in adapter_text(drafted(tmp_path, PAIRS, reading=reading))


def test_lists_of_numbers_are_values_and_placeholders_take_their_flag_along(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("    python main.py --data <your_file> --layers [64,32] --rate 0.5\n")
    adoption = drafted(tmp_path, PAIRS)
    main = (
        (tmp_path / "main.py")
        .read_text()
        .replace(
            "args = ",
            "parser.add_argument('--layers', nargs='?', default='[8]')\nparser.add_argument('--rate', type=float, default=0.1)\nargs = ",
        )
    )
    (tmp_path / "main.py").write_text(main)
    adoption = look_at(tmp_path)
    assert adoption.command.words == (("--layers", "[64,32]"), ("--rate", "0.5"))


def test_what_is_the_default_is_not_given_so_that_a_patch_of_the_default_has_an_effect(
    tmp_path: Path,
) -> None:
    (tmp_path / "README.md").write_text("    python main.py --rate=1e-2 --width=16 --name=a --data log.txt\n")
    drafted(tmp_path, PAIRS)
    options = "".join(
        f"parser.add_argument('--{name}', type={kind}, default={default})\n"
        for name, kind, default in (("rate", "float", "0.01"), ("width", "int", "32"), ("name", "str", "'a'"))
    )
    main = (tmp_path / "main.py").read_text().replace("args = ", options + "args = ")
    (tmp_path / "main.py").write_text(main)
    adoption = look_at(tmp_path)
    assert adoption.command.words == (("--width", "16"),) and adoption.command.given["rate"] == 0.01


def test_the_highest_id_is_the_number_unless_1_is_added_to_it_later(tmp_path: Path) -> None:
    counting = "n_items = 0\nfor line in open(args.data):\n    n_items = max(n_items, int(line.split('\\t')[1]))\n{more}"
    net = TABLES.replace("nn.Embedding(n_items, 8)", "torch.rand(n_items, 8)") + (
        "    def predict(self, user, item):\n        return (self.user_emb(user) * self.item_emb[item]).sum(-1)\n"
    )
    first = {}
    for more in ("", "n_items += 1\n"):
        numbering = drafted(tmp_path, net, reading=counting.format(more=more)).numbering
        first[more] = numbering.items if numbering else None
    assert first == {"": 1, "n_items += 1\n": 0}


def test_maps_of_tokens_are_told_apart_by_their_other_word(tmp_path: Path) -> None:
    reading = (
        READING
        + "\n"
        + "\n".join(
            f"token_{name} = {{one: place for place, one in enumerate(sorted({{row[{at}] for row in rows}}))}}"
            for at, name in enumerate(("uid", "iid"))
        )
    )
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading))
    assert 'users=run["token_uid"]' in text and 'items=run["token_iid"]' in text


@pytest.mark.parametrize(
    ("use", "kind"),
    [
        ("rows = (told != 0).astype('float32')", "csr"),
        ("rows = told.tocsr()", "csr"),
        ("rows = list(zip(told.row, told.col))", "coo"),
        ("rows = [(u, i) for u in told for i in told[u]]", "dict"),
    ],
)
def test_a_pickle_that_is_used_as_a_sparse_matrix_is_written_as_one(
    tmp_path: Path, use: str, kind: str
) -> None:
    reading = f"import pickle\ntold = pickle.load(open('trnMat.pkl', 'rb'))\n{use}"
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading))
    assert f'write_events("trnMat.pkl", data, kind="{kind}"' in text


def test_an_option_that_takes_any_text_for_true_is_told_no_word_for_false(tmp_path: Path) -> None:
    drafted(tmp_path, PAIRS)
    main = (
        (tmp_path / "main.py")
        .read_text()
        .replace("args = ", "parser.add_argument('--cuda', type=bool, default=True)\nargs = ")
    )
    (tmp_path / "main.py").write_text(main)
    assert '"--cuda", "1" if device != "cpu" else ""' in adapter_text(look_at(tmp_path))


@pytest.mark.parametrize(
    "reading",
    [
        "rows, pools, n = np.load(args.data, allow_pickle=True)",
        "rows = np.load(args.data, allow_pickle=True).item()",
    ],
)
def test_an_array_of_objects_is_no_array_of_events(tmp_path: Path, reading: str) -> None:
    text = adapter_text(
        drafted(tmp_path, PAIRS, reading="import numpy as np\n" + reading, default=", default='sets.npy'")
    )
    assert "fill in: write sets.npy in the form that main.py" in text


@pytest.mark.parametrize(
    "taken", ["rows = frame.to_numpy()[:, :3]", "rows = frame.values\nx, y = rows[:, :2], rows[:, 2]"]
)
def test_columns_that_are_taken_by_place_have_one(tmp_path: Path, taken: str) -> None:
    reading = f"import pandas as pd\nframe = pd.read_csv(args.data, sep=',')\n{taken}"
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading))
    assert 'write_events("log.txt", data, columns=("user", "item", "rating"), sep=","' in text
    assert 'header=("user", "item", "rating")' in text and "are taken by place" in text


@pytest.mark.parametrize(
    "reading",
    [
        "import pandas as pd\nframe = pd.read_csv(args.data, names=['user', 'item', 'rating'])\nframe['user'] -= 1\nframe['item'] -= 1\nrows = frame.values",
        "rows = []\nfor line in open(args.data):\n    u, i = line.split('\\t')\n    user, item = int(u), int(i)\n    item = item - 1\n    rows.append((user - 1, item))",
    ],
)
def test_ids_that_the_reader_takes_1_from_begin_with_1_in_the_file(tmp_path: Path, reading: str) -> None:
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading))
    assert (
        "kit.Ids(data, users=0, items=0" in text
        and "ids=ids)" not in text
        and "takes 1 from what it reads" in text
    )
    counted = (
        reading.replace("frame['user'] -= 1", "n_items = frame['item'].max() - 1")
        .replace("frame['item'] -= 1", "")
        .replace("item = item - 1", "item_num = len(rows) - 1")
    )
    assert "ids=ids)" in adapter_text(drafted(tmp_path, PAIRS, reading=counted))


HIDDEN = "from torch import nn\nclass Plain(nn.Module):\n    def train_all(self):\n        for epoch in range(9):\n            for batch in self.data:\n                self.loss(batch).backward()\n"


@pytest.mark.parametrize(
    "start",
    [
        "name = input()\nexec(f'from models.{name} import {name}')\neval(name)().run()\n",
        "import sys\nfrom importlib import import_module\ngetattr(import_module('models.' + sys.argv[1]), sys.argv[1])().run()\n",
    ],
)
def test_a_program_that_makes_its_model_by_name_is_told_the_loops_that_train(
    tmp_path: Path, start: str
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "Plain.py").write_text(HIDDEN)
    (tmp_path / "main.py").write_text(start)
    text = adapter_text(look_at(tmp_path)).replace('\\"', '"')
    assert (
        'loop=("models/Plain.py", "Plain.train_all", "epoch")' in text and "makes its model by a name" in text
    )


def test_a_repo_of_another_framework_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import tensorflow as tf\nfor epoch in range(3):\n    session.run(step)\n"
    )
    assert "The code trains with TensorFlow" in adapter_text(look_at(tmp_path))


def test_a_file_outside_of_the_repo_has_its_name_in_the_new_folder(tmp_path: Path) -> None:
    reading = READING.replace("args.data", "'/home/me/logs/clicks.tsv'")
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading))
    assert 'write_events("evolverec_data/clicks.tsv"' in text
    assert 'paths={"/home/me/logs/clicks.tsv": "evolverec_data/clicks.tsv"}' in text


@pytest.mark.parametrize("guard", ["if os.path.isfile('item2id.txt'):\n    ", ""])
def test_a_map_of_ids_is_no_log_and_left_out_where_it_need_not_be_there(tmp_path: Path, guard: str) -> None:
    reading = f"import os\nimport pandas as pd\n{READING}\n{guard}ids = pd.read_csv('item2id.txt', header=None).to_numpy()"
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading))
    assert 'write_events("item2id.txt"' not in text and ("fill in: write item2id.txt" in text) is not bool(
        guard
    )


@pytest.mark.parametrize(
    ("body", "use", "left"),
    [
        (
            "    answer = requests.get(URL)\n    open('log.txt', 'wb').write(answer.content)\n",
            "fetch()",
            True,
        ),
        (
            "    urllib.request.urlretrieve(URL, 'log.zip')\n",
            "if not os.path.exists('log.zip'):\n    fetch()",
            True,
        ),
        ("    urllib.request.urlretrieve(URL, 'log.zip')\n    return 'log.zip'\n", "path = fetch()", False),
    ],
)
def test_what_only_downloads_is_left_out(tmp_path: Path, body: str, use: str, left: bool) -> None:
    reading = f"import os, requests, urllib.request\nURL = 'http://example.org/log.zip'\ndef fetch():\n{body}{use}\n{READING}"
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading))
    assert ('skip="main.py:fetch"' in text and "downloads data" in text) is left


@pytest.mark.parametrize(
    ("after", "left"),
    [
        (
            "zipfile.ZipFile(folder / 'log.zip').extractall(folder)\n    os.remove(folder / 'log.zip')",
            "provide",
        ),
        ("zipfile.ZipFile(folder / 'log.zip').extractall(folder)\n    make_lists(folder)", "fetch"),
    ],
)
def test_what_unpacks_a_download_is_left_out_with_it(tmp_path: Path, after: str, left: str) -> None:
    reading = (
        "import os, urllib.request, zipfile\nfrom pathlib import Path\nfrom lists import make_lists\n"
        "def fetch(to):\n    urllib.request.urlretrieve('http://example.org/log.zip', to)\n"
        f"def provide(folder):\n    if folder.is_dir():\n        return\n    fetch(folder / 'log.zip')\n    {after}\n"
        f"provide(Path('log'))\n{READING}"
    )
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading))
    assert f'skip="main.py:{left}"' in text and "downloads data" in text


def test_a_matrix_that_is_filled_one_place_before_the_ids_has_ids_from_1(tmp_path: Path) -> None:
    reading = (
        "import pandas as pd\nframe = pd.read_csv(args.data, names=['user', 'item', 'rating'])\n"
        "for row in frame.itertuples():\n    rows[row[1] - 1, row[2] - 1] = row[3]"
    )
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading))
    assert "takes 1 from what it reads" in text and "ids=ids)" not in text


@pytest.mark.parametrize(
    ("numbered", "kept", "held"),
    [
        (
            "frame['newest'] = frame.groupby('user')['time'].rank(method='first', ascending=False)",
            "frame['newest'] > 1",
            "held_out=1",
        ),
        ("n = frame.groupby('user').cumcount(ascending=False)", "n >= 2", "held_out=2"),
        ("n = frame.groupby('user').cumcount()", "n >= 2", ""),
    ],
)
def test_a_split_by_the_number_of_an_event_is_seen(
    tmp_path: Path, numbered: str, kept: str, held: str
) -> None:
    reading = f"import pandas as pd\nframe = pd.read_csv(args.data, names=['user', 'item', 'time'])\n{numbered}\ntrain = frame[{kept}]\nrows = train.values"
    text = adapter_text(drafted(tmp_path, PAIRS, reading=reading))
    assert (held in text) if held else ("held_out" not in text)
