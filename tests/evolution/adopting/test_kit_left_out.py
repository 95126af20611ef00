"""What is left out of a program: its evaluation, which what follows the training may need, and libraries that only record."""

from pathlib import Path
from typing import Any

import pytest

from tests.evolution.adopting.strangers import imported, write_stranger

pytestmark = pytest.mark.trains


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return tmp_path / "repo"


def _program(repo: Path, script: str, **asked: Any) -> tuple[Any, Any]:
    """The kit and a program of the script `train.py` alone, which needs no log."""
    write_stranger(repo, script)
    with imported(repo) as kit:
        return kit, kit.Program("train.py", **{"loop": "epoch", **asked})


AFTERWARDS = """best = None


def evaluate():
    global best
    best = {"epoch": 1}


for epoch in range(3):
    if epoch == 9:
        break
    evaluate()
print(best["epoch"])
"""


def test_what_a_program_does_after_its_last_epoch_may_need_an_evaluation_that_is_left_out(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, run = _program(repo, AFTERWARDS, skip="evaluate", report="epoch")
    run.start()
    assert [told["epoch"] for told in iter(run.epoch, None)] == [1.0, 2.0, 2.0]
    assert "after its last epoch train.py raised TypeError" in capsys.readouterr().out
    _, whole = _program(repo, AFTERWARDS.replace("global best", "global last"), report="epoch")
    whole.start()
    with pytest.raises(TypeError):
        list(iter(whole.epoch, None))
    _, inside = _program(
        repo, AFTERWARDS.replace("break", "pass").replace("epoch == 9", "best['x']"), skip="evaluate"
    )
    with pytest.raises(TypeError):
        list(iter(inside.start().epoch, None))


def test_a_library_that_only_records_is_stood_in_for_where_it_is_installed(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "installed"
    installed.mkdir()
    (installed / "wandb.py").write_text("raise OSError('no server')\n")
    monkeypatch.syspath_prepend(str(installed))
    script = "import wandb\nwandb.init()\nfor epoch in range(2):\n    wandb.log({'loss': 1.0})\n"
    _, run = _program(repo, script, stubs=["wandb"], report="epoch")
    assert run.start().epoch() is not None
