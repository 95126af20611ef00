"""How seldom a repo evaluates says how often `init` has its model ranked."""

import tomllib
from pathlib import Path

import pytest

from evolution.adopting.config_draft import config_draft
from evolution.adopting.findings_of_repo import look_at
from evolution.adopting.log_choice import as_read, named_log

LOOP = """import argparse
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--every", type=int, default=3)
args = parser.parse_args()


class Net(nn.Module):
    def __init__(self, n_items):
        super().__init__()
        self.items = nn.Embedding(n_items, 8)

    def forward(self, histories):
        return self.items(histories).sum(1) @ self.items.weight.T


model = Net(100)
optimizer = torch.optim.Adam(model.parameters())


def evaluate(model):
    return 0.0


for epoch in range(200):
    for batch in batches():
        loss = model(batch).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    {condition}:
        print(evaluate(model))
"""


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("if epoch % 20 == 0", 5),  # a curve needs more points than the repo's own
        ("if (epoch + 1) % args.every == 0", 3),
        ("if not epoch % 4", 4),
        ("if epoch > 10 and epoch % 2 == 1", 2),
        ("if epoch % 1 == 0", None),
        ("if epoch > 10", None),
        ("if len(args.every) % 4 == 0", None),  # says nothing of epochs
        ("if True", None),
    ],
)
def test_it_is_read_from_the_loop(tmp_path: Path, condition: str, expected: int | None):
    (tmp_path / "main.py").write_text(LOOP.replace("{condition}", condition))
    found = look_at(tmp_path)
    log = as_read(found, named_log(tmp_path, "shop-micro"))
    training = tomllib.loads(config_draft(found, log, "adapter:build"))["training"]
    assert training["max_epochs"] == 200
    assert training.get("eval_every") == expected
