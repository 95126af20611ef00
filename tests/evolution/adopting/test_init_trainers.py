"""What `init` reads out of repos that hand their training to a library: its callbacks, options and numbers of epochs.

No library is needed, as nothing is run.
"""

from pathlib import Path

import pytest

from evolution.adopting.adapter_text import adapter_text
from evolution.adopting.findings_of_repo import Adoption, look_at
from evolution.adopting.gaps import gaps_in
from evolution.adopting.log_choice import as_read, named_log

LIGHTNING = """import argparse
import lightning as L
import pandas as pd
import torch
from lightning.pytorch.callbacks import EarlyStopping
from torch import nn


class Events(L.LightningDataModule):
    def __init__(self, path, batch_size=64):
        super().__init__()
        self.path, self.batch_size = path, batch_size

    def setup(self, stage=None):
        df = pd.read_csv(self.path)
        items = sorted(df["item_id"].unique())
        self.item2idx = {item: i + 1 for i, item in enumerate(items)}
        df["item_idx"] = df["item_id"].map(self.item2idx)
        sequences = df.groupby("user_id")["item_idx"].apply(list).tolist()
        self.train_set = [s[:-1] for s in sequences]
        self.val_set = [(s[:-1], s[-1]) for s in sequences]

    def train_dataloader(self):
        return torch.utils.data.DataLoader(self.train_set, batch_size=self.batch_size)


class Net(L.LightningModule):
    def __init__(self, n_items, dim=32):
        super().__init__()
        self.item_emb = nn.Embedding(n_items + 1, dim, padding_idx=0)

    def forward(self, seq):
        return self.item_emb(seq).cumsum(1) @ self.item_emb.weight.T

    def training_step(self, batch, batch_idx):
        return self(batch).sum()


parser = argparse.ArgumentParser()
parser.add_argument("--data", default="data/events.csv")
parser.add_argument("--patience", type=int, default=3)
args = parser.parse_args()
datamodule = Events(args.data)
model = Net(100)
trainer = L.Trainer(max_epochs=40, callbacks=[EarlyStopping("val", patience=args.patience)])
trainer.fit(model, datamodule=datamodule)
"""

TRANSFORMERS = """import json
from dataclasses import dataclass, field
import torch
from transformers import EarlyStoppingCallback, HfArgumentParser, PretrainedConfig, PreTrainedModel, Trainer, TrainingArguments

FIRST = 2


@dataclass
class DataArguments:
    train_file: str = field(default="data/sequences.jsonl")
    max_length: int = field(default=32)


class Config(PretrainedConfig):
    def __init__(self, vocab_size=10, pad_token_id=0, **kwargs):
        super().__init__(pad_token_id=pad_token_id, **kwargs)
        self.vocab_size = vocab_size


class Model(PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.item_embeddings = torch.nn.Embedding(config.vocab_size, 16, padding_idx=config.pad_token_id)

    def forward(self, input_ids):
        return self.item_embeddings(input_ids).cumsum(1) @ self.item_embeddings.weight.T


def load(path):
    vocab, sequences = {}, []
    for line in open(path):
        record = json.loads(line)
        for item in record["items"]:
            if item not in vocab:
                vocab[item] = len(vocab) + FIRST
        sequences.append([vocab[item] for item in record["items"]])
    return vocab, sequences


def main():
    data_args, args = HfArgumentParser((DataArguments, TrainingArguments)).parse_args_into_dataclasses()
    vocab, sequences = load(data_args.train_file)
    model = Model(Config(vocab_size=len(vocab) + FIRST))
    train, valid = [s[:-1] for s in sequences], [s for s in sequences]
    trainer = Trainer(model=model, args=args, train_dataset=train, eval_dataset=valid, callbacks=[EarlyStoppingCallback(3)])
    trainer.train()


if __name__ == "__main__":
    main()
"""


