"""Probes of the traced step: each finds its planted defect in two shapes of code, and says nothing of the healthy ones.

What a case costs: two training steps of a model of a few hundred numbers, in the process of the tests.
"""

import builtins
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from diagnosis.evidence import Evidence
from diagnosis.findings import Measurement
from diagnosis.probes import attention_axis, mixed_heads, squashed_logits
from diagnosis.probes.probe import Probe
from evolution.worker.guest.tracing import trace_smoke

pytest.importorskip("torch")
Measured = Callable[[Probe, str, str], list[Measurement]]

OBJECT = """
import torch
from torch import nn
from torch.nn import functional as F
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(60, 12)
        self.q, self.k, self.v = nn.Linear(12, 12), nn.Linear(12, 12), nn.Linear(12, 12)
        self.act, self.criterion = nn.Sigmoid(), nn.BCEWithLogitsLoss()
    def forward(self, x):  # (B, T)
        x = self.items(x)
        B, T, D = x.shape
        q, k, v = self.q(x), self.k(x), self.v(x)
{model}
class Rec:
    def __init__(self):
        torch.manual_seed(0)
        self.net = Net()
        self.opt = torch.optim.Adam(self.net.parameters(), lr=1e-2)
    def fit(self):
        while True:
            x, y, other = torch.randint(1, 60, (9, 7)), torch.randint(1, 60, (9,)), torch.randint(1, 60, (9,))
            h, table = self.net(x), self.net.items.weight
            loss = self.loss(h, y, other, table)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            yield {{"loss": float(loss.detach())}}
    def loss(self, h, y, other, table):
{loss}
    def score(self, users, histories):
        return self.net(torch.as_tensor(histories)) @ self.net.items.weight.T
def make():
    return Rec()
"""
SCRIPT = """
import torch
import torch.nn.functional as F
def encode(x, items, wq, wk, wv):
    x = F.embedding(x, items)
    B, T, D = x.size()
    q, k, v = x @ wq, x @ wk, x @ wv
{model}
def loss_of(h, y, other, table):
{loss}
class Run:
    def __init__(self):
        torch.manual_seed(0)
        self.p = [torch.randn(60, 12, requires_grad=True)] + [torch.randn(12, 12, requires_grad=True) for _ in range(3)]
        self.opt = torch.optim.SGD(self.p, lr=0.1)
    def fit(self):
        for _ in range(5):
            x, y, other = torch.randint(1, 60, (9, 7)), torch.randint(1, 60, (9,)), torch.randint(1, 60, (9,))
            loss = loss_of(encode(x, *self.p), y, other, self.p[0])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            yield {{"loss": float(loss.detach())}}
    def score(self, users, histories):
        with torch.no_grad():
            return encode(torch.as_tensor(histories), *self.p) @ self.p[0].T
def make():
    return Run()
"""
MODEL = "att = torch.softmax(q @ k.transpose(1, 2) / 3.5, -1)\nreturn (att @ v)[:, -1]"
LOSS = "return F.cross_entropy(h @ table.T, y)"


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    """What a probe measures on a step of a template with this model and loss, both indented by no more than they need."""

    def measure(probe: Probe, template: str, body: str) -> list[Measurement]:
        model, _, loss = body.partition("---\n")
        deep = " " * (8 if template is OBJECT else 4)
        parts = {
            name: "\n".join(deep + line for line in (text or fallback).strip().split("\n"))
            for name, text, fallback in (("model", model, MODEL), ("loss", loss, LOSS))
        }
        text = template.format(**parts)
        path = tmp_path / "m.py"
        path.write_text(text, encoding="utf-8")
        module: dict[str, Any] = {}
        builtins.exec(compile(text, str(path), "exec"), module)  # noqa: S102 -- the repo under test
        batch = (np.array([1, 2]), np.full((2, 7), 5))
        trace = trace_smoke(module["make"], root=str(tmp_path), seconds=30.0, score_batch=batch)
        assert trace["error"] == ""
        found = probe.run(
            cast(
                Evidence,
                SimpleNamespace(
                    artifacts=SimpleNamespace(trace=trace),
                    examination=None,
                    training=SimpleNamespace(n_items=59),
                ),
            )
        )
        for measurement in found:
            for place in measurement.places:
                assert place.path == "m.py"
        return [
            m if not m.places else replaced(m, text.split("\n")[m.places[0].line - 1].strip()) for m in found
        ]

    return measure


