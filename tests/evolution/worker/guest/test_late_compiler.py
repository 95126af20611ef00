"""torch's compiler stays unloaded until something compiles, and then it is the real one for all."""

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.process]

START = """
import json, sys
from evolution.worker.guest import late_compiler
late_compiler.keep_compiler_unloaded()
late_compiler.keep_compiler_unloaded()  # once more changes nothing
import torch

def model_and_step(optimizer_of):
    torch.manual_seed(7)
    model = torch.nn.Linear(3, 1)
    optimizer = optimizer_of(model.parameters(), lr=0.1)
    inputs = torch.arange(6.0).reshape(2, 3)
    def step():
        optimizer.zero_grad()
        loss = model(inputs).square().mean()
        loss.backward()
        optimizer.step()
        return loss.detach()
    return model, step

model, step = model_and_step(torch.optim.Adam)
for _ in range(3):
    step()
told = {"after_eager": late_compiler.compiler_is_loaded()}
"""
COMPILED = """
_, again = model_and_step(torch.optim.Adam)
expected = [again().item() for _ in range(4)]
_, fresh = model_and_step(torch.optim.Adam)
compiled = torch.compile(fresh, backend="eager")
told["same"] = bool(torch.allclose(torch.tensor(expected), torch.stack([compiled() for _ in range(4)]), rtol=0.01))
step()  # an optimizer from before the compiler came
"""
PART = """
import torch._dynamo.config as config
told["part_is_the_packages"] = torch._dynamo.config is config
told["own_spec"] = config.__spec__.origin == config.__file__
from torch._dynamo import utils
told["one_module"] = sys.modules["torch._dynamo.utils"] is utils and sys.modules["torch._dynamo"] is torch._dynamo
"""
WATCHED = """
import importlib.util, pathlib, tempfile
from evolution.worker.guest.watching import LineWatch
folder = tempfile.mkdtemp()
file = pathlib.Path(folder, "program.py")
file.write_text("def double(x):\\n    y = x + x\\n    return y\\n")
spec = importlib.util.spec_from_file_location("program", file)
program = importlib.util.module_from_spec(spec)
spec.loader.exec_module(program)
watch = LineWatch(folder)
watch.run(lambda: torch.compile(program.double, backend="eager")(torch.ones(3)))
told["lines"] = watch.lines() == {"program.py": [2, 3]}
"""
PATCHED = """
from unittest import mock
held = torch._dynamo
with mock.patch("torch._dynamo.disable", lambda fn: 7):
    assert torch._dynamo.disable(print) == 7
assert torch._dynamo.disable(lambda: 8)() == 8 and not late_compiler.compiler_is_loaded()
with mock.patch("torch._dynamo.reset", lambda: 9):
    assert torch._dynamo.reset() == 9
told["put_back"] = callable(sys.modules["torch._dynamo"].reset) and torch._dynamo.reset() != 9
held.mark_static_address = None
told["of_the_real_one"] = sys.modules["torch._dynamo"].mark_static_address is None and torch._dynamo is not held
told["its_file"] = held.__file__ == torch._dynamo.__file__
del held.mark_static_address
told["taken_back"] = not hasattr(torch._dynamo, "mark_static_address")
"""
THREADS = """
import gc, importlib, threading
for _ in range(100):
    assert torch._dynamo.disable(lambda: 7)() == 7
gc.collect()
(finder,) = (one for one in sys.meta_path if "late_compiler" in type(one).__module__)
told["forgotten"] = len(finder.marked) < 50
start, found = threading.Barrier(4), []
def ask(work):
    start.wait()
    found.append(work())
asks = [lambda: torch._dynamo.config, lambda: importlib.import_module("torch._dynamo.config"),
        lambda: importlib.import_module("torch._dynamo.utils"), lambda: torch._dynamo.reset]
threads = [threading.Thread(target=ask, args=(work,), daemon=True) for work in asks]
[thread.start() for thread in threads]
[thread.join(120) for thread in threads]
told["all_answered"] = len(found) == 4
"""
END = """
told["at_end"] = late_compiler.compiler_is_loaded()
told["finders"] = sum("late_compiler" in type(finder).__module__ for finder in sys.meta_path)
print(json.dumps(told))
"""


def _told(body: str) -> dict[str, bool]:
    ended = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", START + body + END],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_training_does_not_load_it():
    assert _told("") == {"after_eager": False, "at_end": False, "finders": 1}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (COMPILED, {"same": True}),
        (PART, {"part_is_the_packages": True, "own_spec": True, "one_module": True}),
        (WATCHED, {"lines": True}),
        (PATCHED, {"put_back": True, "of_the_real_one": True, "its_file": True, "taken_back": True}),
        (THREADS, {"forgotten": True, "all_answered": True}),
    ],
    ids=["compiled", "part", "watched", "patched", "threads"],
)
def test_whatever_asks_for_it_gets_the_real_one(body, expected):
    assert _told(body) == {"after_eager": False, **expected, "at_end": True, "finders": 0}
