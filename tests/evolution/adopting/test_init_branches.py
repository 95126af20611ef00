"""What constants rule out is not adopted: other branches, other programs' options, modes of a data set, runs that only evaluate."""

import pytest

from evolution.adopting.adapter_text import adapter_text
from evolution.adopting.findings_of_repo import Adoption
from tests.evolution.adopting.test_init_reading import HEAD, MODEL, NET, STEP, repo_of, with_reading

NAMED = 'parser.add_argument("--epochs", type=int, default=7)\n'
BY_NAME = HEAD.replace(NAMED, NAMED + 'parser.add_argument("--name", default="beauty")\n')
LISTED = """LONG, SHORT = ["beauty", "toys"], ["clicks"]
def rows_of(path):
    return [line.split(" ", 1)[1] for line in open(path)]
if args.name in SHORT:
    args.path = "data/" + args.name + "/train.inter"
elif args.name in LONG:
    args.path = "data/" + args.name + ".txt"
rows = rows_of(args.path)
"""
COMPARED = """if args.name == "clicks":
    rows = open("data/clicks.inter").readlines()
else:
    rows = open("data/%s.txt" % args.name).readlines()
"""


@pytest.mark.parametrize("reading", [LISTED, COMPARED])
def test_the_branch_that_an_option_rules_out_reads_no_file(reading, tmp_path):
    main = f"{BY_NAME}{reading}{MODEL}for epoch in range(args.epochs):{STEP}"
    found = repo_of(tmp_path, main=main, net=NET)
    assert [one.path for one in found.files] == ["data/beauty.txt"]


def test_an_option_that_the_program_changes_itself_rules_nothing_out(tmp_path):
    changed = f'if len(args.data) > 3:\n    args.name = "clicks"\n{COMPARED}'
    main = f"{BY_NAME}{changed}{MODEL}for epoch in range(args.epochs):{STEP}"
    found = repo_of(tmp_path, main=main, net=NET)
    assert "data/clicks.inter" in {one.path for one in found.files}


def test_another_program_sets_other_defaults(tmp_path):
    other = 'import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument("--name", default="clicks")\nargs = parser.parse_args()\nargs.path = "x"\n'
    main = f"{BY_NAME}{LISTED}{MODEL}for epoch in range(args.epochs):{STEP}"
    found = repo_of(tmp_path, main=main, net=NET, prepare=other)
    assert [one.path for one in found.files] == ["data/beauty.txt"]


MODES = [
    'if self.mode == "train":\n            inputs, target = items[:-3], items[1:-2]\n        elif self.mode == "valid":\n            inputs, target = items[:-2], items[-2]',
    'if self.mode == "train":\n            rows = [items[-7:-2][: n + 1] for n in range(4)]\n        elif self.mode == "val":\n            rows = items[:-1]',
]  # fmt: skip
WHOLE = 'if self.mode == "train":\n            inputs, target = items[:-1], items[1:]\n        elif self.mode == "valid":\n            inputs, target = items[:-1], items[-1]'
SET = "class Rows:\n    def __init__(self, mode):\n        self.mode = mode\n    def __getitem__(self, at):\n        items = self.items[at]\n        {mode}\n        return items\n"


def held_out(mode: str, folder) -> int:
    reading = f"rows = open(args.data).readlines()\n{SET.format(mode=mode)}\ndata = Rows('train')"
    return with_reading(folder, reading).held_out[0]


@pytest.mark.parametrize("mode", MODES)
def test_a_data_set_that_cuts_in_its_training_mode_holds_out(mode, tmp_path):
    assert held_out(mode, tmp_path) == 2


def test_a_data_set_that_trains_on_whole_sequences_holds_out_nothing_by_its_mode(tmp_path):
    assert held_out(WHOLE, tmp_path) == 0


@pytest.mark.parametrize("flag", ["--do_eval", "--test"])
def test_a_command_that_only_evaluates_is_not_the_one_that_trains(flag, tmp_path):
    named = BY_NAME.replace(NAMED, NAMED + f'parser.add_argument("{flag}", action="store_true")\n')
    (tmp_path / "README.md").write_text(
        f"    python main.py --name toys {flag}\n\n    python main.py --name books\n"
    )
    found = repo_of(tmp_path, main=f"{named}{COMPARED}{MODEL}for epoch in range(args.epochs):{STEP}", net=NET)
    assert ("--name", "books") in found.command.words


def test_a_flag_of_a_test_file_is_no_evaluation(tmp_path):
    named = BY_NAME.replace(NAMED, NAMED + 'parser.add_argument("--test", default="t.txt")\n')
    (tmp_path / "README.md").write_text("    python main.py --name books --test held.txt\n")
    found = repo_of(tmp_path, main=f"{named}{COMPARED}{MODEL}for epoch in range(args.epochs):{STEP}", net=NET)
    assert ("--name", "books") in found.command.words


FACTORY = """
import os
import pandas as pd
class Base:
    def code(self):
        raise NotImplementedError
    def load(self):
        self.download_raw()
        return self.frame()
    def download_raw(self):
        if not os.path.exists(self.folder()):
            os.system("wget")
    def folder(self):
        return os.path.join("Data", self.code())
class Films(Base):
    def code(self):
        return "films"
    def frame(self):
        frame = pd.read_csv(os.path.join(self.folder(), "ratings.dat"), sep="::", header=None)
        frame.columns = ["uid", "sid", "rating", "timestamp"]
        return frame
from books import Books
SETS = {"films": Films, "books": Books}
"""


BOOKS = """
import os
import pandas as pd
from sets import Base
class Books(Base):
    def code(self):
        return "books"
    def frame(self):
        frame = pd.read_csv(os.path.join(self.folder(), "ratings.csv"))
        frame.columns = ["uid", "sid", "rating", "timestamp"]
        return frame
"""