def replaced(measurement: Measurement, line: str) -> Measurement:
    """The measurement with the text of its first line beside it."""
    from dataclasses import replace

    return replace(measurement, details={**measurement.details, "line": line})


def unhealthy(found: list[Measurement]) -> list[tuple[str, str]]:
    return [(m.code, m.details["line"]) for m in found if m.healthy is False]


SQUASHED = {
    "sigmoid in the model, BCE with logits": (
        OBJECT,
        "return q[:, -1]\n---\np = self.net.act((h * table[y]).sum(-1))\nreturn self.net.criterion(p, torch.ones(9))",
        "squashed-logits",
        "p = self.net.act((h * table[y]).sum(-1))",
    ),
    "softmax before cross entropy": (
        SCRIPT,
        "return q[:, -1]\n---\np = (h @ table.T).softmax(dim=1)\nreturn F.cross_entropy(p, y)",
        "squashed-logits",
        "p = (h @ table.T).softmax(dim=1)",
    ),
    "two probabilities compared by BPR": (
        SCRIPT,
        "return q[:, -1]\n---\na = torch.sigmoid((h * table[y]).sum(-1))\nb = torch.sigmoid((h * table[other]).sum(-1))\n"
        "return -F.logsigmoid(a - b).mean()",
        "squashed-logits",
        "a = torch.sigmoid((h * table[y]).sum(-1))",
    ),
    "a logarithm of a sigmoid of a sigmoid": (
        OBJECT,
        "return q[:, -1]\n---\np = torch.sigmoid((h * table[y]).sum(-1))\nreturn -(torch.sigmoid(p) + 1e-8).log().mean()",
        "squashed-logits",
        "p = torch.sigmoid((h * table[y]).sum(-1))",
    ),
    "cosines without a temperature": (
        OBJECT,
        "return F.normalize(q[:, -1], dim=-1)\n---\nw = F.normalize(table, dim=-1)\nlogits = h @ w.T\nreturn F.cross_entropy(logits, y)",
        "bounded-logits",
        "logits = h @ w.T",
    ),
    "tanh of the scores": (
        SCRIPT,
        "return q[:, -1]\n---\ns = torch.tanh(h @ table.T)\nreturn F.nll_loss(s.log_softmax(-1), y)",
        "bounded-logits",
        "s = torch.tanh(h @ table.T)",
    ),
}
UNSQUASHED = {
    "logits": "return q[:, -1]",
    "a probability into its own loss": "return q[:, -1]\n---\np = torch.sigmoid((h * table[y]).sum(-1))\n"
    "return F.binary_cross_entropy(p, torch.ones(9))",
    "log_softmax twice": "return q[:, -1]\n---\nreturn F.cross_entropy((h @ table.T).log_softmax(-1), y)",
    "cosines with a temperature": "return F.normalize(q[:, -1], dim=-1)\n---\n"
    "return F.cross_entropy(h @ F.normalize(table, dim=-1).T / 0.07, y)",
    "a gate inside the model": "g = torch.sigmoid(k[:, -1])\nreturn q[:, -1] * g",
    "BPR by hand": "return q[:, -1]\n---\n"
    "return -torch.log(torch.sigmoid((h * table[y]).sum(-1) - (h * table[other]).sum(-1)) + 1e-8).mean()",
}
AXES = {
    "over the batch": (OBJECT, "a = F.softmax(q @ k.mT / 3.5, dim=0)\nreturn (a @ v)[:, -1]"),
    "over the queries": (SCRIPT, "a = (q @ k.transpose(-2, -1)).softmax(-2)\nreturn torch.bmm(a, v)[:, -1]"),
    "pooling over the batch": (
        OBJECT,
        "a = torch.softmax((q * k).sum(-1, keepdim=True), 0)\nreturn (a * v).sum(1)",
    ),
    "by einsum": (
        SCRIPT,
        "a = torch.softmax(torch.einsum('btd,bsd->bts', q, k), dim=1)\nreturn torch.einsum('bts,bsd->btd', a, v)[:, -1]",
    ),
}
CANDIDATES = {  # five items a row are asked for beside histories of seven
    "behind a mask": (
        OBJECT,
        "c = self.items(1 + torch.arange(B * 5).view(B, 5))\na = torch.softmax(c @ k.mT, dim=1) * (x[..., :1] < 9).mT\n"
        "return (a @ v).mean(1)",
    ),
    "by einsum": (
        SCRIPT,
        "c = F.embedding(1 + torch.arange(B * 5).view(B, 5), items)\na = torch.softmax(torch.einsum('bcd,bld->bcl', c, k), 1)\n"
        "return torch.einsum('bcl,bld->bcd', a, v).mean(1)",
    ),
}
OF_ONE = {
    "the last axis": (
        OBJECT,
        "a = torch.softmax((q * k).sum(-1, keepdim=True), dim=-1)\nreturn (a * v).sum(1)",
    ),
    "of a product": (SCRIPT, "a = F.softmax(k @ q[:, -1:].mT, 2)\nreturn (a * v).sum(1)"),
}
OVER_USERS = {
    "scores of all items": (
        OBJECT,
        "return q[:, -1]\n---\np = F.log_softmax(h @ table.T, dim=0)\nreturn F.nll_loss(p, y)",
    ),
    "probabilities of all items": (
        SCRIPT,
        "return q[:, -1]\n---\np = (h @ table.T).softmax(0)\nreturn -(p.gather(1, y[:, None]) + 1e-9).log().mean()",
    ),
}
RIGHT_AXES = {
    "candidates beside each other": "c = q[:, :5]\na = torch.softmax(c @ k.mT, dim=-1) * (k[..., :1] < 99).mT\nreturn (a @ v).mean(1)",
    "over the keys": MODEL,
    "pooling over positions": "a = torch.softmax((q * k).sum(-1, keepdim=True), 1)\nreturn (a * v).sum(1)",
    "positions first": "a = torch.softmax((q * k).sum(-1, keepdim=True).transpose(0, 1), 0)\nreturn (a * v.transpose(0, 1)).sum(0)",
    "interests compete": "w = (q[:, :3] @ k.transpose(1, 2)).softmax(1)\nreturn (w @ v).mean(1)",
}
HEADS = {
    "a view without a transpose": (
        OBJECT,
        "q, k, v = (t.view(B, 3, T, 4) for t in (q, k, v))\nreturn ((q @ k.mT).softmax(-1) @ v).transpose(1, 2).reshape(B, T, D)[:, -1]",
    ),
    "heads in the batch": (
        SCRIPT,
        "q, k, v = (t.reshape(B * 3, T, 4) for t in (q, k, v))\nreturn torch.bmm(torch.bmm(q, k.transpose(1, 2)).softmax(-1), v).reshape(B, T, D)[:, -1]",
    ),
    "put together without a transpose": (
        OBJECT,
        "q, k, v = (t.view(B, T, 3, 4).transpose(1, 2) for t in (q, k, v))\no = F.scaled_dot_product_attention(q, k, v)\nreturn self.v(o.reshape(B, T, D))[:, -1]",
    ),
    "never transposed": (
        SCRIPT,
        "q, k, v = (t.view(B, T, 3, 4) for t in (q, k, v))\nreturn F.scaled_dot_product_attention(q, k, v).reshape(B, T, D)[:, -1]",
    ),
}
RIGHT_HEADS = {
    "one head": MODEL,
    "heads by a transpose": "q, k, v = (t.view(B, T, 3, 4).transpose(1, 2) for t in (q, k, v))\n"
    "o = F.scaled_dot_product_attention(q, k, v)\nreturn o.transpose(1, 2).reshape(B, T, D)[:, -1]",
    "heads by einsum": "q, k, v = (t.view(B, T, 3, 4) for t in (q, k, v))\n"
    "a = torch.einsum('bthd,bshd->bhts', q, k).softmax(-1)\nreturn torch.einsum('bhts,bshd->bthd', a, v).reshape(B, T, D)[:, -1]",
}


