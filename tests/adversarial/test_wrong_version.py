"""What is measured is the program itself: not an installed copy, not ours, not what stands on disk elsewhere."""

import shutil
import venv
from dataclasses import replace
from pathlib import Path

import numpy
import pytest

from evolution.domain.trial import FailureReason, TrialStatus
from evolution.repo.config import RecommenderSection
from evolution.trials.request import SandboxMode, Supervision, TrialRequest
from evolution.trials.run import run_trial

pytestmark = pytest.mark.process

BOTH = pytest.mark.parametrize("sandbox", list(SandboxMode))
VERSION = '"loss": 1.0 / (epoch + 1)'


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The site-packages of a fresh virtual environment that has numpy."""
    venv.create(tmp_path / "environment", with_pip=False, symlinks=True)
    site = next((tmp_path / "environment").glob("lib/python*/site-packages"))
    (site / "numpy.pth").write_text(str(Path(numpy.__file__).parents[1]))
    return site


def version(bench, number):
    return bench.changed((VERSION, f'{VERSION}, "version": {number}.0'))


def request_of(bench, environment: Path, sandbox: SandboxMode, entry: str, checkout: Path) -> TrialRequest:
    request = bench.request(sandbox=sandbox)
    config = request.config.model_copy(
        update={"recommender": RecommenderSection(entry=entry, max_history=50)}
    )
    return replace(
        request, config=config, checkout=checkout, python=environment.parents[2] / "bin" / "python"
    )


@BOTH
def test_an_editable_install_is_measured_in_the_candidates_version(bench, environment, sandbox, tmp_path):
    bench.write("", "src/shopmodel/__init__.py")
    bench.write(version(bench, 1), "src/shopmodel/model.py")
    (environment / "__editable__.shopmodel.pth").write_text(str(bench.repo / "src"))
    candidate = tmp_path / "candidate"
    shutil.copytree(bench.repo, candidate)
    (candidate / "src" / "shopmodel" / "model.py").write_text(version(bench, 2))
    trial = run_trial(
        request_of(bench, environment, sandbox, "shopmodel.model:build", candidate), Supervision()
    )
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert trial.epochs[0].reported["version"] == 2.0


@BOTH
def test_an_installed_copy_of_the_program_fails_by_name(bench, environment, sandbox):
    for folder in (bench.repo / "src", environment):
        (folder / "shopmodel").mkdir(parents=True)
        (folder / "shopmodel" / "__init__.py").write_text("")
        (folder / "shopmodel" / "model.py").write_text(version(bench, 1))
    trial = run_trial(
        request_of(bench, environment, sandbox, "shopmodel.model:build", bench.repo), Supervision()
    )
    assert trial.status is TrialStatus.FAILED
    assert trial.failure.reason is FailureReason.IMPORT
    assert "shopmodel was loaded from" in trial.failure.message


@BOTH
def test_a_repo_with_packages_called_server_and_simulator_gets_its_own(bench, sandbox, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(bench.repo))
    bench.write("VERSION = 7.0\n", "simulator/__init__.py")
    bench.write("", "server/__init__.py")
    text = version(bench, 1).replace('"version": 1.0', '"version": VERSION')
    bench.write("from simulator import VERSION\n" + text, "server/model.py")
    request = bench.request(sandbox=sandbox)
    recommender = RecommenderSection(entry="server.model:build", max_history=50)
    config = request.config.model_copy(update={"recommender": recommender})
    trial = run_trial(replace(request, config=config), Supervision())
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert trial.epochs[0].reported["version"] == 7.0


def test_a_repo_whose_environment_lies_inside_it_runs(bench, environment):
    """repo/.venv is the interpreter's own place; the program bound over the repo must not cover it."""
    inside = bench.repo / ".venv"
    venv.create(inside, with_pip=False, symlinks=True)
    site = next(inside.glob("lib/python*/site-packages"))
    (site / "numpy.pth").write_text(str(Path(numpy.__file__).parents[1]))
    bench.write(version(bench, 1))
    request = replace(bench.request(), python=inside / "bin" / "python")
    trial = run_trial(request, Supervision())
    assert trial.status is TrialStatus.COMPLETE, trial.failure
