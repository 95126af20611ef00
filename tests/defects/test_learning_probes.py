"""Probes of who learns: each finds its planted defect in two shapes of code, and says nothing of the healthy ones.

What a case costs: two epochs of 20 steps of a model of a few hundred numbers, in the process of the tests.
"""

import builtins
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from diagnosis.evidence import Evidence
from diagnosis.examination import WATCHED, load_examination
from diagnosis.findings import CodePlace
from diagnosis.probes import (
    gradient_clearing,
    learning_rate,
    loss_values,
    row_decay,
    weight_decay,
    who_learns,
)
from evolution.worker.guest.epoch_watch import watch_epochs
from evolution.worker.guest.tracing import trace_smoke

pytestmark = pytest.mark.trains

torch = pytest.importorskip("torch")
PROBES = (who_learns, gradient_clearing, row_decay, weight_decay, learning_rate, loss_values)
EPOCHS = 20  # that the configuration allows
ITEMS = 200
Found = Callable[..., list[tuple[str, str]]]

OBJECT = """
import torch
from torch import nn
from torch.nn import functional as F
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(201, 8)
        self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(2)])
        self.position = nn.Parameter(torch.zeros(5, 8))
        nn.init.normal_(self.items.weight, std=0.1)
    def forward(self, x):
        h = self.items(x)
        h = h + self.position
        for layer in self.layers:
            h = torch.tanh(layer(h))
        return h.mean(1)
class Rec:
    def __init__(self):
        torch.manual_seed(0)
        self.net = Net()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda n: 1.0)
    def step(self):
        x = torch.randint(1, 60, (16, 5))
        y = x[:, -1] + 1
        logits = self.net(x) @ self.net.items(torch.arange(1, 80)).T
        loss = F.cross_entropy(logits, y - 1)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())
    def fit(self):
        while True:
            for _ in range(20):
                loss = self.step()
            self.schedule.step()
            yield {"loss": loss}
    def score(self, users, histories):
        return self.net(torch.as_tensor(histories)) @ self.net.items.weight.T
def make():
    return Rec()
"""
SCRIPT = """
import torch
import torch.nn.functional as F
table = torch.nn.Parameter(torch.randn(201, 8) * 0.1)
weight = torch.nn.Parameter(torch.eye(8) + 0.1 * torch.randn(8, 8))
bias = torch.nn.Parameter(torch.zeros(201))
opt = torch.optim.SGD([table, weight, bias], lr=0.5)
def encode(x):
    h = F.embedding(x, table)
    return torch.relu(h @ weight).sum(1)
def train(n):
    for _ in range(n):
        x, y = torch.randint(1, 60, (32, 5)), torch.randint(1, 60, (32,))
        other = torch.randint(1, 200, (32,))
        h = encode(x)
        up = (h * F.embedding(y, table)).sum(-1) + bias[y]
        down = (h * F.embedding(other, table)).sum(-1) + bias[other]
        loss = F.softplus(down - up).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return loss.item()
class Run:
    def fit(self):
        while True:
            yield {"loss": train(20)}
    def score(self, users, histories):
        with torch.no_grad():
            return encode(torch.as_tensor(histories)) @ table.T + bias
def make():
    return Run()
"""


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """(code, the first line it points at) of all that the probes find in a text with these replacements."""

    def find(text: str, *edits: tuple[str, str]) -> list[tuple[str, str]]:
        for old, new in edits:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "m.py"
        path.write_text(text, encoding="utf-8")
        code = compile(text, str(path), "exec")

        def build() -> Any:
            module: dict[str, Any] = {}
            torch.manual_seed(0)
            builtins.exec(code, module)  # noqa: S102 -- the repo under test
            return module["make"]()

        seen = watch_epochs(
            build, root=str(tmp_path), seconds=60, n_items=ITEMS, least_rows=ITEMS, folder=tmp_path
        )
        assert seen.document["error"] == ""
        (tmp_path / WATCHED).write_text(json.dumps({**seen.document, "max_epochs": EPOCHS}), encoding="utf-8")
        examination = load_examination(tmp_path)
        assert examination is not None
        batch = (np.array([1, 2]), np.full((2, 5), 5))
        replayed = {"guess": {"loss": 1.0, "guess": math.log(2)}}
        trace = trace_smoke(build, root=str(tmp_path), seconds=30.0, score_batch=batch)
        evidence = SimpleNamespace(
            watched=examination.watched,
            examination=SimpleNamespace(replayed=replayed),
            artifacts=SimpleNamespace(
                trace=trace, curves=(), untrained_dense_scores=np.asarray(build().score(*batch).detach())
            ),
        )
        measured = [m for probe in PROBES for m in probe.PROBE.run(cast(Evidence, evidence))]
        lines = text.split("\n")
        return [(m.code, lines[m.places[0].line - 1].strip()) for m in measured if m.healthy is False]

    return find


