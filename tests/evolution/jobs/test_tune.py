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
    assert proposal["corrected"]["candidates"] == 3  # it was chosen among all settings that were tried
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


@pytest.mark.process
@pytest.mark.timeout(600)
def test_a_run_of_the_strategy_tune_tries_settings_and_nothing_else(noisy):
    job = noisy.run(JobKind.EVOLVE, strategy="tune", trials=4, seed=1)
    assert job.state is JobState.DONE, job.error
    nodes = job.result["nodes"]
    assert len(nodes) >= 3
    with Store.open(noisy.repo) as store:
        (run,) = store.runs()
    tried = run.nodes[1:]
    assert {node.idea.code for node in tried if node.idea} == {"tune"}
    assert len({node.program for node in run.nodes}) == len(run.nodes)
    assert {node.parent for node in tried} == {run.nodes[0].program}


@pytest.mark.process
@pytest.mark.timeout(600)
def test_a_gain_that_survives_tuning_says_so_and_can_be_verified_again(bench):
    job = bench.run(JobKind.PROPOSE, trials=1, tuned=True)
    assert job.state is JobState.DONE, job.error
    (proposal,) = job.result["proposals"]
    assert proposal["title"].endswith("(both tuned, 3 trials each)")
    assert "Both sides were tuned before they were compared" in proposal["rationale"]
    assert proposal["effect"] and "[training]" not in proposal["rationale"]
    assert any("your version, tuned with 3 trials" in event.message for event in bench.events(job))
    again = bench.run(JobKind.VERIFY, proposal=proposal["id"])
    assert len(again.result["proposals"][0]["trials"]) > len(proposal["trials"])