def drafted(folder: Path, script: str, readme: str) -> tuple[Adoption, str]:
    (folder / "train.py").write_text(script, encoding="utf-8")
    (folder / "README.md").write_text(readme, encoding="utf-8")
    found = look_at(folder)
    text = adapter_text(found)
    assert gaps_in(text) == []
    return found, text


def test_a_lightning_repo_is_drafted_whole(tmp_path: Path) -> None:
    found, text = drafted(tmp_path, LIGHTNING, "    python train.py --data data/events.csv\n")
    assert 'at="lightning.pytorch.loops.fit_loop:_FitLoop.on_advance_end"' in text
    assert "early_stopping:EarlyStopping._run_early_stopping_check" in text and "--patience=1000000" in text
    assert 'kit.write_events("data/events.csv"' in text and "held_out=1" in text
    assert 'items=run["datamodule.item2idx"]' in text
    assert found.epochs == 40


def test_a_repo_on_hugging_face_s_trainer_is_drafted_whole(tmp_path: Path) -> None:
    command = "    python train.py --train_file data/sequences.jsonl --output_dir out --num_train_epochs 30\n"
    found, text = drafted(tmp_path, TRANSFORMERS, command)
    assert 'at="transformers.trainer_callback:CallbackHandler.on_epoch_end"' in text
    assert "EarlyStoppingCallback.on_evaluate" in text
    assert '"--output_dir=out", "--num_train_epochs=30"' in text and found.epochs == 30
    assert 'columns=("user", "items")' in text
    assert 'items=run["vocab"]' in text and "padding=" not in text and "length=32" in text


def test_whole_sequences_for_evaluation_mean_that_the_last_event_is_held_out(tmp_path: Path) -> None:
    found, _ = drafted(tmp_path, TRANSFORMERS, "    python train.py --output_dir out\n")
    assert found.held_out[0] == 1


OWN_STOPPING = """import argparse
import torch


class {kind}:
    def __init__(self, patience):
        self.patience, self.best, self.stop = patience, None, False

    def {method}(self, value):
        self.stop = self.best is not None and value > self.best
        {gives}


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.items = torch.nn.Embedding(11, 4)

    def forward(self, seqs):
        return self.items(seqs) @ self.items.weight.T


parser = argparse.ArgumentParser()
parser.add_argument("--{option}", type=int, default=5)
args = parser.parse_args()
model, stopper = Net(), {kind}(args.{option})
rows = [[int(x) for x in line.split()] for line in open("data/train.txt")]
for epoch in range(20):
    for row in rows:
        loss = model(torch.tensor([row])).sum()
        loss.backward()
    if stopper.{method}(float(loss)):
        break
"""


