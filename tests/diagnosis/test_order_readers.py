"""Which lines of a traced scoring read the order of a history: tables of positions, and no other small tables."""

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnosis.order_readers import order_readers
from evolution.worker.guest.tracing import trace_smoke

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.trains

MODEL = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.history, self.items = nn.Embedding(41, 8, padding_idx=0), nn.Embedding(41, 8)
        self.kinds, self.places = nn.Embedding(6, 8), nn.Embedding(5, 8)
        self.register_buffer("kind_of", torch.arange(41) % 6)
        self.optimizer = torch.optim.SGD(self.parameters(), lr=0.1)

    def forward(self, rows):
        every = torch.arange(41)
        table = self.items(every) + self.kinds(self.kind_of[every])
        {read}
        return past.mean(1) @ table.T

    def fit(self):
        for _ in range(3):
            loss = self(torch.randint(1, 41, (8, 5))).logsumexp(1).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            yield {{"loss": float(loss)}}

    def score(self, users, histories):
        with torch.no_grad():
            return self(torch.as_tensor(histories))

def make():
    return Model()
"""


@pytest.mark.parametrize(
    ("read", "told"),
    [
        ("past = self.history(rows)", []),
        ("past = self.history(rows) + self.places(torch.arange(5))", ["a table of positions"]),
        ("past = self.history(rows) + self.places.weight", ["a table of positions"]),
    ],
)
def test_a_table_of_categories_that_all_items_read_is_none_of_positions(
    read: str, told: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "m.py"
    path.write_text(MODEL.format(read=read), encoding="utf-8")
    module: dict[str, Any] = {}
    builtins.exec(compile(path.read_text("utf-8"), str(path), "exec"), module)  # noqa: S102 -- the repo under test
    batch = (np.arange(1, 9), np.tile(np.arange(1, 6), (8, 1)))
    trace = trace_smoke(module["make"], root=str(tmp_path), seconds=60.0, score_batch=batch)
    assert [place.does for place in order_readers(trace, 40)] == told