@pytest.mark.parametrize("case", SQUASHED)
def test_an_input_that_the_loss_squashes_again_is_found_where_it_is_squashed(
    measured: Measured, case: str
) -> None:
    template, body, code, line = SQUASHED[case]
    assert unhealthy(measured(squashed_logits.PROBE, template, body)) == [(code, line)]


@pytest.mark.parametrize("template", [OBJECT, SCRIPT], ids=["object", "script"])
@pytest.mark.parametrize("case", UNSQUASHED)
def test_logits_and_probabilities_in_their_places_are_healthy(
    measured: Measured, case: str, template: str
) -> None:
    assert unhealthy(measured(squashed_logits.PROBE, template, UNSQUASHED[case])) == []


@pytest.mark.parametrize("case", AXES)
def test_weights_normalised_along_another_axis_than_they_sum_are_found(measured: Measured, case: str) -> None:
    template, body = AXES[case]
    assert unhealthy(measured(attention_axis.PROBE, template, body)) == [
        ("softmax-axis", body.split("\n")[0])
    ]


@pytest.mark.parametrize("case", OF_ONE)
def test_a_softmax_of_one_number_is_found(measured: Measured, case: str) -> None:
    template, body = OF_ONE[case]
    assert unhealthy(measured(attention_axis.PROBE, template, body)) == [
        ("softmax-axis", body.split("\n")[0])
    ]


