"""The job `tune` on a small numpy repo: settings become trials, the best one a verified proposal; a second job finds all of it."""

import shutil
from pathlib import Path

import pytest

from evolution.domain.job import EventType, JobKind, JobState
from evolution.domain.proposal import TUNER
from evolution.store.store import Store
from tests.evolution.jobs.conftest import Bench, git

NOISY = Path(__file__).parent / "repos" / "noisy"


@pytest.fixture
def noisy(tmp_path: Path) -> Bench:
    repo = tmp_path / "noisy repo"
    shutil.copytree(NOISY, repo, ignore=shutil.ignore_patterns("__pycache__"))
    git(repo, "init", "-q")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "one")
    return Bench(repo=repo)


@pytest.mark.process
@pytest.mark.timeout(600)
def test_the_best_setting_is_a_verified_proposal_and_a_second_job_trains_nothing(noisy):
    before = noisy.of_the_user()
    job = noisy.run(JobKind.TUNE, trials=3, seed=2)
    assert job.state is JobState.DONE, job.error
    document = job.result
    assert {one["name"] for one in document["space"]["tuned"]} == {
        "Settings.learning_rate",
        "Settings.init_std",
    }
    left = {one["name"]: one["why"] for one in document["space"]["left"]}
    assert "[training]" in left["Settings.epochs"] and "evaluation" in left["Settings.top_k"]
    assert len(document["settings"]) == 3
    best = max(one["objective"] or 0.0 for one in document["settings"])
    assert best > document["own"]["objective"]

    proposal = document["proposals"][0]
    assert proposal["verified"] == "gain" and proposal["effect"]["low"] > 0
    assert (proposal["recipe"], proposal["proposer"]) == ("tune", TUNER) and len(proposal["trials"]) >= 2
    assert proposal["title"].startswith("Tune 1 number: Settings.learning_rate 0.01 -> 0.0")
    changed = [line for line in proposal["patch"].splitlines() if line[:1] == "+" and line[:3] != "+++"]
    assert all("learning_rate" in line or "init_std" in line for line in changed)
    shown = [event for event in noisy.events(job) if event.type is EventType.PROGRESS]
    assert any(event.data.get("fraction") == 1.0 and "3 of 3 settings" in event.message for event in shown)
    assert noisy.of_the_user() == before

    known = noisy.trials()
    again = noisy.run(JobKind.TUNE, trials=3, seed=2)
    assert again.result["settings"] == document["settings"] and set(noisy.trials()) == set(known)
    with Store.open(noisy.repo) as store:
        assert [one.id for one in store.proposals()] == [proposal["id"]]
