"""The kit runs a stranger's script one epoch at a time, and the script does not notice."""

import gc
import importlib.util
import runpy
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from seeds.shop import make
from seeds.split import LeaveLastTwoOut, split
from tests.evolution.adopting.strangers import CALLED, FLAT, LAYOUTS, imported, write_stranger

pytestmark = pytest.mark.trains


@pytest.fixture(scope="module")
def log() -> Any:
    return split(make("micro").interactions, LeaveLastTwoOut()).training


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return tmp_path / "repo"


def _program(repo: Path, script: str, **asked: Any) -> tuple[Any, Any]:
    """The kit and a program of the script `train.py` alone, which needs no log."""
    write_stranger(repo, script)
    with imported(repo) as kit:
        return kit, kit.Program("train.py", **{"loop": "epoch", **asked})


COUNTING = """import sys
done = []
for epoch in range(3):
    for epoch_of_something in range(2):
        pass
    if epoch == 1:
        continue
    done.append((epoch, sys.argv[1:]))
after = "the loop"
"""


def test_an_epoch_is_one_turn_of_the_loop(repo: Path) -> None:
    _, run = _program(repo, COUNTING, argv=["--rate", 0.5], report="epoch")
    run.start()
    assert run["done"] == []
    assert [run.epoch(), run["done"]] == [{"epoch": 1.0}, [(0, ["--rate", "0.5"])]]
    told = list(iter(run.epoch, None))
    assert len(told) == 2 and run["done"][-1][0] == 2 and run["after"] == "the loop"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_trains_to_the_bit_what_the_script_trains_alone(
    repo: Path, log: Any, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stranger(repo, LAYOUTS[layout])
    with imported(repo) as kit:
        adapter = __import__("adapter")
        recommender = adapter.build(log, device="cpu", seed=3)
        told = [epoch for _, epoch in zip(range(2), recommender.fit())]
        ours = {name: value.clone() for name, value in recommender.model.state_dict().items()}
        text = (recommender.run.scratch / "data" / "log.txt").read_text()
    alone = write_stranger(repo.parent / "alone", LAYOUTS[layout])
    (alone / "data").mkdir()
    (alone / "data" / "log.txt").write_text(text)
    monkeypatch.chdir(alone)
    monkeypatch.syspath_prepend(alone)
    monkeypatch.setattr(sys, "argv", ["train.py", "--dataset", "log", "--seed", "3", "--epochs", "2"])
    monkeypatch.setattr("builtins.input", lambda _: "n")
    for name in ("data", "model"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with suppress(SystemExit):
        runpy.run_path("train.py", run_name="__main__")
    theirs = torch.load("checkpoints/last.pt")
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs) and len(told) == 2
    assert told[0]["loss"] > told[1]["loss"] > 0
    assert repo.resolve() == kit.ROOT


def test_what_it_writes_stays_in_the_scratch_folder(repo: Path) -> None:
    script = (
        "import os\nos.makedirs('runs')\nopen('runs/log.txt', 'w').write('a')\nopen('notes.md', 'a').write('b')\n"
        "open(os.path.join(os.path.dirname(__file__), 'beside.txt'), 'w').write('c')\nfor epoch in range(1):\n    pass\n"
    )
    (repo / "sub").mkdir(parents=True)
    (repo / "notes.md").write_text("mine")
    before = sorted(path.relative_to(repo) for path in write_stranger(repo, script).rglob("*"))
    with imported(repo) as kit:
        run = kit.Program("train.py", loop="epoch").start()
        assert (run.scratch / "notes.md").read_text() == "mineb" and (run.scratch / "beside.txt").exists()
        after = sorted(p.relative_to(repo) for p in repo.rglob("*") if "__pycache__" not in p.parts)
    assert after == before and (repo / "notes.md").read_text() == "mine"


def test_absolute_paths_lead_into_the_scratch_folder(repo: Path) -> None:
    script = (
        "import os, torch\nfrom pathlib import Path\nhere = Path(__file__).resolve().parent\n(here / 'out').mkdir(exist_ok=True)\n"
        "(here / 'out' / 'a.txt').write_text('a')\ntorch.save({'x': 1}, here / 'out' / 'x.pt')\nback = torch.load(here / 'out' / 'x.pt')\n"
        "there = os.path.exists('/data/of/somebody/log.txt'), open('/data/of/somebody/log.txt').read()\n"
        "for epoch in range(1):\n    pass\n"
    )
    write_stranger(repo, script)
    with imported(repo) as kit:
        kit.write_text("mine/log.txt", "1 2")
        run = kit.Program("train.py", loop="epoch", paths={"/data/of/somebody": "mine"}).start()
        assert (run.scratch / "out" / "a.txt").read_text() == "a" and run["back"] == {"x": 1}
        assert run["there"] == (True, "1 2") and not (repo / "out").exists()


def test_who_writes_cuda_means_the_processor_where_there_is_no_gpu(repo: Path) -> None:
    script = (
        "import torch\nmodel = torch.nn.Linear(2, 1).cuda().to('cuda:0')\nx = torch.ones(1, 2, device='cuda').to(torch.device('cuda'))\n"
        "for epoch in range(1):\n    y = model(x.cuda())\n"
    )
    _, run = _program(repo, script)
    run.start()
    run.epoch()
    assert run["y"].device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert not hasattr(torch.zeros, "__wrapped__")


def test_nobody_sits_at_a_keyboard(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = (
        "name = input('who? ')\nagain = input()\nimport pdb; pdb.set_trace()\nbreakpoint()\n"
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nfor epoch in range(1):\n    pass\nexit()\n"
    )
    _, run = _program(repo, script, answers=["ann"])
    assert run.start()["name"] == "ann" and run["again"] == ""
    assert run.epoch() is not None or run.ended
    assert "debugger" in capsys.readouterr().out and not sys.stdin.closed


def test_outside_of_the_program_nothing_is_changed(repo: Path) -> None:
    before = (Path.cwd(), list(sys.argv), list(sys.path), sys.modules["__main__"], input, torch.Tensor.cuda)
    _, run = _program(repo, "import torch\nx = torch.ones(1).cuda()\nfor epoch in range(2):\n    pass\n")
    run.start()
    assert (
        Path.cwd(),
        list(sys.argv),
        list(sys.path),
        sys.modules["__main__"],
        input,
        torch.Tensor.cuda,
    ) == before


def test_an_exception_keeps_its_line(repo: Path) -> None:
    _, run = _program(
        repo, "def step(n):\n    return 1 / n\n\n\nfor epoch in range(3):\n    step(1 - epoch)\n"
    )
    assert run.start().epoch() is not None
    with pytest.raises(ZeroDivisionError) as caught:
        run.epoch()
    places = [(Path(str(entry.path)).name, entry.lineno + 1) for entry in caught.traceback]
    assert places[-2:] == [("train.py", 6), ("train.py", 2)]
    assert run.ended and run.epoch() is None


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("raise SystemExit(2)\nfor epoch in range(3):\n    pass\n", "exit code 2"),
        ("for step in range(3):\n    pass\n", "have no loop over epoch"),
        ("exit()\nfor epoch in range(3):\n    pass\n", "before it came to its loop over epoch"),
        (
            "import torch\nx = torch.ones(1, requires_grad=True)\nwhile True:\n    try:\n        x.sum().backward()\n"
            "    except Exception:\n        pass\n",
            "have no loop over epoch",
        ),
    ],
)
def test_a_program_that_never_trains_says_why(repo: Path, script: str, said: str) -> None:
    kit, run = _program(repo, script)
    with pytest.raises(kit.ProgramEnded, match=said):
        run.start()


