"""The tracer leaves nothing behind, stops where it should, and survives candidate code that fails."""

import builtins
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolution.worker.guest.tracing import trace_smoke

torch = pytest.importorskip("torch")


@pytest.fixture
def repo(tmp_path: Path) -> Callable[[str], Any]:
    """Write a module, run it, and trace the object that its `make()` returns."""

    def run(text: str, seconds: float = 10.0) -> dict[str, Any]:
        path = tmp_path / "m.py"
        path.write_text(text, encoding="utf-8")
        module: dict[str, Any] = {}
        builtins.exec(compile(text, str(path), "exec"), module)  # noqa: S102 -- the repo under test
        batch = (np.array([1]), np.array([[1, 2]]))
        return trace_smoke(module["make"], root=str(tmp_path), seconds=seconds, score_batch=batch)

    return run


HEAD = """
import torch
class R:
    def __init__(self):
        self.table = torch.nn.Parameter(torch.ones(5, 2))
        self.opt = torch.optim.SGD([self.table], lr=0.1)
        self.steps = 0
    def score(self, users, histories):
        return torch.ones(len(users), 2) @ self.table.T
"""
STEP = """
    def step(self):
        loss = self.table.sum()
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.steps += 1
"""
MAKE = """
made = []
def make():
    made.append(R())
    return made[-1]
"""


def test_two_steps_are_run_though_the_repo_catches_every_exception(
    repo: Callable[..., dict[str, Any]],
) -> None:
    body = """
    def fit(self):
        while True:
            try:
                self.step()
            except Exception:
                pass
"""
    trace = repo(HEAD + STEP + body + MAKE)
    assert trace["steps"] == 2
    assert trace["error"] == ""
    assert trace["score"]["shape"] == [1, 5]
    assert trace["executed_training"]["m.py"]


def test_fit_that_returns_a_list_is_stopped_all_the_same(repo: Callable[..., dict[str, Any]]) -> None:
    body = """
    def fit(self):
        return [self.step() for _ in range(100)]
"""
    assert repo(HEAD + STEP + body + MAKE)["steps"] == 2


def test_a_loop_that_never_trains_ends_at_the_limit(repo: Callable[..., dict[str, Any]]) -> None:
    body = """
    def fit(self):
        while True:
            pass
        yield {}
"""
    started = time.monotonic()
    trace = repo(HEAD + STEP + body + MAKE, 0.5)
    assert time.monotonic() - started < 3
    assert trace["steps"] == 0 and "no training step" in trace["note"]


def test_steps_that_come_late_on_a_busy_machine_are_traced(repo: Callable[..., dict[str, Any]]) -> None:
    body = """
    def fit(self):
        time.sleep(0.7)  # the clock's limit is over, the thread has hardly run
        for _ in range(3):
            self.step()
        yield {}
"""
    trace = repo("import time\n" + HEAD + STEP + body + MAKE, 0.5)
    assert trace["steps"] == 2 and not trace["note"]


def test_a_fit_that_sleeps_ends_too(repo: Callable[..., dict[str, Any]]) -> None:
    body = """
    def fit(self):
        while True:
            time.sleep(0.01)
        yield {}
"""
    started = time.monotonic()
    trace = repo("import time\n" + HEAD + STEP + body + MAKE, 0.5)
    assert time.monotonic() - started < 3
    assert "no training step" in trace["note"]


def test_parameters_are_named_though_scoring_ran_out_of_time(repo: Callable[..., dict[str, Any]]) -> None:
    body = """
    def fit(self):
        for _ in range(3):
            self.step()
        yield {}
    def score(self, users, histories):
        while True:
            torch.ones(1)
"""
    trace = repo(
        HEAD.replace("class R:", "class R(torch.nn.Module):").replace(
            "init__(self):", "init__(self):\n        super().__init__()"
        )
        + STEP
        + body
        + MAKE,
        0.5,
    )
    assert trace["steps"] == 2 and [one["name"] for one in trace["parameters"]] == ["table"]


def test_a_failure_is_reported_beside_what_was_traced(repo: Callable[..., dict[str, Any]]) -> None:
    body = """
    def fit(self):
        self.step()
        raise KeyError("lost")
        yield {}
"""
    trace = repo(HEAD + STEP + body + MAKE)
    assert "KeyError: 'lost'" in trace["error"]
    assert any(op["function"] == "backward" for op in trace["ops"])


def test_everything_patched_is_restored(repo: Callable[..., dict[str, Any]]) -> None:
    patched = [
        (torch.nn.Module, "__init__"),
        (torch.optim.Optimizer, "__init__"),
        (torch.utils.data.DataLoader, "__init__"),
        (torch.utils.data.DataLoader, "__iter__"),
        (torch.nn.Parameter, "__new__"),
    ]
    before = [owner.__dict__[name] for owner, name in patched]
    tracer = sys.gettrace()
    repo(HEAD + STEP + "    def fit(self):\n        while True:\n            self.step()\n" + MAKE)
    assert [owner.__dict__[name] for owner, name in patched] == before
    assert sys.gettrace() is tracer
    assert isinstance(torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter)
    with torch.no_grad():
        assert float(torch.ones(2).sum()) == 2.0


def test_a_repo_without_torch_is_traced_by_lines(repo: Callable[..., dict[str, Any]]) -> None:
    text = """
import numpy as np
class R:
    def fit(self):
        for _ in range(2):
            yield {"loss": 0.0}
    def score(self, users, histories):
        return np.zeros((len(users), 5))
def make():
    return R()
"""
    trace = repo(text)
    assert trace["kind"] == "python"
    assert "coarser" in trace["note"]
    assert {5, 6} <= set(trace["executed_training"]["m.py"])
    assert {8} <= set(trace["executed"]["m.py"])


@pytest.mark.parametrize(("drop_last", "rows"), [(True, 10), (False, 10)])
def test_a_loader_tells_its_rows_and_whether_it_drops_some(
    repo: Callable[..., dict[str, Any]], drop_last: bool, rows: int
) -> None:
    load = f"""
        data = torch.utils.data.TensorDataset(torch.arange({rows}))
        self.loader = torch.utils.data.DataLoader(data, batch_size=6, drop_last={drop_last})
    def fit(self):
        while True:
            for _ in self.loader:
                self.step()
            yield {{"loss": 1.0}}
"""
    head = HEAD.replace("        self.steps = 0\n", "        self.steps = 0" + load)
    trace = repo(head + STEP + MAKE)
    (loader,) = trace["loaders"]
    assert (loader["rows"], loader["batch_size"], loader["drops_last"], loader["trained"]) == (
        rows,
        6,
        drop_last,
        True,
    )
