"""What travels to the user's interpreter: old Pythons can read it, it brings nothing else, histories are right."""

import ast
import importlib
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from evolution.trials.exporting import write_questions
from evolution.worker.archive import PRIVATE_NAME, guest_files, write_archive
from evolution.worker.guest.entry import check_modules
from evolution.worker.guest.failures import ImportBroken, describe
from evolution.worker.guest.recommender import CheckedRecommender
from evolution.worker.guest.training_data import QuestionSet
from seeds.interactions import Questions

# Imported only once the program itself has imported torch.
ONCE_THERE_IS_TORCH = ("tracing", "epoch_", "comparing_", "bad_values", "id_origins", "step_")


@pytest.mark.parametrize("file", guest_files(), ids=lambda file: file.name)
def test_the_guest_is_python_3_9_and_imports_only_itself_numpy_and_the_standard_library(file):
    tree = ast.parse(file.read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        for name in names:
            top = name.partition(".")[0]
            assert top in sys.stdlib_module_names or top in ("numpy", "torch", "__future__"), name
            if top == "torch":
                assert file.name.startswith(ONCE_THERE_IS_TORCH), "torch is the repo's to import"


def test_the_archive_has_one_private_name(tmp_path):
    with zipfile.ZipFile(write_archive(tmp_path / "worker.pyz")) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert tops == {PRIVATE_NAME, "__main__.py"}
    assert (tmp_path / "worker.pyz").read_bytes() == write_archive(tmp_path / "again.pyz").read_bytes()


@pytest.fixture
def asked(tmp_path):
    """Three questions: histories 1..5, 6..7, and none."""
    questions = Questions(
        users=np.array([1, 2, 3]),
        items=np.arange(1, 8),
        offsets=np.array([0, 5, 7, 7]),
        targets=np.array([9, 9, 9]),
    )
    write_questions(questions, tmp_path, None)
    return QuestionSet(str(tmp_path))


def test_histories_are_left_padded_and_keep_the_newest(asked):
    histories = asked.histories(np.array([0, 1, 2]), 3)
    assert histories.tolist() == [[3, 4, 5], [0, 6, 7], [0, 0, 0]]
    assert asked.histories(np.array([1]), 3).tolist() == [[6, 7]]
    assert asked.histories(np.array([2]), 3).tolist() == [[0]]


def test_seen_is_the_whole_history_however_short_the_window(asked):
    rows, items = asked.seen(np.array([1, 0]))
    assert list(zip(rows.tolist(), items.tolist())) == [
        (0, 6),
        (0, 7),
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 4),
        (1, 5),
    ]


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.frozen = torch.nn.Dropout(0.5).eval()
        self.live = torch.nn.Dropout(0.5)

    def fit(self):
        yield {"loss": float(torch.rand(()))}

    def score(self, users, histories):
        torch.rand(5)
        np.random.random(5)
        assert not self.live.training
        return self.live(torch.ones(len(users), 4))


class Data:
    n_items = 3


def seed_both():
    torch.manual_seed(3)
    np.random.seed(3)


def test_ranking_leaves_modes_and_random_states_as_they_were(asked):
    candidate = CheckedRecommender(lambda data, device, seed: Net(), Data, device="cpu", seed=0)
    seed_both()
    expected = float(torch.rand(())), float(np.random.random())
    seed_both()
    candidate.dense_of(asked, 3)
    assert (float(torch.rand(())), float(np.random.random())) == expected
    assert (candidate.model.training, candidate.model.live.training, candidate.model.frozen.training) == (
        True,
        True,
        False,
    )


class Forgetful(Net):
    """Answers in whatever mode it is in; what normalises a batch must not learn from a question."""

    def __init__(self):
        super().__init__()
        self.normal = torch.nn.BatchNorm1d(4)

    def score(self, users, histories):
        return self.live(torch.ones(len(users), 4)) + 0 * self.normal(torch.rand(len(users), 4))


class Mindful(Forgetful):
    def score(self, users, histories):
        self.eval()
        return super().score(users, histories)