def test_a_missing_script_is_named(repo: Path) -> None:
    write_stranger(repo, FLAT)
    with imported(repo) as kit, pytest.raises(FileNotFoundError, match=r"no main\.py"):
        kit.Program("main.py", loop="epoch").start()


def test_a_recommender_that_is_dropped_ends_its_program(repo: Path) -> None:
    script = "log = []\ntry:\n    for epoch in range(9):\n        pass\nfinally:\n    log.append('closed')\n"
    _, run = _program(repo, script)
    run.start()
    log = run["log"]
    thread = next(one for one in threading.enumerate() if one is run._core.thread._thread)
    del run
    gc.collect()
    assert log == ["closed"] and not thread.is_alive()


def test_each_build_has_modules_of_its_own(repo: Path, log: Any) -> None:
    write_stranger(repo, CALLED)
    with imported(repo):
        adapter = __import__("adapter")
        first, second = (adapter.build(log, device="cpu", seed=0) for _ in range(2))
        torch.manual_seed(0)
        next(first.fit())
        assert type(first.model) is not type(second.model)
        assert not torch.equal(first.model.items.weight, second.model.items.weight)
        torch.manual_seed(0)
        next(second.fit())
        assert torch.equal(first.model.items.weight, second.model.items.weight)


def test_a_program_that_has_ended_is_trained_anew(repo: Path) -> None:
    _, run = _program(repo, "for epoch in range(2):\n    seen = epoch\n")
    assert len(list(iter(run.start().epoch, None))) <= 2 and run.ended
    run.restart()
    assert run.start()["epoch"] == 0


