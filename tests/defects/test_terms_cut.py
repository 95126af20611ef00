"""A part of the loss without a gradient is named where the gradient is lost; weights and shifts without one are no fault."""

import builtins
import json
from pathlib import Path
from typing import Any

import pytest

from diagnosis.examination import WATCHED, load_examination
from diagnosis.probes.terms_cut import judged
from evolution.worker.guest.epoch_watch import watch_epochs

pytest.importorskip("torch")
TEXT = """
import torch
from torch.nn import functional as F

items = torch.nn.Embedding(61, 8)
users = torch.nn.Embedding(61, 8)
adam = torch.optim.Adam([*items.parameters(), *users.parameters()], lr=1e-2)

def logits(who, what):
    return (users(who) * items(what)).sum(-1)

def loss():
    who, right, wrong = torch.randint(1, 61, (3, 32))
    good = logits(who, right)
    PART

class Run:
    def fit(self):
        while True:
            for _ in range(4):
                adam.zero_grad()
                loss().backward()
                adam.step()
            yield {}
"""
SUMMED = """with torch.no_grad():
        bad = logits(who, wrong)
    return (F.softplus(-good) + F.softplus(bad)).mean()"""
BESIDE = """bad = logits(who, wrong).detach()
    both = torch.stack([good, bad], dim=-1)
    return F.cross_entropy(both, torch.zeros(32, dtype=torch.long))"""
ADDED = """total = F.binary_cross_entropy_with_logits(good, torch.ones(32))
    total = total + F.binary_cross_entropy_with_logits(logits(who, wrong).data, torch.zeros(32))
    return total"""
WEIGHTED = """bad = logits(who, wrong)
    hard = torch.softmax(bad.detach(), 0)
    return F.softplus(-good).mean() + (hard * F.softplus(bad)).sum()"""
SHIFTED = """both = torch.stack([good, logits(who, wrong)], dim=-1)
    both = both - both.max(dim=-1, keepdim=True).values.detach()
    return -(both[:, 0] - both.exp().sum(-1).log()).mean()"""


def found(part: str, folder: Path) -> list[str]:
    """The line of each finding, without indentation."""
    import torch

    text = TEXT.replace("PART", part)
    path = folder / "m.py"
    path.write_text(text, encoding="utf-8")
    code = compile(text, str(path), "exec")

    def build() -> Any:
        module: dict[str, Any] = {}
        torch.manual_seed(0)
        builtins.exec(code, module)  # noqa: S102 -- the repo under test
        return module["Run"]()

    seen = watch_epochs(build, root=str(folder), seconds=60, n_items=60, least_rows=60, folder=folder)
    assert seen.document["error"] == ""
    (folder / WATCHED).write_text(json.dumps({**seen.document, "max_epochs": 5}), encoding="utf-8")
    examination = load_examination(folder)
    assert examination is not None and examination.watched is not None
    measured = judged(examination.watched)
    assert measured
    return [text.split("\n")[m.places[0].line - 1].strip() for m in measured if m.healthy is False]


@pytest.mark.parametrize(
    ("part", "line"),
    [
        (SUMMED, "return (F.softplus(-good) + F.softplus(bad)).mean()"),
        (BESIDE, "bad = logits(who, wrong).detach()"),
        (
            ADDED,
            "total = total + F.binary_cross_entropy_with_logits(logits(who, wrong).data, torch.zeros(32))",
        ),
    ],
)
def test_a_part_without_a_gradient_is_named_where_it_is_lost(part: str, line: str, tmp_path: Path) -> None:
    assert found(part, tmp_path) == [line]


@pytest.mark.parametrize("part", [WEIGHTED, SHIFTED])
def test_weights_and_shifts_without_a_gradient_are_no_fault(part: str, tmp_path: Path) -> None:
    assert found(part, tmp_path) == []
