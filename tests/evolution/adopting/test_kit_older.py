"""Programs of some years ago run under today's numpy and Python, and nobody else sees what they are given."""

import collections
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.evolution.adopting.strangers import imported, write_stranger

pytestmark = pytest.mark.trains

NUMBERS = """import numpy as np
for epoch in range(2):
    told = np.asfarray([1, 2]).astype(np.int).tolist() + [float(np.product([2, 3])), np.float(4)]
"""
SETS = """import random
random.seed(7)
pool = set(range(100))
for epoch in range(2):
    told = random.sample(pool, 3) + random.sample(range(5), 1)
"""
ABSTRACT = """from collections import Iterable
import inspect
for epoch in range(2):
    told = [isinstance([], Iterable), inspect.getargspec(lambda a, b=1: a)[0]]
"""
DEVICES = """import torch
assert torch.cuda.is_available(), "CUDA is not available"
torch.cuda.set_device(0)
for epoch in range(2):
    told = torch.cuda.FloatTensor([[1.0], [2.0]]).expand(-1, 2).sum().item()
"""


SAVES = """import os, torch
for epoch in range(2):
    torch.save({"epoch": epoch}, "model/" + str(epoch) + ".pkl")
    with open(os.path.join(os.getcwd(), "logs", "a", "told.txt"), "w") as file:
        file.write("done")
    told = (torch.load("model/0.pkl")["epoch"], os.listdir("logs/a"), os.path.exists("other"))
    try:
        open("other/none.txt")
    except FileNotFoundError:
        told = (*told, "not there")
"""


def _told(repo: Path, script: str) -> Any:
    write_stranger(repo, script)
    with imported(repo) as kit:
        run = kit.Program("train.py", loop="epoch")
        run.epoch()
        return run["told"]


def test_names_that_numpy_no_longer_has(tmp_path: Path) -> None:
    before = {name: hasattr(np, name) for name in ("int", "asfarray", "product")}
    assert _told(tmp_path / "repo", NUMBERS) == [1, 2, 6.0, 4.0]
    assert {name: hasattr(np, name) for name in before} == before


def test_names_that_python_no_longer_has(tmp_path: Path) -> None:
    assert _told(tmp_path / "repo", ABSTRACT) == [True, ["a", "b"]]
    assert not hasattr(collections, "Iterable")


def test_a_set_is_sampled_in_the_same_order_each_time(tmp_path: Path) -> None:
    original = random.sample
    assert _told(tmp_path / "a", SETS) == _told(tmp_path / "b", SETS)
    assert random.sample == original


@pytest.mark.skipif(torch.cuda.is_available(), reason="the tensors are made on the GPU then")
def test_tensors_of_a_gpu_that_is_not_there_are_made_on_the_processor(tmp_path: Path) -> None:
    assert _told(tmp_path / "repo", DEVICES) == 6.0


def test_a_folder_that_a_program_writes_to_is_made_in_the_scratch_folder(tmp_path: Path) -> None:
    assert _told(tmp_path / "repo", SAVES) == (0, ["told.txt"], False, "not there")
    assert not (tmp_path / "repo" / "model").exists()