CALLS = """import torch

model = torch.nn.Linear(2, 1)


class Trainer:
    def __init__(self):
        self.model, self.saved = model, []
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def save(self):
        self.saved.append(1)

    def fit(self):
        self.save()
        for _ in range(2):
            for _ in range(3):
                self.model.train()
                loss = self.model(torch.ones(4, 2)).pow(2).mean()
                loss.backward()
                self.optimizer.step()
                self.optimizer.zero_grad()
            self.save()


trainer = Trainer()
trainer.fit()
"""


def _steps(run: Any) -> Iterator[int]:
    while run.epoch() is not None:
        yield run._core.steps_done


@pytest.mark.parametrize(
    ("asked", "steps", "saved"),
    [
        ({"at": "Trainer.save"}, [3, 6], 3),
        ({"at": "train.py:Trainer.save", "skip": "train.py:Trainer.save"}, [3, 6], 0),
        ({"every": 2}, [2, 4, 6], 3),
        ({"at": "torch.optim:Optimizer.add_param_group", "skip": "save"}, [6], 0),
    ],
)
def test_an_epoch_may_end_at_a_call_or_after_some_steps(
    repo: Path, asked: dict[str, Any], steps: list[int], saved: int
) -> None:
    _, run = _program(repo, CALLS, **{"loop": None, **asked})
    run.start()
    assert isinstance(run["model"], torch.nn.Linear)
    seen = [count for count in _steps(run) if count]
    assert seen == steps and len(run["trainer.saved"]) == saved