@pytest.mark.parametrize("case", CANDIDATES)
def test_attention_that_is_shared_among_candidates_is_found(measured: Measured, case: str) -> None:
    template, body = CANDIDATES[case]
    line = next(line for line in body.split("\n") if "softmax" in line)
    assert unhealthy(measured(attention_axis.PROBE, template, body)) == [("softmax-axis", line)]


@pytest.mark.parametrize("case", OVER_USERS)
def test_scores_normalised_over_the_users_are_found(measured: Measured, case: str) -> None:
    template, body = OVER_USERS[case]
    line = body.partition("---\n")[2].split("\n")[0]
    assert unhealthy(measured(attention_axis.PROBE, template, body)) == [("softmax-axis", line)]


@pytest.mark.parametrize("template", [OBJECT, SCRIPT], ids=["object", "script"])
@pytest.mark.parametrize("case", RIGHT_AXES)
def test_weights_that_sum_to_one_are_healthy(measured: Measured, case: str, template: str) -> None:
    assert unhealthy(measured(attention_axis.PROBE, template, RIGHT_AXES[case])) == []


@pytest.mark.parametrize("case", HEADS)
def test_heads_cut_across_positions_are_found(measured: Measured, case: str) -> None:
    template, body = HEADS[case]
    found = unhealthy(measured(mixed_heads.PROBE, template, body))
    assert [code for code, _ in found] == ["mixed-heads"]
    assert "view" in found[0][1] or "reshape" in found[0][1]


@pytest.mark.parametrize("template", [OBJECT, SCRIPT], ids=["object", "script"])
@pytest.mark.parametrize("case", RIGHT_HEADS)
def test_heads_cut_out_of_rows_are_healthy(measured: Measured, case: str, template: str) -> None:
    assert unhealthy(measured(mixed_heads.PROBE, template, RIGHT_HEADS[case])) == []
