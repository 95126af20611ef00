"""From an optimizer, a schedule or a table back to the number that sets its rate, its length or its width."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.findings import CodePlace
from tests.diagnosis.marked import line_of

FIELDS = {
    "settings.py": """
from dataclasses import dataclass

@dataclass
class Training:
    rate: float = 0.7  # rate
    steps: int = 90_000  # warm
    epochs: int = 5
""",
    "fit.py": """
import torch
from settings import Training

class Runner:
    def __init__(self, net, settings: Training):
        self.plan = settings
        self.adam = torch.optim.Adam(net.parameters(), self.plan.rate)  # optimizer
        self.ramp = torch.optim.lr_scheduler.LinearLR(self.adam, 0.1, 1.0, total_iters=settings.steps)

    def epoch(self, batches):
        for batch in batches:
            self.adam.step()
            self.ramp.step()  # schedule

def start(net):
    Runner(net, Training(epochs=9))
""",
}
OPTIONS = {
    "main.py": """
import argparse
import torch
from transformers import get_linear_schedule_with_warmup

def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--learning-rate", type=float, default=3.0)  # rate
    parser.add_argument("-w", "--warmup", type=int, default=8000)  # warm
    return parser.parse_args()

def made(net, *, kind="adamw", **rest):
    return torch.optim.AdamW(net.parameters(), **rest)  # optimizer

def run(net, batches):
    given = options()
    optimizer = made(net, lr=given.learning_rate, weight_decay=0.0)
    schedule = get_linear_schedule_with_warmup(optimizer, given.warmup, 10 * given.warmup)
    for batch in batches:
        optimizer.step()
        schedule.step()  # schedule
""",
}
MERGED = {
    "main.py": """
import torch

BASE = {"decay": 0.0, "rate": 5e-3}
CONFIG = {**BASE, "rate": 0.9, "sizes": [3]}  # rate
BASE_STEPS = 7

def ramp(step, length=40000):  # warm
    return min(1.0, step / length)

def main(net, batches):
    groups = [{"params": net.parameters(), "lr": CONFIG.get("rate", 0.1)}]
    opt = torch.optim.SGD(groups)
    opt = torch.optim.SGD([{"params": net.parameters(), "lr": CONFIG["rate"]}])  # optimizer
    plan = torch.optim.lr_scheduler.LambdaLR(opt, lambda step: ramp(step))
    for batch in batches:
        plan.step()  # schedule
""",
}
PAIR = {
    "settings.py": """
from dataclasses import dataclass

@dataclass
class Settings:
    rate: float = 1e-3
    warm: int = 9000  # warm
    epochs: int = 5
""",
    "main.py": """
import torch

def cosine_schedule(optimizer, warm, steps):
    def factor(step):
        return step / warm if step < warm else 1 - (step - warm) / max(1, steps)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)

class Trainer:
    def __init__(self, net, settings):
        self.net, self.settings = net, settings
        self.optimizer, self.plan = self.optimizer_and_schedule()

    def optimizer_and_schedule(self):
        optimizer = torch.optim.Adam(self.net.parameters(), lr=self.settings.rate)
        return optimizer, cosine_schedule(optimizer, self.settings.warm, 20 * self.settings.epochs)

    def step(self):
        self.optimizer.step()
        self.plan.step()  # schedule
""",
}
SCALED = {
    "main.py": """
import torch

RATE = 1e-3

def main(net, batches, size):
    opt = torch.optim.Adam(net.parameters(), lr=RATE * size)  # optimizer # rate