def test_early_stopping_of_the_repo_s_own_is_given_no_say(tmp_path: Path) -> None:
    for number, (kind, method, gives, skip, option) in enumerate(
        [
            ("EarlyStopping", "step", "return self.stop == True", "False", "stopping_step"),
            ("EarlyStopper", "__call__", "pass", "None", "patience"),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        script = OWN_STOPPING.format(kind=kind, method=method, gives=gives, option=option)
        found, text = drafted(folder, script, "    python train.py\n")
        assert [(one.name, one.gives) for one in found.left_out] == [(f"train.py:{kind}.{method}", skip)]
        assert f'"--{option}=1000000"' in text


def test_the_patience_of_a_learning_rate_is_left_alone(tmp_path: Path) -> None:
    script = OWN_STOPPING.format(kind="Plateau", method="step", gives="pass", option="lr_patience")
    found, text = drafted(tmp_path, script, "    python train.py\n")
    assert found.left_out == () and "patience" not in text.partition("return")[0]


def test_the_log_that_is_named_is_read_as_the_program_reads_it(tmp_path: Path) -> None:
    """Columns by their names in the code; two parts of a folder as they are given."""
    columns = "import csv\nimport torch\n\nrows = [(r['visitor'], r['product']) for r in csv.DictReader(open('data/buys.csv'))]\n"
    parts = (
        "import torch\n\n\ndef lists(path):\n    return [[int(x) for x in line.split()[1:]] for line in open(path)]\n\n\n"
        "rows, held = lists('data/shop/train.txt'), lists('data/shop/test.txt')\n"
    )
    training = "model = torch.nn.Embedding(11, 4)\nfor epoch in range(3):\n    for row in rows:\n        model(torch.tensor(row)).sum().backward()\n"
    cases = [
        (columns, "data/buys.csv", ('columns = { user = "visitor", item = "product" }',), "data/buys.csv"),
        (parts, "data/shop/train.txt", ('split = "given"',), "data/shop"),
    ]
    for number, (text, named, settings, source) in enumerate(cases):
        folder = tmp_path / str(number)
        (folder / "data/shop").mkdir(parents=True)
        for name in ("buys.csv", "shop/train.txt", "shop/test.txt"):
            (folder / "data" / name).write_text("visitor,product\n1,2\n", encoding="utf-8")
        (folder / "train.py").write_text(text + training, encoding="utf-8")
        log = as_read(look_at(folder), named_log(folder, named))
        assert (log.settings, log.source) == (settings, source)


MASKED = """from dataclasses import dataclass
import torch


class Config:
    def __init__(self, vocab_size, mask_token_id=1):
        self.vocab_size, self.mask_token_id = vocab_size, mask_token_id


@dataclass
class Collator:
    mask_token_id: int

    def __call__(self, rows):
        masked = torch.rand(rows.shape) < 0.2
        return rows.masked_fill(masked, {read})


class Model(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.item_emb = torch.nn.Embedding(config.vocab_size, 16, padding_idx=0)

    def forward(self, input_ids):
        return self.item_emb(input_ids) @ self.item_emb.weight.T


config = Config(100)
model, collate = Model(config), Collator(config.mask_token_id)
rows = [[int(x) for x in line.split()] for line in open("data/train.txt")]
for epoch in range(20):
    for row in rows:
        model(collate(torch.tensor([row]))).sum().backward()
"""


def test_a_model_of_masked_items_is_asked_with_its_mask(tmp_path: Path) -> None:
    for name, read, asked in (("masks", "self.mask_token_id", True), ("zeros", "0", False)):
        (tmp_path / name).mkdir()
        _, text = drafted(tmp_path / name, MASKED.format(read=read), "    python train.py\n")
        assert ("torch.full_like(seqs[:, :1], 1)" in text) is asked


RECBOLE_MODEL = """import torch
from torch import nn
from recbole.model.abstract_recommender import {base}


class MyModel({base}):
    def __init__(self, config, dataset):
        super().__init__(config, dataset)
        self.user_embedding = nn.Embedding(self.n_users, 16)
        self.item_embedding = nn.Embedding(self.n_items, 16)

    def calculate_loss(self, interaction):
        return -self.predict(interaction).sigmoid().log().mean()

    def predict(self, interaction):
        users = self.user_embedding(interaction[self.USER_ID])
        return (users * self.item_embedding(interaction[self.ITEM_ID])).sum(1)


"""
RECBOLE_OWN = """from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.trainer import Trainer


def main(dataset):
    config = Config(model=MyModel, dataset=dataset, config_file_list=["props/my.yaml"])
    dataset = create_dataset(config)
    train_data, valid_data, test_data = data_preparation(config, dataset)
    net = MyModel(config, train_data.dataset)
    Trainer(config, net).fit(train_data, valid_data)


if __name__ == "__main__":
    main("{name}")
"""
RECBOLE_QUICK = """import argparse
from recbole.quick_start import run_recbole

parser = argparse.ArgumentParser()
parser.add_argument("--model", "-m", default="SASRec")
parser.add_argument("--dataset", "-d", default="shop")
args, _ = parser.parse_known_args()
run_recbole(model=args.model, dataset=args.dataset, config_file_list=["props/my.yaml"])
"""
SETTINGS = "USER_ID_FIELD: session_id\nTIME_FIELD: ts\nload_col:\n    inter: [session_id, item_id, ts]\nMAX_ITEM_LIST_LENGTH: 20\nepochs: 30\n"


def recbole(folder: Path, script: str, settings: str = SETTINGS) -> tuple[Adoption, str]:
    (folder / "props").mkdir()
    (folder / "props" / "my.yaml").write_text(settings, encoding="utf-8")
    return drafted(folder, script, "    python train.py\n")


def test_a_model_of_recbole_is_drafted_whole(tmp_path: Path) -> None:
    script = RECBOLE_MODEL.format(base="SequentialRecommender") + RECBOLE_OWN.replace("{name}", "shop")
    found, text = recbole(tmp_path, script)
    assert 'kit.write_events("evolverec_data/shop/shop.inter"' in text and "held_out=2" in text
    assert '"session_id:token", "item_id:token", "rating:float", "ts:float"' in text
    assert '"recbole.config.configurator:Config._load_cmd_line": {"data_path": "evolverec_data"' in text
    assert '"benchmark_filename": None' in text and '"eval_step": 0' in text and "paths=" not in text
    assert 'model="net"' in text and 'kit.scores.all_items(user="session_id")' in text
    assert 'items=run["train_data._dataset.field2token_id[item_id]"], length=20, side="right"' in text
    assert 'table="item_embedding.weight"' in text and found.epochs == 30


@pytest.mark.parametrize(
    ("told", "none"),
    [
        ("neg_sampling: ~\n", True),
        ("training_neg_sample_num: 0\n", True),
        ("training_neg_sample_num: 1\n", False),
    ],
)
def test_an_older_word_for_no_negatives_is_told_to_recbole_in_its_own(
    told: str, none: bool, tmp_path: Path
) -> None:
    script = RECBOLE_MODEL.format(base="SequentialRecommender") + RECBOLE_OWN.replace("{name}", "shop")
    _, text = recbole(tmp_path, script, SETTINGS + told)
    assert ('"train_neg_sample_args": None' in text) == none


def test_a_configuration_of_recbole_alone_is_drafted_whole(tmp_path: Path) -> None:
    _, text = recbole(tmp_path, RECBOLE_QUICK)
    assert 'kit.write_events("evolverec_data/shop/shop.inter"' in text
    assert 'model="trainer.model"' in text and "SASRec of RecBole" in text


def test_a_data_set_that_recbole_brings_is_read_from_the_log_all_the_same(tmp_path: Path) -> None:
    script = RECBOLE_MODEL.format(base="GeneralRecommender") + RECBOLE_OWN.replace("{name}", "ml-100k")
    _, text = recbole(tmp_path, script, "epochs: 3\n")
    assert 'paths={"recbole:dataset_example": "evolverec_data"}' in text
    assert "header=" not in text and "kit.scores.all_items()" in text


def test_what_recbole_loads_of_items_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "props").mkdir()
    (tmp_path / "props" / "my.yaml").write_text(
        "load_col:\n  inter: [user_id, item_id]\n  item: [item_id, genre]\n", encoding="utf-8"
    )
    (tmp_path / "train.py").write_text(RECBOLE_QUICK, encoding="utf-8")
    ((_, words),) = gaps_in(adapter_text(look_at(tmp_path)))
    assert "write evolverec_data/shop/shop.item with kit.write_text" in words


def test_a_function_of_the_repos_own_names_recbole_no_model(tmp_path: Path) -> None:
    script = RECBOLE_MODEL.format(base="SequentialRecommender") + RECBOLE_OWN.replace("{name}", "shop")
    script = script.replace("def main(dataset)", "def run(dataset)").replace("    main(", "    run(")
    found, text = recbole(tmp_path, script)
    assert found.recbole is not None and found.recbole.named_model == ""
    assert 'model="net"' in text and "evolverec_data/shop/shop.inter" in text