def test_each_class_of_a_factory_reads_its_own_folder_and_fetches_nothing(tmp_path):
    main = f"{HEAD}from sets import SETS\nrows = SETS[args.data]().load()\n{MODEL}for epoch in range(args.epochs):{STEP}"
    found: Adoption = repo_of(tmp_path, main=main, net=NET, sets=FACTORY, books=BOOKS)
    assert {one.path for one in found.files} == {"Data/films/ratings.dat", "Data/books/ratings.csv"}
    text = adapter_text(found)
    columns = 'columns=("user", "item", "rating", "time")'
    assert f'kit.write_events("Data/films/ratings.dat", data, {columns}, sep="::"' in text
    assert f'{columns}, sep=",", header=("uid", "sid", "rating", "timestamp")' in text
    assert 'skip="sets.py:Base.download_raw"' in text


MASKED = """
class Masked:
    def __init__(self, args):
        self.args = args
    def __getitem__(self, at):
        row = [1, 2]
        row.append(self.args.mask_id)
        return row
class Plain:
    def __init__(self, args):
        self.args = args
    def __getitem__(self, at):
        return [1, 2]
"""
ENCODER = """
from torch import nn
class Net(nn.Module):
    def __init__(self, n_users, n_items, d=8):
        super().__init__()
        self.items = nn.Embedding(n_items + 2, d, padding_idx=0)
    def forward(self, seqs):
        return self.items(seqs)
"""


@pytest.mark.parametrize(("kind", "asks"), [("Masked", True), ("Plain", False)])
def test_a_mask_token_is_asked_for_where_the_program_makes_rows_with_it(kind, asks, tmp_path):
    made = f"from rows import Masked, Plain\nargs.mask_id = 20 + 1\nrows = open(args.data).readlines()\ndata = {kind}(args)\n"
    main = f"{HEAD}{made}{MODEL}for epoch in range(args.epochs):{STEP}"
    found = repo_of(tmp_path, main=main, net=ENCODER, rows=MASKED)
    assert found.way is not None
    assert (found.way.code == "kit.scores.by_history(ask)") is asks


ASKED_WITH_TIMES = """
from torch import nn
class Net(nn.Module):
    def __init__(self, n_users, n_items, d=8):
        super().__init__()
        self.items = nn.Embedding(n_items + 1, d, padding_idx=0)
    def forward(self, users, seqs, time_matrices, pos, neg):
        return self.items(pos)
    def predict(self, users, seqs, time_matrices, items):
        return self.items(items)
"""
NUMBERED = [
    "ids, met = {}, set(rows)\nfor i, item in enumerate(met):\n    ids[item] = i + 1\n",
    "item_map = dict()\nfor index, one in enumerate(sorted(rows), 1):\n    item_map[one] = index\n",
]


def test_a_gap_names_what_scoring_takes_and_is_not_known(tmp_path):
    text = adapter_text(
        repo_of(tmp_path, main=f"{HEAD}{MODEL}for epoch in range(args.epochs):{STEP}", net=ASKED_WITH_TIMES)
    )
    assert "what its time_matrices holds is not known here" in text


@pytest.mark.parametrize("numbered", NUMBERED)
def test_ids_that_a_loop_counts_are_numbered_anew(numbered, tmp_path):
    reading = f"rows = open(args.data).readlines()\n{numbered.replace('ids', 'item_ids')}"
    main = f"{HEAD}{reading}{MODEL}for epoch in range(args.epochs):{STEP}"
    found = repo_of(tmp_path, main=main, net=ENCODER)
    assert found.numbering is not None
    live = {"item_map": found.numbering.item_map, "order": found.numbering.order}
    assert any(live.values())
    assert found.numbering.items == 1


TRAINERS = """
class Trainer:
    def fit(self, model, rows):
        for epoch in range(7):
            for batch in rows:
                model(*batch).mean().backward()
class OddTrainer(Trainer):
    def fit(self, model, rows):
        for epoch in range(7):
            for part in (0, 1):
                for batch in rows:
                    model(*batch).mean().backward()
"""


@pytest.mark.parametrize(
    ("made", "expected"),
    [("getattr(trainers, args.data)()", "Trainer.fit"), ("trainers.OddTrainer()", "OddTrainer.fit")],
)
def test_of_trainers_that_are_chosen_by_name_the_base_is_meant(made, expected, tmp_path):
    main = f"{HEAD}import trainers\nrows = open(args.data).readlines()\n{MODEL}trainers_of = {made}\ntrainers_of.fit(model, rows)\n"
    found = repo_of(tmp_path, main=main, net=NET, trainers=TRAINERS)
    assert found.program is not None
    assert found.program.end.loop is not None
    assert found.program.end.loop[1] == expected


SHARED_STATS = """import json
class Rows:
    def __init__(self, path):
        with open(path) as f:
            self.rows = [[int(x) for x in line.split()] for line in f]
    def __iter__(self):
        return iter(self.rows)
def n_items(folder):
    with open(f"{folder}/stats.json") as f:
        stats = json.load(f)
    return stats["num_items"]
"""


def test_counts_beside_events_that_a_class_reads_are_written_too(tmp_path):
    main = f"{HEAD}import reading\nfolder = 'data/mine'\nrows = reading.Rows(f'{{folder}}/train.txt')\nn = reading.n_items(folder)\n{MODEL}for epoch in range(args.epochs):{STEP}"
    found = repo_of(tmp_path, main=main, net=ENCODER, reading=SHARED_STATS)
    kinds = {one.path: one.format.kind for one in found.files if one.format}
    assert kinds == {"data/mine/train.txt": "sequences", "data/mine/stats.json": "json"}