""",
}


def first(code: str, sources: dict[str, str], said: str) -> tuple[str, int]:
    path, line = line_of(sources, said)
    best = decided(code, [CodePlace(path=path, line=line)], sources)[0]
    return best.path, best.line


@pytest.mark.parametrize("sources", [FIELDS, OPTIONS, MERGED, SCALED])
def test_learning_rate_stands_where_its_number_is_written(sources: dict[str, str]) -> None:
    for code in ("learning-rate-too-high", "learning-rate-too-low"):
        assert first(code, sources, "# optimizer") == line_of(sources, "# rate")


@pytest.mark.parametrize("sources", [FIELDS, OPTIONS, MERGED, PAIR])
def test_warm_up_stands_where_its_length_is_written(sources: dict[str, str]) -> None:
    assert first("warm-up-too-long", sources, "# schedule") == line_of(sources, "# warm")


def test_of_many_numbers_none_is_told() -> None:
    text = "import torch\n\ndef f(net, kind):\n    rates = {'a': 1.0, 'b': 2.0, 'c': 3.0}\n    lr = rates[kind]\n"
    text += "    torch.optim.SGD(net.parameters(), lr=lr)\n"
    text = text.replace("{'a': 1.0, 'b': 2.0, 'c': 3.0}", "{\n'a': 1.0,\n'b': 2.0,\n'c': 3.0}")
    seen = (CodePlace(path="m.py", line=9),)
    assert decided("learning-rate-too-high", seen, {"m.py": text}) == seen


@pytest.mark.parametrize(
    ("inside", "number"),
    [
        ("self.items.weight.data.uniform_(-WIDTH, WIDTH)", "WIDTH = 9.0"),
        ("nn.init.normal_(self.items.weight, mean=0.0, std=WIDTH)", "WIDTH = 9.0"),
        ("nn.init.normal_(self.items.weight, 0.0, 8.0)", "8.0"),
    ],
)
def test_first_table_stands_where_it_is_filled_and_how_widely(inside: str, number: str) -> None:
    text = "from torch import nn\n\nWIDTH = 9.0\n\nclass Net(nn.Module):\n    def __init__(self, n):\n"
    text += f"        self.items = nn.Embedding(n, 8)  # table\n        self.far = nn.Linear(8, 8)\n        {inside}\n"
    sources = {"net.py": text}
    assert first("initial-scale", sources, "# table") == line_of(sources, number)


def test_first_table_that_a_hook_fills_stands_in_the_hook() -> None:
    text = "from torch import nn\n\ndef fill(m):\n    if isinstance(m, nn.Linear):\n        m.weight.data.normal_(0, 0.1)\n"
    text += "    elif isinstance(m, nn.Embedding):\n        m.weight.data.normal_(0, 7.0)  # filled\n\n"
    text += "class Net(nn.Module):\n    def __init__(self, n):\n        self.items = nn.Embedding(n, 8)  # table\n        self.apply(fill)\n"
    sources = {"net.py": text}
    assert first("initial-scale", sources, "# table") == line_of(sources, "# filled")


TEMPERATURES = [
    "class Net:\n    def __init__(self, opt):\n        self.scale = opt['scale']\n\n    def scores(self, u, v):\n"
    "        return self.scale * norm(u) @ norm(v).T  # logits\n\nOPT = {'hidden': 64,\n       'scale': 1.0,  # number\n}\nNet(OPT)\n",
    "def scores(u, v, tau):\n    cosines = norm(u) @ norm(v).T\n    return cosines / tau  # logits\n\ndef run(u, v):\n"
    "    return scores(u, v, tau=10.0)  # number\n",
]


@pytest.mark.parametrize("text", TEMPERATURES)
def test_logits_stand_where_their_scale_is_written(text: str) -> None:
    sources = {"net.py": text}
    assert first("bounded-logits", sources, "# logits") == line_of(sources, "# number")


def test_logits_without_a_scale_stay_where_they_are_made() -> None:
    sources = {"net.py": "def scores(u, v):\n    return norm(u) @ norm(v).T  # logits\n"}
    assert first("bounded-logits", sources, "# logits") == line_of(sources, "# logits")


def test_logits_that_a_temperature_multiplies_stay_where_it_does() -> None:
    text = "TAU = 0.1\n\ndef scores(u, v):\n    return u @ v.T * TAU  # logits\n"
    assert first("bounded-logits", {"net.py": text}, "# logits") == line_of({"net.py": text}, "# logits")


@pytest.mark.parametrize("loop", ["for p in self.parameters():", "for name, p in self.named_parameters():"])
def test_table_that_a_loop_over_all_parameters_fills_stands_where_that_fills_it(loop: str) -> None:
    text = (
        "import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n    def __init__(self, n):\n        super().__init__()\n"
        f"        self.items = nn.Embedding(n, 8)  # table\n        {loop}\n            if p.dim() > 1:\n"
        "                nn.init.normal_(p.data)  # filled\n"
    )
    assert first("initial-scale", {"m.py": text}, "# table") == line_of({"m.py": text}, "# filled")
