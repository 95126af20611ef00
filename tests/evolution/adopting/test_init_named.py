"""Programs that make their model by a name: the class that is meant is found, and what it needs is read with it."""

from pathlib import Path

import pytest

from evolution.adopting.adapter_text import adapter_text
from evolution.adopting.findings_of_repo import look_at

MAIN = """
import argparse
from runner import Runner

if __name__ == "__main__":
    {asking}
    Runner(name).start()
"""
RUNNER = """
from importlib import import_module

import yaml


class Runner:
    def __init__(self, name):
        self.name = name

    def start(self):
        settings = yaml.safe_load(open(f"conf/{{self.name}}.yaml"))
        {making}
        made.start()
"""
BASE = """
import json


def read(path):
    return [line.split("\\t") for line in open(path)]


class Base:
    def __init__(self, settings):
        self.settings = settings
        self.rows = read(self.settings["events"])

    def start(self):
        self.train()

    def train(self):
        pass
"""
NET = """
import torch
from torch import nn
from nets.base import Base


class Tables{n}(nn.Module):
    def __init__(self, n_users, n_items):
        super().__init__()
        self.users, self.items = nn.Embedding(n_users, 8), nn.Embedding(n_items, 8)

    def forward(self, user, item):
        return (self.users(user) * self.items(item)).sum(-1)


class Net{n}(Base):
    def train(self):
        self.model = Tables{n}(10, 20)
        optimizer = torch.optim.Adam(self.model.parameters())
        for epoch in range(5):
            for user, item in self.rows:
                loss = -self.model(user, item).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
"""
MAKING = {
    "eval": "exec(f'from nets.{self.name.lower()} import {self.name}')\n        made = eval(f'{self.name}')(settings)",
    "getattr": "module = import_module('nets.' + self.name.lower())\n        made = getattr(module, self.name)(settings)",
}
ASKING = {
    "input": "models = ['Net11', 'Net3']\n    name = input('Which model? ')",
    "option": "parser = argparse.ArgumentParser()\n    parser.add_argument('--model', default='net11')\n    name = parser.parse_args().model",
}


def written(folder: Path, asking: str, making: str) -> Path:
    """A repo with more models than a call of an unknown object's method could mean."""
    (folder / "nets").mkdir()
    (folder / "conf").mkdir()
    files = {
        "main.py": MAIN.format(asking=ASKING[asking]),
        "runner.py": RUNNER.format(making=MAKING[making]),
        "nets/base.py": BASE,
    }
    files |= {f"nets/net{n}.py": NET.format(n=n) for n in range(14)}
    files |= {f"conf/Net{n}.yaml": f"events: data/{n}.txt\n" for n in range(14)}
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("making", MAKING)
@pytest.mark.parametrize("asking", ASKING)
def test_the_model_that_a_script_names_first_is_taken_with_its_settings(
    tmp_path: Path, asking: str, making: str
) -> None:
    text = adapter_text(look_at(written(tmp_path, asking, making)))
    assert '"main.py",' in text and 'loop=("nets/net11.py", "Net11.train", "epoch")' in text
    assert 'write_events("data/11.txt"' in text and "makes its model by a name" in text
    assert ('answers=("Net11",)' in text) is (asking == "input")
    assert 'model="self.model"' in text and "fill in" not in text


def test_another_model_can_be_asked_for(tmp_path: Path) -> None:
    text = adapter_text(look_at(written(tmp_path, "input", "eval"), train="nets/net3.py:Net3"))
    assert 'loop=("nets/net3.py", "Net3.train", "epoch")' in text and 'answers=("Net3",)' in text
    assert 'write_events("data/3.txt"' in text


ZOO = """
from dataclasses import dataclass


@dataclass
class DataSettings:
    path: str = "logs/clicks.tsv"


@dataclass
class Settings:
    chosen: str = "Counts"


def settings():
    return {"data": vars(DataSettings()), "run": Settings()}
"""
DATA = """
class Clicks:
    def __init__(self, path):
        self.rows = [line.split("\\t") for line in open(path)]
"""
MAIN_OF_ZOO = """
import zoo
from data import Clicks
from settings import settings

if __name__ == "__main__":
    told = settings()
    kind = told["run"].chosen
    make = {making}
    clicks = Clicks(**told["data"])
    recommender = make(clicks)
    recommender.fit(clicks)
"""
OF_ZOO = """
import torch
from torch import nn


class {name}(nn.Module):
    def __init__(self, clicks):
        super().__init__()
        self.user_emb, self.item_emb = nn.Embedding(10, 8), nn.Embedding(20, 8)

    def forward(self, user, item):
        return (self.user_emb(user) * self.item_emb(item)).sum(-1)

    def fit(self, clicks):
        optimizer = torch.optim.Adam(self.parameters())
        for epoch in range(9):
            for user, item in clicks.rows:
                loss = -self(user, item).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
"""


@pytest.mark.parametrize("making", ["getattr(zoo, kind)", "globals()[kind]"])
def test_a_class_of_a_package_that_settings_name_is_made_where_the_user_says_which(
    tmp_path: Path, making: str
) -> None:
    names = [f"Net{number}" for number in range(13)]  # so many that a call of `fit` says nothing
    (tmp_path / "zoo").mkdir()
    for name in names:
        (tmp_path / "zoo" / f"{name.lower()}.py").write_text(OF_ZOO.format(name=name))
    taken = "".join(f"from zoo.{name.lower()} import {name}\n" for name in names)
    (tmp_path / "zoo" / "__init__.py").write_text(taken)
    (tmp_path / "settings.py").write_text(ZOO)
    (tmp_path / "data.py").write_text(DATA)
    main = MAIN_OF_ZOO.format(making=making)
    if "globals" in making:
        main = main.replace(f"make = {making}\n", "\n").replace("make(clicks)", f"{making}(clicks)") + taken
    (tmp_path / "main.py").write_text(main)
    asked = adapter_text(look_at(tmp_path))
    assert "init --train zoo/net0.py:Net0 drafts for it" in asked
    assert "that of Net" in asked and "no class with" not in asked
    text = adapter_text(look_at(tmp_path, train="zoo/net5.py:Net5"))
    assert 'loop=("zoo/net5.py", "Net5.fit", "epoch")' in text and 'model="recommender"' in text
    assert 'values={"settings.py:Settings.chosen": "Net5"}' in text
    assert 'kit.write_events("logs/clicks.tsv"' in text and "fill in" not in text
