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
