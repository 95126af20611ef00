"""A stranger's repo in two layouts: one training script whose loop stands at module level, and one whose loop is called from
`main()`; and the kit beside it.

Neither knows evolverec: they read `data/<name>.txt` relative to where they are started, parse their arguments when they are
imported, write a log and a checkpoint, and ask for a debugger or an answer where a user would sit.
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evolution.adopting.kit import kit_text
from tests.imported import forgetting

CONFIG = """[recommender]
entry = "adapter:build"
editable = ["*.py"]
max_history = 20

[data]
source = "shop-micro"

[training]
max_epochs = 12
eval_every = 2
patience = 4
device = "cpu"
"""

MODEL = '''import torch
import torch.nn as nn


class NextItem(nn.Module):
    """Scores of all items after each event of a history; item 0 is padding."""

    def __init__(self, n_items, dim, dropout):
        super().__init__()
        self.items = nn.Embedding(n_items + 1, dim, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.gru = nn.GRU(dim, dim, batch_first=True)

    def forward(self, seqs):
        states, _ = self.gru(self.dropout(self.items(seqs)))
        return states @ self.items.weight.t()
'''

DATA = """import numpy as np
import torch


def read(name):
    histories = {}
    for line in open(f"data/{name}.txt"):
        user, item = map(int, line.split())
        histories.setdefault(user, []).append(item)
    return histories


class Sequences(torch.utils.data.Dataset):
    def __init__(self, histories, maxlen):
        self.rows = [items[-maxlen - 1:] for items in histories.values()]
        self.maxlen = maxlen

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = np.zeros(self.maxlen + 1, dtype=np.int64)
        items = self.rows[index]
        row[-len(items):] = items
        return row[:-1], row[1:]
"""

ARGUMENTS = """import argparse
import os

import numpy as np
import torch
import torch.nn as nn

from data import Sequences, read
from model import NextItem

parser = argparse.ArgumentParser()
parser.add_argument("--dataset", required=True)
parser.add_argument("--epochs", type=int, default=100)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
os.makedirs("checkpoints", exist_ok=True)
"""

STEP = """seqs, targets = batch
optimizer.zero_grad()
scores = model(seqs)
loss = criterion(scores.transpose(1, 2), targets)
loss.backward()
optimizer.step()
total += loss.item()
"""

SET_UP = """torch.manual_seed(args.seed)
histories = read(args.dataset)
n_items = max(max(items) for items in histories.values())
loader = torch.utils.data.DataLoader(Sequences(histories, 20), batch_size=16, shuffle=True)
model = NextItem(n_items, 32, 0.2)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss(ignore_index=0)
"""


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


FLAT = (
    ARGUMENTS
    + SET_UP
    + """log = open("log.txt", "w")
for epoch in range(args.epochs):
    model.train()
    total = 0.0
    for batch in loader:
"""
    + _indented(STEP, 8)
    + """    print(epoch, total / len(loader), file=log)
    torch.save(model.state_dict(), "checkpoints/last.pt")
if input("test it now? [y/n] ") == "y":
    import pdb; pdb.set_trace()
exit()
"""
)

CALLED = (
    ARGUMENTS
    + """

def train(model, loader, optimizer, criterion):
    model.train()
    total = 0.0
    for batch in loader:
"""
    + _indented(STEP, 8)
    + """    return total / len(loader)


def main():
"""
    + _indented(SET_UP, 4)
    + """    epoch = 0
    while epoch < args.epochs:
        average = train(model, loader, optimizer, criterion)
        torch.save(model.state_dict(), "checkpoints/last.pt")
        epoch += 1


if __name__ == "__main__":
    main()
"""
)

ADAPTER = """import evolverec_kit as kit


def build(data, *, device, seed):
    kit.seed_all(seed)
    kit.write_events("data/log.txt", data, sep=" ")
    run = kit.Program("train.py", argv=["--dataset", "log", "--seed", seed], loop="epoch")
    score = kit.scores.by_history()
    return kit.Recommender(data, run, score=score, ids=kit.Ids(data, length=20), table="items.weight")
"""

LAYOUTS = {"flat": FLAT, "called": CALLED}


def write_stranger(folder: Path, script: str, adapter: str = ADAPTER, **files: str) -> Path:
    """The repo with this training script in a folder; files: name without `.py` -> text, in place of its own or beside them."""
    texts = {"train": script, "model": MODEL, "data": DATA, "adapter": adapter, **files}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "evolverec.toml").write_text(CONFIG, encoding="utf-8")
    (folder / "evolverec_kit.py").write_text(kit_text(), encoding="utf-8")
    return folder


@contextmanager
def imported(folder: Path) -> Iterator[Any]:
    """The kit of a repo, as its adapter would import it; what is imported of the repo meanwhile is forgotten afterwards."""
    path = list(sys.path)
    spec = importlib.util.spec_from_file_location("evolverec_kit", folder / "evolverec_kit.py")
    assert spec is not None and spec.loader is not None
    kit = importlib.util.module_from_spec(spec)
    with forgetting(folder.parent):
        sys.modules["evolverec_kit"] = kit
        sys.path.insert(0, str(folder))
        try:
            spec.loader.exec_module(kit)
            yield kit
        finally:
            sys.path[:] = path
            sys.modules.pop("evolverec_kit", None)
