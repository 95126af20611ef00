"""What evolverec sees of a program that the kit runs: the user's lines, as if the adapter had copied the loop; and the program
trains to the bit what it trains unwatched."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diagnosis.findings import Role
from diagnosis.roles import find_sites
from diagnosis.rules.check import check_source, check_sources
from evolution.adopting.kit import kit_text
from evolution.base.errors import EditError
from evolution.domain.edits import Edit, apply_edits
from evolution.worker.guest import failures
from evolution.worker.guest.bad_values import find_bad_value
from evolution.worker.guest.carried_state import carried
from evolution.worker.guest.epoch_watch import watch_epochs
from evolution.worker.guest.tracing import trace_smoke
from evolution.worker.guest.tracing_frames import KIT, Places
from evolution.worker.guest.watching import LineWatch
from seeds.shop import make
from seeds.split import LeaveLastTwoOut, split
from tests.evolution.adopting.strangers import LAYOUTS, imported, write_stranger

pytestmark = pytest.mark.trains

LOG = split(make("micro").interactions, LeaveLastTwoOut()).training
SECONDS = 300.0


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=LAYOUTS)
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_stranger(tmp_path / "repo", LAYOUTS[request.param])


@pytest.fixture
def adapter(repo: Path) -> Iterator[Any]:
    with imported(repo):
        yield __import__("adapter")


def _line(repo: Path, text: str, name: str = "train.py") -> int:
    lines = (repo / name).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def _watched(adapter: Any, repo: Path, folder: Path, made: list[Any]) -> dict[str, Any]:
    def build() -> Any:
        made.append(adapter.build(LOG, device="cpu", seed=1))
        return made[-1]

    return watch_epochs(
        build, root=str(repo), seconds=SECONDS, n_items=int(LOG.n_items), least_rows=100, folder=folder
    ).document


def test_the_smoke_trace_is_of_the_users_lines(repo: Path, adapter: Any) -> None:
    batch = (np.array([1, 2]), np.array([[0, 3], [4, 5]]))
    trace = trace_smoke(
        lambda: adapter.build(LOG, device="cpu", seed=0),
        root=str(repo),
        seconds=SECONDS,
        score_batch=batch,
    )
    assert trace["error"] == "" and trace["steps"] == 2
    assert [(one["path"], one["line"]) for one in trace["step_sites"]] == [
        ("train.py", _line(repo, "optimizer.step()"))
    ]
    assert [(one["path"], one["line"]) for one in trace["optimizers"]] == [
        ("train.py", _line(repo, "torch.optim.Adam"))
    ]
    assert trace["loaders"][0]["trained"] and trace["loaders"][0]["path"] == "train.py"
    ran = {path: set(lines) for path, lines in trace["executed_training"].items()}
    assert _line(repo, "loss.backward()") in ran["train.py"] and KIT not in trace["executed"]
    assert _line(repo, "def read", "data.py") in trace["executed"]["data.py"]
    sources = {path.name: path.read_text() for path in repo.glob("*.py") if path.name != KIT}
    sites = {(site.role, site.path, site.start_line) for site in find_sites(trace, sources, int(LOG.n_items))}
    assert (Role.SCORING, "model.py", _line(repo, "return states @", "model.py")) in sites
    assert (Role.ITEM_TABLE, "model.py", _line(repo, "nn.Embedding", "model.py")) in sites
    assert (Role.LOSS, "train.py", _line(repo, "criterion(scores")) in sites


def test_watched_epochs_train_to_the_bit_what_unwatched_ones_do(
    repo: Path, adapter: Any, tmp_path: Path
) -> None:
    made: list[Any] = []
    document = _watched(adapter, repo, tmp_path, made)
    alone = adapter.build(LOG, device="cpu", seed=1)
    for _ in zip(range(2), alone.fit()):
        pass
    theirs = alone.model.state_dict()
    assert document["error"] == "" and document["epochs"] == 2 and document["optimizer_steps"] > 30
    assert all(torch.equal(value, theirs[name]) for name, value in made[0].model.state_dict().items())
    assert {stream["path"] for stream in document["streams"]} == {"model.py", "train.py"}
    assert [one["name"] for one in document["parameters"]][:1] == ["items.weight"]


def test_a_step_that_gives_nan_is_found_on_its_line(repo: Path) -> None:
    script = (repo / "train.py").read_text()
    broken = script.replace(
        "loss.backward()", "loss = loss / (len(seqs) - 12)\nloss.backward()".replace("\n", "; ")
    )
    write_stranger(repo, broken)
    with imported(repo):
        build = __import__("adapter").build
        found = find_bad_value(
            lambda: build(LOG, device="cpu", seed=0), root=str(repo), epochs=1, seconds=SECONDS
        )
    assert len(LOG.users) and int(LOG.n_users) % 16 == 12  # the last batch is divided by nothing
    assert (found["path"], found["line"]) == ("train.py", _line(repo, "len(seqs) - 12"))


def test_lines_after_the_place_where_a_program_waits_may_still_run(repo: Path, adapter: Any) -> None:
    recommender = adapter.build(LOG, device="cpu", seed=0)
    epochs, watch = recommender.fit(), LineWatch(str(repo))
    assert watch.run(lambda: next(epochs), seconds=SECONDS)
    watch.waits_at(epochs)
    assert "train.py" in {path for path, _ in watch.stopped} and KIT not in watch.lines()
    assert _line(repo, "optimizer.step()") in watch.lines()["train.py"]


def test_what_hangs_on_the_programs_modules_is_part_of_the_recommender(repo: Path, adapter: Any) -> None:
    recommender = adapter.build(LOG, device="cpu", seed=0)
    names = {part.name for part in carried(recommender, Places(str(repo)))}
    assert "model.items.weight" in names and "train.args.epochs" in names


def test_an_error_of_the_kit_is_the_adapters(repo: Path) -> None:
    write_stranger(
        repo,
        (repo / "train.py").read_text(),
        (repo / "adapter.py").read_text().replace('loop="epoch"', 'loop="round"'),
    )
    with imported(repo):
        adapter = __import__("adapter")
        with pytest.raises(RuntimeError) as caught:
            adapter.build(LOG, device="cpu", seed=0)
    told = failures.describe(
        caught.value, stage="build()", root=str(repo.resolve()), asked=lambda: adapter.build
    )
    assert (told["path"], told["line"]) == ("adapter.py", _line(repo, "return kit.Recommender", "adapter.py"))
    assert "round" in told["message"]


def test_the_kit_is_no_place_unless_nothing_else_is(tmp_path: Path) -> None:
    kit = tmp_path / KIT
    kit.write_text("def ask(look):\n    return look()\n")
    places, names = Places(str(tmp_path)), {}
    exec(compile(kit.read_text(), str(kit), "exec"), names)  # noqa: S102 - our own text
    assert places.path(str(kit)) is None
    assert places.here() is None
    assert names["ask"](places.here) == (KIT, 2, "ask")


def test_patches_and_rules_leave_the_kit_alone() -> None:
    text = kit_text()
    with pytest.raises(EditError, match="may not change this file"):
        apply_edits({KIT: text}, [Edit(path=KIT, old="import ast", new="")])
    bad = "import torch\nfor x in y:\n    loss = f(x)\n    loss.backward()\n    opt.step()\n"
    assert check_sources({"train.py": bad}) and check_source("train.py", bad)
    assert check_sources({KIT: bad}) == [] and check_source(f"tools/{KIT}", bad) == []


def test_the_kit_is_read_by_python_3_9() -> None:
    import ast

    ast.parse(kit_text(), feature_version=(3, 9))
    assert sys.version_info >= (3, 9)