DEFECTS: dict[str, tuple[str, list[tuple[str, str]], str, str]] = {
    "a plain list of layers": (
        OBJECT,
        [("nn.ModuleList([nn.Linear(8, 8) for _ in range(2)])", "[nn.Linear(8, 8) for _ in range(2)]")],
        "not-in-optimizer",
        "self.layers = [nn.Linear(8, 8) for _ in range(2)]",
    ),
    "a parameter left out of the optimizer": (
        SCRIPT,
        [("[table, weight, bias]", "[weight, bias]")],
        "not-in-optimizer",
        "opt = torch.optim.SGD([weight, bias], lr=0.5)",
    ),
    "a parameter left out whose rows are read": (
        SCRIPT,
        [("[table, weight, bias]", "[table, weight]")],
        "not-in-optimizer",
        "opt = torch.optim.SGD([table, weight], lr=0.5)",
    ),
    "a parameter left out, gradients clipped": (
        SCRIPT,
        [("[table, weight, bias]", "[weight, bias]"), ("        opt.step()", "        torch.nn.utils.clip_grad_norm_([table, weight], 1.0)\n        opt.step()")],
        "not-in-optimizer",
        "opt = torch.optim.SGD([weight, bias], lr=0.5)",
    ),
    "a table in no group, on a device, beside running statistics": (
        OBJECT,
        [
            ("self.net = Net()", "self.net = Net().to('cpu')"),
            ("        nn.init.normal_(", "        self.normal = nn.BatchNorm1d(8)\n        nn.init.normal_("),
            ("return h.mean(1)", "return self.normal(h.mean(1))"),
            ("Adam(self.net.parameters(), lr=1e-3)", "Adam([p for n, p in self.net.named_parameters() if 'items' not in n], lr=1e-3)"),
        ],
        "not-in-optimizer",
        "self.optimizer = torch.optim.Adam([p for n, p in self.net.named_parameters() if 'items' not in n], lr=1e-3)",
    ),
    "layers of a module in a plain list": (
        OBJECT,
        [("nn.ModuleList([nn.Linear(8, 8) for _ in range(2)])", "[nn.Sequential(nn.Linear(8, 8), nn.ReLU()) for _ in range(2)]")],
        "not-in-optimizer",
        "self.layers = [nn.Sequential(nn.Linear(8, 8), nn.ReLU()) for _ in range(2)]",
    ),
    "a table frozen at random": (
        OBJECT,
        [("        nn.init.normal_(", "        self.items.weight.requires_grad_(False)\n        nn.init.normal_(")],
        "frozen-at-random",
        "self.items = nn.Embedding(201, 8)",
    ),
    "a weight frozen at random": (
        SCRIPT,
        [("torch.eye(8) + 0.1 * torch.randn(8, 8))", "torch.randn(8, 8), requires_grad=False)"), ("weight, bias]", "bias]")],
        "frozen-at-random",
        "weight = torch.nn.Parameter(torch.randn(8, 8), requires_grad=False)",
    ),
    "detached layers": (
        OBJECT,
        [("return h.mean(1)", "h = h.detach()\n        return h.mean(1)")],
        "no-gradient",
        "h = h.detach()",
    ),
    "encoded without gradients": (
        SCRIPT,
        [("    return torch.relu(h @ weight).sum(1)", "    with torch.no_grad():\n        h = torch.relu(h @ weight)\n    return h.sum(1)")],
        "no-gradient",
        "h = torch.relu(h @ weight)",
    ),
    "a term that is a number": (
        OBJECT,
        [
            ("        h = h + self.position\n", ""),
            ("loss = F.cross_entropy(logits, y - 1)", "loss = F.cross_entropy(logits, y - 1) + self.net.position.sin().sum().item()"),
        ],
        "no-gradient",
        "loss = F.cross_entropy(logits, y - 1) + self.net.position.sin().sum().item()",
    ),
    "a penalty that is a number": (
        SCRIPT,
        [(" + bias[y]", ""), (" + bias[other]", ""), ("loss = F.softplus(down - up).mean()", "loss = F.softplus(down - up).mean() + (bias - 1).abs().sum().tolist()")],
        "no-gradient",
        "loss = F.softplus(down - up).mean() + (bias - 1).abs().sum().tolist()",
    ),
    "positions that are never added": (
        OBJECT,
        [("        h = h + self.position\n", "")],
        "unused-parameter",
        "self.position = nn.Parameter(torch.zeros(5, 8))",
    ),
    "a bias that is never added": (
        SCRIPT,
        [(" + bias[y]", ""), (" + bias[other]", ""), (" + bias\n", "\n")],
        "unused-parameter",
        "bias = torch.nn.Parameter(torch.zeros(201))",
    ),
    "gradients never cleared": (
        OBJECT,
        [("        self.optimizer.zero_grad()\n", "")],
        "gradients-not-cleared",
        "self.optimizer.step()",
    ),
    "gradients cleared once an epoch": (
        SCRIPT,
        [("        opt.zero_grad()\n", ""), ("    return loss.item()", "    opt.zero_grad()\n    return loss.item()")],
        "gradients-not-cleared",
        "opt.step()",
    ),
    "cleared between backward and step": (
        OBJECT,
        [("        self.optimizer.zero_grad()\n        loss.backward()\n", "        loss.backward()\n        self.optimizer.zero_grad()\n")],
        "no-gradient-at-step",
        "self.optimizer.zero_grad()",
    ),
    "cleared early in a script": (
        SCRIPT,
        [("        opt.zero_grad()\n        loss.backward()\n", "        loss.backward()\n        opt.zero_grad(set_to_none=False)\n")],
        "no-gradient-at-step",
        "opt.zero_grad(set_to_none=False)",
    ),
    "never stepped": (OBJECT, [("        self.optimizer.step()\n", ""), ("            self.schedule.step()\n", "")], "never-stepped", "loss.backward()"),
    "never stepped in a script": (SCRIPT, [("        opt.step()\n", "")], "never-stepped", "loss.backward()"),
    "decay by Adam": (
        OBJECT,
        [("lr=1e-3)", "lr=1e-3, weight_decay=1e-4)")],
        "decay-without-gradient",
        "self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3, weight_decay=1e-4)",
    ),
    "decay by RMSprop": (
        SCRIPT,
        [("randint(1, 200", "randint(1, 60"), ("SGD([table, weight, bias], lr=0.5)", "RMSprop([table, weight, bias], lr=1e-3, weight_decay=1e-3)")],
        "decay-without-gradient",
        "opt = torch.optim.RMSprop([table, weight, bias], lr=1e-3, weight_decay=1e-3)",
    ),
    "a decoupled decay of thirty": (
        OBJECT,
        [("Adam(self.net.parameters(), lr=1e-3)", "AdamW(self.net.parameters(), lr=1e-3, weight_decay=30.0)"), ("nn.Embedding(201, 8)", "nn.Embedding(80, 8)")],
        "decay-outweighs",
        "self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3, weight_decay=30.0)",
    ),
    "a decay of one group alone": (
        OBJECT,
        [("Adam(self.net.parameters(), lr=1e-3)", "AdamW([{'params': list(self.net.parameters()), 'weight_decay': 300.0}], lr=1e-3)"), ("nn.Embedding(201, 8)", "nn.Embedding(80, 8)")],
        "decay-outweighs",
        "self.optimizer = torch.optim.AdamW([{'params': list(self.net.parameters()), 'weight_decay': 300.0}], lr=1e-3)",
    ),
    "a decay of SGD": (
        SCRIPT,
        [("SGD([table, weight, bias], lr=0.5)", "SGD([table, weight, bias], lr=0.5, weight_decay=0.1)")],
        "decay-outweighs",
        "opt = torch.optim.SGD([table, weight, bias], lr=0.5, weight_decay=0.1)",
    ),
    "a plan for epochs stepped at every batch": (
        OBJECT,
        [("            self.schedule.step()\n", ""), ("LambdaLR(self.optimizer, lambda n: 1.0)", "StepLR(self.optimizer, 5, 0.3)"), ("        return float(", "        self.schedule.step()\n        return float(")],
        "schedule-runs-out",
        "self.schedule.step()",
    ),
    "an exponential decay at every batch": (
        SCRIPT,
        [("def encode", "plan = torch.optim.lr_scheduler.ExponentialLR(opt, 0.8)\ndef encode"), ("        opt.step()", "        opt.step()\n        plan.step()")],
        "schedule-runs-out",
        "plan.step()",
    ),
    "a mild exponential decay at every batch": (
        OBJECT,
        [("            self.schedule.step()\n", ""), ("LambdaLR(self.optimizer, lambda n: 1.0)", "ExponentialLR(self.optimizer, 0.98)"), ("        return float(", "        self.schedule.step()\n        return float(")],
        "schedule-runs-out",
        "self.schedule.step()",
    ),
    "a cosine for epochs stepped at every batch": (
        OBJECT,
        [("            self.schedule.step()\n", ""), ("LambdaLR(self.optimizer, lambda n: 1.0)", "CosineAnnealingLR(self.optimizer, 10)"), ("        return float(", "        self.schedule.step()\n        return float(")],
        "schedule-wraps",
        "self.schedule.step()",
    ),
    "a warm-up of a million steps": (
        OBJECT,
        [("lambda n: 1.0", "lambda n: min(1.0, (n + 1) / 1000)")],
        "warm-up-too-long",
        "self.schedule.step()",
    ),
    "a rate set by hand that stays low": (
        SCRIPT,
        [("        opt.step()", "        opt.param_groups[0]['lr'] = min(0.5, opt.param_groups[0].get('n', 1) * 1e-6)\n        opt.param_groups[0]['n'] = opt.param_groups[0].get('n', 1) + 1\n        opt.step()")],
        "warm-up-too-long",
        "opt = torch.optim.SGD([table, weight, bias], lr=0.5)",
    ),
    "far too low a rate": (OBJECT, [("lr=1e-3", "lr=1e-8")], "learning-rate-too-low", "self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-8)"),
    "far too low a rate of SGD": (SCRIPT, [("lr=0.5", "lr=1e-6")], "learning-rate-too-low", "opt = torch.optim.SGD([table, weight, bias], lr=1e-6)"),
    "far too high a rate": (OBJECT, [("lr=1e-3", "lr=3.0")], "learning-rate-too-high", "self.optimizer = torch.optim.Adam(self.net.parameters(), lr=3.0)"),
    "far too high a rate in a script": (SCRIPT, [("SGD([table, weight, bias], lr=0.5)", "Adam([table, weight, bias], lr=2.0)")], "learning-rate-too-high", "opt = torch.optim.Adam([table, weight, bias], lr=2.0)"),
    "a softmax over one class": (
        OBJECT,
        [("F.cross_entropy(logits, y - 1)", "F.cross_entropy(logits.gather(1, (y - 1)[:, None]), torch.zeros(16, dtype=torch.long))")],
        "constant-loss",
        "loss = F.cross_entropy(logits.gather(1, (y - 1)[:, None]), torch.zeros(16, dtype=torch.long))",
    ),
    "a table drawn far too large for pairs": (
        SCRIPT,
        [("torch.randn(201, 8) * 0.1)", "torch.randn(201, 8) * 3.0)")],
        "initial-scale",
        "table = torch.nn.Parameter(torch.randn(201, 8) * 3.0)",
    ),
    "a table drawn far too large for a margin": (
        SCRIPT,
        [("torch.randn(201, 8) * 0.1)", "torch.randn(201, 8) * 3.0)"), ("F.softplus(down - up).mean()", "torch.relu(1 + down - up).mean()")],
        "initial-scale",
        "table = torch.nn.Parameter(torch.randn(201, 8) * 3.0)",
    ),
    "a table drawn far too large for a loss by hand": (
        OBJECT,
        [("std=0.1", "std=20.0"), ("F.cross_entropy(logits, y - 1)", "(logits.exp().sum(1).clamp(max=1e38).log() - logits[torch.arange(16), y - 1]).mean()")],
        "initial-scale",
        "self.items = nn.Embedding(201, 8)",
    ),
    "a table drawn far too large": (
        OBJECT,
        [("std=0.1", "std=20.0")],
        "initial-scale",
        "self.items = nn.Embedding(201, 8)",
    ),
}  # fmt: skip
HEALTHY: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "the object": (OBJECT, []),
    "the script": (SCRIPT, []),
    "gradients accumulated over two batches": (
        SCRIPT,
        [("        opt.zero_grad()\n", ""), ("        opt.step()\n", "        if _ % 2:\n            opt.step()\n            opt.zero_grad()\n")],
    ),
    "pairs held apart by a margin": (
        SCRIPT,
        [("F.softplus(down - up).mean()", "torch.relu(1 + down - up).mean()")],
    ),
    "cleared after the step": (
        OBJECT,
        [("        self.optimizer.zero_grad()\n", ""), ("        self.optimizer.step()\n", "        self.optimizer.step()\n        self.optimizer.zero_grad()\n")],
    ),
    "an optimizer that takes its turn later": (
        OBJECT,
        [
            ("torch.optim.Adam(self.net.parameters(), lr=1e-3)", "torch.optim.Adam([self.net.items.weight, self.net.position], lr=1e-3)\n        self.later = torch.optim.Adam(self.net.layers.parameters(), lr=1e-3)"),
        ],
    ),
    "an optimizer for the bias in every tenth round": (
        SCRIPT,
        [("torch.optim.SGD([table, weight, bias], lr=0.5)", "torch.optim.SGD([table, weight], lr=0.5)\nslow = torch.optim.SGD([bias], lr=0.1)"), ("    return loss.item()", "    if train.__dict__.setdefault('n', 0) == 9:\n        slow.step()\n    return loss.item()")],
    ),
    "the encoder of the last round": (
        OBJECT,
        [
            ("self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(2)])\n", "self.layers, self.before = (nn.ModuleList([nn.Linear(8, 8) for _ in range(2)]) for _ in range(2))\n        self.before.requires_grad_(False)\n"),
            ("        return h.mean(1)", "        for layer in self.before:\n            h = h + 0.1 * torch.tanh(layer(h))\n        return h.mean(1)"),
        ],
    ),
    "cleared by hand": (OBJECT, [("self.optimizer.zero_grad()", "[setattr(p, 'grad', None) for p in self.net.parameters()]")]),
    "decoupled decay": (OBJECT, [("Adam(self.net.parameters(), lr=1e-3)", "AdamW(self.net.parameters(), lr=1e-3, weight_decay=0.01)")]),
    "mild decay by SGD": (SCRIPT, [("lr=0.5", "lr=0.1, weight_decay=1e-4")]),
    "a short warm-up": (OBJECT, [("lambda n: 1.0", "lambda n: min(1.0, (n + 1) / 4)")]),
    "a cosine over all epochs": (OBJECT, [("LambdaLR(self.optimizer, lambda n: 1.0)", "CosineAnnealingLR(self.optimizer, 20)")]),
    "an exponential decay at every epoch": (OBJECT, [("LambdaLR(self.optimizer, lambda n: 1.0)", "ExponentialLR(self.optimizer, 0.9)")]),
    "one cycle over all steps": (
        OBJECT,
        [("            self.schedule.step()\n", ""), ("LambdaLR(self.optimizer, lambda n: 1.0)", "OneCycleLR(self.optimizer, 1e-3, total_steps=400)"), ("        return float(", "        self.schedule.step()\n        return float(")],
    ),
    "positions that are made, not learned": (
        OBJECT,
        [("nn.Parameter(torch.zeros(5, 8))", "nn.Parameter(torch.arange(40.0).view(5, 8).sin() * 0.1, requires_grad=False)")],
    ),
    "a moving average as teacher": (
        OBJECT,
        [
            ("        nn.init.normal_(", "        self.teacher = nn.Parameter(torch.randn(8, 8), requires_grad=False)\n        nn.init.normal_("),
            ("        self.optimizer.zero_grad()", "        self.net.teacher.data.mul_(0.9).add_(self.net.layers[0].weight.data, alpha=0.1)\n"
             "        loss = loss + 0.01 * (self.net.layers[0].weight @ self.net.teacher).pow(2).mean()\n        self.optimizer.zero_grad()"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DEFECTS)
def test_the_cause_is_named_on_its_line(found: Found, case: str) -> None:
    text, edits, code, line = DEFECTS[case]
    assert found(text, *edits) == [(code, line)]


STALE = (
    (OBJECT, ("        self.schedule =", "        self.net = Net()\n        self.schedule ="), "self.optimizer = "),
    (SCRIPT, ("def encode", "table, weight, bias = (p.detach().clone().requires_grad_() for p in (table, weight, bias))\ndef encode"), "opt = "),
)  # fmt: skip


@pytest.mark.parametrize(("text", "edit", "made"), STALE)
def test_an_optimizer_of_what_the_loss_does_not_use_is_accused_itself(
    found: Found, text: str, edit: tuple[str, str], made: str
) -> None:
    lines = dict(found(text, edit))
    assert lines["no-gradient-at-step"].startswith(made)


@pytest.mark.parametrize("case", HEALTHY)
def test_a_healthy_training_is_silent(found: Found, case: str) -> None:
    text, edits = HEALTHY[case]
    assert found(text, *edits) == []


def test_gradients_that_pile_up_are_not_blamed_on_the_rate(found: Found) -> None:
    edits = [("        self.optimizer.zero_grad()\n", ""), ("lr=1e-3", "lr=3.0")]
    codes = {code for code, _ in found(OBJECT, *edits)}
    assert "gradients-not-cleared" in codes and "learning-rate-too-high" not in codes


@pytest.mark.parametrize(("stepped", "first"), [("wrapper.py", "train.py"), ("train.py", "step")])
def test_gradients_are_cleared_in_the_loop_and_not_in_a_wrapper(stepped: str, first: str) -> None:
    watched = SimpleNamespace(
        gradients_not_cleared=99, optimizer_steps=100, losses=[1.0] * 100, trace={}, parameters=(),
        step_place=CodePlace(path=stepped, line=9, does="step"), loss_place=CodePlace(path="train.py", line=3),
        clear_place=None, steps_without_gradient=0,
    )  # fmt: skip
    found = gradient_clearing.PROBE.run(cast(Evidence, SimpleNamespace(watched=watched)))
    place = next(m for m in found if m.code == "gradients-not-cleared" and m.healthy is False).places[0]
    assert first in (place.path, place.does)


@pytest.mark.parametrize(("matrix_moved", "accused"), [(0.3, False), (30.0, True)])
def test_biases_that_begin_near_nothing_do_not_tell_of_the_rate(matrix_moved: float, accused: bool) -> None:
    def parameter(shape: tuple[int, ...], moved: float) -> SimpleNamespace:
        return SimpleNamespace(shape=shape, steps_with_grad=12, weight_norm_before=1.0, update_norm=moved)

    # Batches of users with long and short histories: the loss of each is another one from the first step on.
    losses = [73.1, 90.2, 71.0, 88.4, 76.2, 91.0, 75.0, 86.3, 79.9, 90.0, 74.4, 88.8]
    watched = SimpleNamespace(
        losses=losses, steps=12, optimizer_steps=12, gradients_not_cleared=0, learning_rates=((0, 0.003),), trace={},
        parameters=(parameter((96, 32), matrix_moved), parameter((96,), 30.0)), scheduler={}, max_epochs=5,
        epoch_ends=(4, 8, 12), epochs=3, kind="torch",
    )  # fmt: skip
    found = learning_rate.PROBE.run(cast(Evidence, SimpleNamespace(watched=watched)))
    assert any(m.code == "learning-rate-too-high" and m.healthy is False for m in found) == accused