class LeftInPeace(Forgetful):
    def fit(self):
        self.train()
        self.eval()
        yield {"loss": 1.0}


@pytest.mark.parametrize(("kind", "moved"), [(Forgetful, True), (Mindful, False), (LeftInPeace, False)])
def test_answers_that_are_random_in_the_mode_that_fit_left_are_counted_and_nothing_is_changed(kind, moved):
    candidate = CheckedRecommender(lambda data, device, seed: kind(), Data, device="cpu", seed=0)
    candidate.epoch()
    modes = [part.training for part in candidate.model.modules()]
    before = {name: one.clone() for name, one in candidate.model.state_dict().items()}
    rows = np.ones(8, np.int64), np.ones((8, 3), np.int64)
    assert (candidate.moved_in_its_mode(*rows) > 0) is moved
    assert [part.training for part in candidate.model.modules()] == modes
    assert all(torch.equal(one, before[name]) for name, one in candidate.model.state_dict().items())


def test_a_batch_that_does_not_fit_is_halved(asked):
    sizes = []

    class Large(Net):
        def score(self, users, histories):
            sizes.append(len(users))
            if len(users) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return torch.ones(len(users), 4)

    candidate = CheckedRecommender(lambda data, device, seed: Large(), Data, device="cpu", seed=0)
    assert candidate.dense_of(asked, 3).shape == (3, 4)
    assert sizes[-3:] == [1, 1, 1]


def test_a_module_from_elsewhere_is_named(tmp_path, monkeypatch):
    import colorsys

    (tmp_path / "colorsys.py").write_text("")
    assert colorsys.__file__
    with pytest.raises(ImportBroken, match="colorsys"):
        check_modules(str(tmp_path), set())
    check_modules(str(tmp_path), {"colorsys"})


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_file_of_the_program_in_a_folder_of_the_same_name_is_its_own(tmp_path, monkeypatch, mirrored):
    """A script in `neural/` that imports `neural/neural.py`, from the repo itself or from a mirror that links it."""
    root = tmp_path / "repo"
    (root / "neural").mkdir(parents=True)
    for name in ("__init__", "neural"):
        (root / "neural" / f"{name}.py").write_text("")
    if mirrored:
        (tmp_path / "mirror").mkdir()
        (tmp_path / "mirror" / "neural.py").symlink_to(root / "neural" / "neural.py")
    monkeypatch.syspath_prepend(str(tmp_path / "mirror" if mirrored else root / "neural"))
    monkeypatch.delitem(sys.modules, "neural", raising=False)
    before = set(sys.modules)
    importlib.import_module("neural")
    check_modules(str(root), before)
    monkeypatch.delitem(sys.modules, "neural")


def test_a_failure_names_the_innermost_line_of_the_repo(tmp_path):
    file = tmp_path / "model.py"
    file.write_text("import json\ndef f():\n    json.loads('{')\n")
    scope = {}
    exec(compile(file.read_text(), str(file), "exec"), scope)  # noqa: S102
    with pytest.raises(ValueError) as raised:
        scope["f"]()
    told = describe(raised.value, stage="fit()", root=str(tmp_path))
    assert (told["path"], told["line"], told["kind"]) == ("model.py", 3, "crash")
    assert told["message"].startswith("fit() raised JSONDecodeError")


@pytest.mark.parametrize(
    ("beside", "says"),
    [("fast.pyx", "fast.pyx has to be built first"), ("other.py", "shelves.inner has no file fast.py")],
)
def test_a_part_of_a_package_that_is_not_there_is_told_apart_from_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: str, says: str
) -> None:
    inner = tmp_path / "shelves" / "inner"
    inner.mkdir(parents=True)
    (inner / "__init__.py").write_text("from .fast import rank\n")
    (inner / beside).write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError) as raised:
        importlib.import_module("shelves.inner")
    message = describe(raised.value, stage="build()", root=str(tmp_path))["message"]
    assert says in message and "no file of the program" not in message
