"""What is said where there are no findings: the config is wrong, nothing ran, training failed, nothing was diagnosed, all is well."""

import time

import pytest

from diagnosis.findings import Severity
from evolution.domain.job import JobKind, JobState
from evolution.domain.proposal import ProposalState
from evolution.domain.trial import Failure, FailureReason, TrialStatus
from server.shown.knowledge import Knowledge, read_knowledge
from server.shown.standing import Stage, standing_of
from server.shown.stored_files import StoredFiles
from tests.server.records import CONFIG


@pytest.fixture
def standing(records):
    """Call it: how the repo stands as the store has it."""

    def of(findings: int = 0, config: str = CONFIG):
        known = read_knowledge(records.repo, records.store, StoredFiles(records.repo))
        return standing_of(known, config, findings, time.time())

    return of


def test_a_repo_where_nothing_ran_is_not_trained_yet(standing, repo):
    assert standing().words == "Not trained yet"
    assert standing_of(Knowledge(root=repo), CONFIG, 0).stage is Stage.UNTRAINED


def test_a_wrong_config_comes_before_all_else_with_its_line(standing, records):
    records.trial()
    wrong = standing(1, CONFIG.replace("shop-micro", "nothing.csv"))
    assert (wrong.stage, wrong.path, wrong.line) == (Stage.CONFIG, "evolverec.toml", 5)
    assert wrong.words.startswith("evolverec.toml:5 data.source: there is no nothing.csv")
    assert standing(1, CONFIG.replace("entry", "entree")).words.startswith(
        "evolverec.toml:2 recommender.entree"
    )


def trained(records, name: str) -> None:
    job = records.running_job(name)
    records.end(job, {"trial": records.trial(f"trial-{name}", age_s=600).id}, finished_at=time.time() - 500)


def test_a_trained_version_waits_for_its_diagnosis_and_then_is_clean(standing, records):
    trained(records, "t1")
    assert (standing().stage, standing().words) == (Stage.UNDIAGNOSED, "Trained, not diagnosed")
    good = records.measurement(0.5)
    records.feedback(trial="trial-t1", measurements=(good.__class__(**{**vars(good), "healthy": True}),))
    assert (standing().stage, standing().words) == (Stage.CLEAN, "No findings: 1 check healthy")
    known = read_knowledge(records.repo, records.store, StoredFiles(records.repo))
    told = standing_of(known, CONFIG, 0, edited=True)
    assert told.words == "No findings on an earlier version: 1 check healthy"
    assert standing(2).stage is Stage.FINDINGS and standing(2).words == ""


def test_a_training_that_failed_opens_its_line(standing, records, sample):
    failure = Failure(
        reason=FailureReason.CRASH, message="fit() raised KeyError: 'x'", path="model.py", line=sample.loss + 1, traceback="",
    )  # fmt: skip
    job = records.running_job("t1")
    failed = records.trial(
        "failed000001", status=TrialStatus.FAILED, failure=failure, metrics={}, objective=None
    )
    records.end(job, {"trial": failed.id})
    found = standing(1)
    assert (found.stage, found.path, found.line) == (Stage.FAILED, "model.py", sample.loss + 1)
    assert found.words == "Training failed: fit() raised KeyError: 'x'"


def test_a_job_that_failed_before_any_trial_says_why(standing, records):
    job = records.running_job("t1")
    records.end(job, state=JobState.FAILED, error="the interpreter /no/python does not run")
    assert (standing().stage, standing().words) == (Stage.FAILED, "the interpreter /no/python does not run")
    trained(records, "t2")
    assert standing().stage is Stage.UNDIAGNOSED, "it was trained since"


def test_what_failed_on_other_files_is_not_said_of_these(standing, records):
    trained(records, "t1")
    records.end(
        records.running_job("t2", kind=JobKind.EXPLAIN),
        state=JobState.FAILED,
        error="the LLM was not reached",
    )
    assert standing().stage is Stage.UNDIAGNOSED, "nothing of the repo was to be measured"
    text = (records.repo / "model.py").read_text()
    (records.repo / "model.py").write_text(text + "x = 1\n")
    edited = records.programs.snapshot().tree
    records.end(
        records.running_job("t3", kind=JobKind.PROPOSE, program=edited),
        state=JobState.FAILED,
        error="no disk",
    )
    assert standing().words == "no disk"
    (records.repo / "model.py").write_text(text)
    assert standing().stage is Stage.UNDIAGNOSED, "as before the edit"
    (records.repo / "model.py").write_text(text + "x = 1\n")
    failure = Failure(reason=FailureReason.CRASH, message="x", path="model.py", line=1, traceback="")
    failed = records.trial(
        "failed000001", status=TrialStatus.FAILED, failure=failure, metrics={}, objective=None
    )
    records.end(records.running_job("t4"), {"trial": failed.id})
    assert standing().words == "Training failed: x"
    (records.repo / "model.py").write_text(text)
    assert standing().stage is Stage.UNDIAGNOSED


async def test_the_extension_is_told_with_the_place(connect, records):
    (records.repo / "evolverec.toml").write_text(CONFIG.replace("shop-micro", "nothing.csv"))
    editor = await connect("visual-studio-code", views=True)
    (state,) = (await editor.ask("overview"))["repos"]
    told = state["standing"]
    assert (told["stage"], told["uri"], told["line"]) == ("config", editor.uri("evolverec.toml"), 4)
    uri = editor.open("evolverec.toml")
    editor.change(uri, CONFIG)
    await editor.until("overview", lambda told: told["repos"][0]["standing"]["stage"] == "untrained")
    records.trial()
    records.feedback(records.finding(severity=Severity.WARNING))
    await editor.until("overview", lambda told: told["repos"][0]["standing"]["stage"] == "findings")


async def test_steps_are_told_by_what_was_done_whatever_way(connect, records, repo, sample):
    editor = await connect("visual-studio-code", views=True)
    (before,) = (await editor.ask("overview"))["repos"]
    assert before["ended"] is None
    assert before["steps"] == {"diagnosed": False, "asked": False, "taken": False}
    records.trial()
    records.feedback(records.finding(), simulation=records.simulation())
    records.proposal("p1", sample.patched, state=ProposalState.APPLIED)
    # In its file as well: else the server takes it for taken back.
    (repo / "model.py").write_text(sample.patched, encoding="utf-8")
    records.store.set_proposal_state("p1", ProposalState.APPLIED)
    told = await editor.until("overview", lambda told: told["repos"][0]["steps"]["taken"])
    assert told["repos"][0]["steps"] == {"diagnosed": True, "asked": True, "taken": True}
    records.end(records.running_job("stopped1"), state=JobState.CANCELLED, finished_at=2.0)
    records.end(records.running_job("earlier1"), finished_at=1.0)
    told = await editor.until("overview", lambda told: told["repos"][0]["ended"])
    assert told["repos"][0]["ended"] == {"job": "stopped1", "state": "cancelled"}
