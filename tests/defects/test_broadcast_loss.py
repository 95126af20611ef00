"""A column of the batch that meets a row of it is told in several shapes of code; losses of even shapes, and tables that are meant, are not."""

import builtins
from pathlib import Path

import numpy as np
import pytest

from diagnosis.flow import Flow
from diagnosis.probes.broadcast_loss import judged
from evolution.worker.guest.tracing import trace_smoke

pytestmark = pytest.mark.trains

torch = pytest.importorskip("torch")
TEXT = """
import torch
from torch.nn import functional as F

class Run:
    def __init__(self):
        self.items, self.out = torch.nn.Embedding(61, 8), torch.nn.Linear(8, 1)
        self.adam = torch.optim.Adam([*self.items.parameters(), *self.out.parameters()], lr=1e-2)
    def loss(self):
        what, y = torch.randint(1, 61, (7,)), torch.rand(7)
        z = self.out(self.items(what))
        LOSS
    def fit(self):
        while True:
            for _ in range(3):
                self.adam.zero_grad()
                self.loss().backward()
                self.adam.step()
            yield {"loss": 1.0}
    def score(self, users, histories):
        return torch.ones(len(users), 61)
def make():
    return Run()
"""
FAULTS = [
    "return F.mse_loss(z, y)",
    "return ((z - y[:, None]) ** 2 * y).mean()",
    "return (F.softplus(-z) * y).sum() / len(y)",
]
MEANT = [
    "return F.mse_loss(z[:, 0], y)",
    "return (F.softplus(-z) * y[:, None]).mean()",
    "return F.softplus(-(z - z[:, 0]) * (y[:, None] > y)).sum()",
    "return F.cross_entropy(z * self.items.weight[:7, 0], torch.arange(7))",
]


@pytest.mark.filterwarnings("ignore:Using a target size")  # torch's own word on one of the faults
@pytest.mark.parametrize("text", FAULTS + MEANT)
def test_a_table_of_the_batch_against_itself(text: str, tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text(TEXT.replace("LOSS", text), encoding="utf-8")
    module: dict = {}
    builtins.exec(compile(path.read_text(), str(path), "exec"), module)  # noqa: S102 -- the repo under test
    batch = (np.array([1]), np.array([[1, 2]]))
    trace = trace_smoke(module["make"], root=str(tmp_path), seconds=10.0, score_batch=batch)
    (found,) = judged(Flow(trace))
    assert found.healthy is (text in MEANT)
    if text in FAULTS:
        assert path.read_text().splitlines()[found.places[0].line - 1].strip() == text