def test_values_stand_in_the_place_of_constants(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = (
        "import settings\nfor epoch in range(settings.EPOCHS):\n    path = settings.Paths.train\nLAST = 5\n"
    )
    write_stranger(
        repo,
        script,
        settings="EPOCHS: int = 100\nROOT = '/home/somebody'\n\n\nclass Paths:\n    train = ROOT + '/x'\n",
    )
    with imported(repo) as kit:
        given = {"settings.py:EPOCHS": 2, "settings.py:ROOT": "data", "train.py:LAST": 7, "ROTO": 1}
        run = kit.Program("train.py", loop="epoch", values=given).start()
        assert len(list(iter(run.epoch, None))) <= 2
        assert (run["epoch"], run["path"], run["LAST"]) == (1, "data/x", 7)
    assert "has no ROTO, which" in capsys.readouterr().out


def test_libraries_that_are_not_there_are_stood_in_for(repo: Path) -> None:
    script = (
        "from no_such_library.tensorboard import SummaryWriter\nfrom no_such_bar import bar\nwriter = SummaryWriter('runs')\n"
        "for epoch in bar(range(3), total=3):\n    writer.add_scalar('loss', 0.5, epoch)\n"
    )
    _, run = _program(repo, script, stubs=["no_such_library", "no_such_bar"], report="epoch")
    run.start()
    assert [told["epoch"] for told in iter(run.epoch, None)] == [1.0, 2.0, 2.0]


@pytest.mark.parametrize("script", ["shop.train", "shop"])
def test_a_module_is_run_as_python_m_runs_it(repo: Path, script: str) -> None:
    write_stranger(repo, FLAT)
    package = repo / "src" / "shop"
    package.mkdir(parents=True)
    text = "from .parts import N\nif __name__ == '__main__':\n    for epoch in range(N):\n        pass\n"
    files = {"__init__": "", "parts": "N = 2\n", "train": text, "__main__": text}
    for name, words in files.items():
        (package / f"{name}.py").write_text(words)
    with imported(repo) as kit:
        run = kit.Program(script, loop="epoch", report="N").start()
        assert [told["N"] for told in iter(run.epoch, None)] == [2.0, 2.0]


def test_a_notebook_is_a_program_of_its_cells(repo: Path) -> None:
    import json

    cells = [
        {"cell_type": "markdown", "source": ["# A model\n"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip install torch\n", "total = 0"]},
        {"cell_type": "code", "source": ["for epoch in range(2):\n", "    total += 1 / (1 - epoch)"]},
    ]
    write_stranger(repo, FLAT)
    (repo / "train.ipynb").write_text(json.dumps({"cells": cells}, indent=1))
    lines = (repo / "train.ipynb").read_text().splitlines()
    with imported(repo) as kit:
        run = kit.Program("train.ipynb", loop="epoch").start()
        assert run["total"] == 0
        run.epoch()
        with pytest.raises(ZeroDivisionError) as caught:
            run.epoch()
    assert "total += 1" in lines[caught.traceback[-1].lineno]


def test_a_variable_that_is_not_there_is_answered_with_those_that_are(repo: Path) -> None:
    _, run = _program(repo, "net = 1\nfor epoch in range(1):\n    pass\n")
    with pytest.raises(LookupError, match=r"no variable model where it waits; it has .*net"):
        run.start()["model"]


def test_what_numpy_raises_is_the_callers(repo: Path) -> None:
    _, run = _program(
        repo, "import numpy as np\nfor epoch in range(3):\n    x = np.float64(0.0) * np.float64(np.inf)\n"
    )
    run.start()
    with np.errstate(invalid="ignore"):
        run.epoch()
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        run.epoch()


def test_workers_of_a_loader_are_none_of_the_programs_thread(repo: Path, log: Any) -> None:
    write_stranger(repo, FLAT.replace("batch_size=16", "batch_size=256, num_workers=1"))
    with imported(repo):
        recommender = __import__("adapter").build(log, device="cpu", seed=0)
        assert next(recommender.fit())["loss"] > 0


def test_a_state_without_torch_is_the_models_arrays(repo: Path) -> None:
    script = (
        "import numpy as np\n\n\nclass Model:\n    def __init__(self):\n        self.users, self.items = np.ones((3, 2)), np.eye(4, 2)\n\n\n"
        "model = Model()\nfor epoch in range(3):\n    model.items += 1\n"
    )
    write_stranger(repo, script)
    data = SimpleNamespace(n_users=2, n_items=3, users=np.array([1, 2]), items=np.array([1, 3]))
    with imported(repo) as kit:
        run = kit.Program("train.py", loop="epoch")
        recommender = kit.Recommender(data, run, score=kit.scores.matrix("users", "items"), table="items")
        kept = recommender.state_dict()
        next(recommender.fit())
        moved = recommender.score(np.array([1, 2]), np.array([[0, 1], [0, 3]]))
        recommender.load_state_dict(kept)
        assert moved.shape == (2, 4) and (moved[:, 1:] > recommender.score([1, 2], [[1], [3]])[:, 1:]).all()
        assert recommender.item_embeddings().shape == (4, 2)


def test_tensorboard_is_stood_in_for_within_torch_and_inherited_from(repo: Path) -> None:
    pytest.importorskip("torch")
    if importlib.util.find_spec("tensorboard") is not None:
        pytest.skip("tensorboard is installed here")
    script = (
        "from torch.utils.tensorboard import SummaryWriter\nfrom tensorboardX import SummaryWriter as Other\n"
        "class Writer(Other):\n    pass\n"
        "with SummaryWriter('runs') as writer:\n    for epoch in range(2):\n"
        "        writer.add_scalar('loss', 0.5, epoch)\n        Writer('runs').add_scalar('loss', 0.5, epoch)\n"
    )
    _, run = _program(repo, script, stubs=["tensorboard", "tensorboardX"], report="epoch")
    run.start()
    assert [told["epoch"] for told in iter(run.epoch, None)] == [1.0, 1.0]


TRAINING_LIBRARY = """import os

HERE = os.path.dirname(__file__)


class Trainer:
    def fit(self):
        numbered = [line.strip() for line in open(os.path.join(HERE, "inner/../example/log.txt"))]
        for turn in range(2):
            self.ended(turn)

    def ended(self, turn):
        return None
"""


def test_a_library_that_trains_is_asked_for_its_variables_and_reads_the_log(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "libraries" / "outer_library"
    (library / "example").mkdir(parents=True)
    (library / "example" / "log.txt").write_text("its own\n")
    (library / "__init__.py").write_text(TRAINING_LIBRARY)
    monkeypatch.syspath_prepend(str(library.parent))
    script = "from outer_library import Trainer\nturn = 'mine'\nTrainer().fit()\n"
    write_stranger(repo, script)
    with imported(repo) as kit:
        kit.write_text("evolverec_data/log.txt", "the log\n")
        run = kit.Program(
            "train.py",
            at="outer_library:Trainer.ended",
            start="outer_library:Trainer.fit",
            paths={"outer_library:example": "evolverec_data"},
        )
        run.epoch()
        assert run["numbered"] == ["the log"]  # a variable of the library's function
        assert run["turn"] == "mine"  # the repo's own come first
        with pytest.raises(ModuleNotFoundError, match="no_such_library"):
            kit.Program("train.py", at="outer_library:Trainer.ended", paths={"no_such_library:data": "data"})


def test_a_model_that_scores_pairs_alone_is_asked_for_each_as_recbole_does(repo: Path) -> None:
    kit, _ = _program(repo, COUNTING)

    class Pairs:
        def full_sort_predict(self, interaction: Any) -> Any:
            raise NotImplementedError

        def predict(self, interaction: Any) -> Any:
            return interaction["user_id"] * 100.0 + interaction["item_id"]

    data = SimpleNamespace(n_users=3, n_items=4, users=np.array([1, 2, 3]), items=np.array([1, 2, 4]))
    ids = kit.Ids(data, order="appearance", length=2)
    told = kit.scores.all_items()(Pairs(), np.array([1, 3]), np.zeros((2, 2), np.int64), ids)
    assert told[:, 1:].tolist() == [[101, 102, 103], [301, 302, 303]]

    class Broken(Pairs):
        def full_sort_predict(self, interaction: Any) -> Any:
            return super().full_sort_predict(interaction) if interaction is None else self.layer(interaction)

        def layer(self, interaction: Any) -> Any:
            raise NotImplementedError("no such kernel")

    with pytest.raises(NotImplementedError, match="no such kernel"):
        kit.scores.all_items()(Broken(), np.array([1, 3]), np.zeros((2, 2), np.int64), ids)
