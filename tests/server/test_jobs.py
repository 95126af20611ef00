"""Jobs seen from the editor: started with consent, followed, cancelled, taken up again, and told of when they fail."""

import asyncio
import signal
import subprocess
import sys

import pytest
from pygls.exceptions import JsonRpcException

from evolution.base.processes import identify
from evolution.domain.job import EventType, JobKind, JobState
from evolution.domain.request import REQUESTS, asks_for
from evolution.repo.programs import Programs

NO_DATA = '[recommender]\nentry = "model:build"\n\n[data]\nsource = "nowhere.inter"\n'


def reports(editor):
    return [report for found in editor.client.progress_reports.values() for report in found]


async def test_a_running_job_is_taken_up_with_its_progress(connect, records, sample):
    job = records.running_job()
    records.event(job, EventType.STARTED, "train started")
    records.event(
        job,
        EventType.EPOCH,
        "epoch",
        epoch=6,
        epochs=20,
        loss=0.693,
        metric="NDCG@10",
        value=0.142,
        left_s=130,
        label="your version",
    )
    editor = await connect("visual-studio-code")
    uri = editor.open("model.py")
    await editor.wait(lambda: any(getattr(r, "percentage", 0) == 30 for r in reports(editor)))
    expected = "epoch 6/20, loss .693, NDCG@10 .142, at most 2 min left"
    assert expected in [report.message for report in reports(editor)]
    titles = [lens.command.title for lens in await editor.lenses(uri)]
    assert titles[1:] == [f"training 30 %: {expected}", "Cancel"]
    assert await editor.wait(lambda: editor.lens_refreshes)
    records.end(job)
    records.event(job, EventType.FINISHED, "train done", state="done", exit_code=0)
    await editor.wait(lambda: reports(editor)[-1].kind == "end")


def on_disk(repo):
    """The program that the files on disk are."""
    return Programs.open(repo).snapshot().tree


async def test_the_progress_cancel_button_stops_the_job(connect, records):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        job = records.running_job(process=identify(process.pid))
        editor = await connect("neovim@v0.7.0")
        await editor.wait(lambda: reports(editor))
        editor.client.window_work_done_progress_cancel(records.cancel_params(job))
        await asyncio.wait_for(asyncio.to_thread(process.wait), 10)
    assert process.returncode == -signal.SIGTERM


async def test_a_job_whose_process_vanished_is_told_and_the_server_lives(connect, records):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        known = identify(process.pid)
        process.communicate(b"\n")
    records.running_job(process=known)
    editor = await connect("emacs")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.client.messages)
    assert "Training failed: its process ended without a last word" in editor.client.messages[0].message
    assert await editor.lenses(uri)


@pytest.mark.process
async def test_a_job_on_earlier_files_is_not_taken_for_the_one_asked_for(connect, records):
    (records.repo / "evolverec.toml").write_text(NO_DATA)
    older = records.running_job(program=on_disk(records.repo))
    (records.repo / "model.py").write_text("a = 'edited and saved'\n")
    editor = await connect("emacs", trusted=True)
    editor.open("model.py")
    started = await editor.command("train", onDisk=True)
    assert started["job"] != older.id and not started["already_running"]
    assert any(f"{older.id} goes on with an earlier version" in m.message for m in editor.client.messages)
    await editor.wait(lambda: records.store.job(started["job"]).state.ended, timeout_s=60)


@pytest.mark.process
async def test_a_dead_job_is_not_taken_for_the_one_asked_for(connect, records):
    (records.repo / "evolverec.toml").write_text(NO_DATA)
    editor = await connect("emacs", trusted=True)
    editor.open("model.py")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        known = identify(process.pid)
        process.communicate(b"\n")
    dead = records.running_job(process=known, program=on_disk(records.repo))
    started = await editor.command("train", onDisk=True)
    assert started["job"] != dead.id and not started["already_running"]
    await editor.wait(lambda: records.store.job(started["job"]).state.ended, timeout_s=60)


@pytest.mark.process
async def test_a_job_that_fails_is_told_in_its_own_sentence(connect, records):
    (records.repo / "evolverec.toml").write_text(NO_DATA)
    editor = await connect("emacs", trusted=True)
    uri = editor.open("model.py")
    started = await editor.command("train")
    assert records.store.job(started["job"]).kind == "train"
    await editor.wait(lambda: editor.client.messages, timeout_s=60)
    assert "nowhere.inter" in editor.client.messages[0].message
    assert records.store.job(started["job"]).state == JobState.FAILED
    assert await editor.lenses(uri)


@pytest.mark.process
async def test_the_interpreter_comes_from_the_editors_settings(connect, records):
    editor = await connect("emacs", trusted=True, python="/nowhere/python")
    editor.open("model.py")
    with pytest.raises(JsonRpcException, match="'/nowhere/python' does not exist"):
        await editor.command("train")
    assert records.store.jobs() == []


async def test_without_trust_nothing_runs_and_the_error_says_how_to_consent(connect, records):
    editor = await connect("neovim@v0.7.0")
    editor.open("model.py")
    with pytest.raises(JsonRpcException, match=r'initializationOptions \{"trusted": true\}'):
        await editor.command("train")
    assert records.store.jobs() == []
    assert "do you trust it?" in editor.asked[0]


@pytest.mark.process
async def test_consent_given_in_the_editor_is_remembered(connect, records):
    (records.repo / "evolverec.toml").write_text(NO_DATA)
    editor = await connect("visual-studio-code")
    editor.open("model.py")
    editor.answers["do you trust it?"] = "Trust and run"
    first = await editor.command("train")
    await editor.wait(lambda: records.store.job(first["job"]).state.ended, timeout_s=60)
    second = await editor.command("diagnose")
    assert len(editor.asked) == 1
    await editor.wait(lambda: records.store.job(second["job"]).state.ended, timeout_s=60)


@pytest.mark.process
async def test_an_interpreter_inside_the_repo_is_asked_about_by_name(connect, records):
    (records.repo / "evolverec.toml").write_text(NO_DATA)
    python = records.repo / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    editor = await connect("visual-studio-code", trusted=True, python=str(python))
    editor.open("model.py")
    with pytest.raises(JsonRpcException, match="--trust-python"):
        await editor.command("train")
    assert str(python) in editor.asked[0] and "outside of any sandbox" in editor.asked[0]
    assert records.store.jobs() == []
    editor.answers["Is it yours"] = "It is mine: run it"
    started = await editor.command("train")
    await editor.wait(lambda: records.store.job(started["job"]).state.ended, timeout_s=60)
    again = await editor.command("diagnose")
    assert len(editor.asked) == 2
    await editor.wait(lambda: records.store.job(again["job"]).state.ended, timeout_s=60)


@pytest.mark.process
async def test_unsaved_text_is_asked_about_and_named(connect, records, sample):
    (records.repo / "evolverec.toml").write_text(NO_DATA)
    editor = await connect("emacs", trusted=True)
    uri = editor.open("model.py")
    editor.change(uri, sample.patched)
    editor.answers["1 file not saved: model.py"] = "Cancel"
    with pytest.raises(JsonRpcException, match="nothing was started"):
        await editor.command("train")
    editor.answers["1 file not saved: model.py"] = "Run the files on disk"
    started = await editor.command("train")
    assert "without the unsaved text of model.py" in editor.client.messages[0].message
    await editor.wait(lambda: records.store.job(started["job"]).state.ended, timeout_s=60)


@pytest.mark.process
async def test_a_client_that_has_asked_about_unsaved_text_is_not_asked_again(connect, records, sample):
    (records.repo / "evolverec.toml").write_text(NO_DATA)
    editor = await connect("visual-studio-code", trusted=True)
    editor.change(editor.open("model.py"), sample.patched)
    started = await editor.command("train", onDisk=True)
    assert not editor.asked and not editor.client.messages
    await editor.wait(lambda: records.store.job(started["job"]).state.ended, timeout_s=60)


async def test_the_same_job_asked_for_twice_runs_once(connect, records):
    job = records.running_job(program=on_disk(records.repo))
    editor = await connect("emacs", trusted=True)
    editor.open("model.py")
    assert await editor.command("train") == {
        "job": job.id,
        "repo": str(records.repo),
        "already_running": True,
    }
    assert [said.message for said in editor.client.messages] == [
        "evolverec: joined training, which runs already"
    ]
    records.event(job, EventType.EPOCH, "", epoch=2, epochs=6)

    def joined_now() -> str:
        return editor.client.messages[-1].message

    for _ in range(100):
        await editor.command("train")
        if joined_now().endswith("already (epoch 2/6)"):
            break
        await asyncio.sleep(0.05)
    assert joined_now() == "evolverec: joined training, which runs already (epoch 2/6)"


@pytest.mark.process
@pytest.mark.parametrize(
    ("command", "kind", "params"),
    [
        ("train", JobKind.TRAIN, {"seed": 7}),
        ("train", JobKind.TRAIN, {"device": "cpu"}),
        ("askUsers", JobKind.SIMULATE, {"users": 20}),
        ("followUser", JobKind.SESSIONS, {"users": 20}),
        ("tune", JobKind.TUNE, {"seed": 7}),
        ("improve", JobKind.IMPROVE, {"trials": 2}),
        ("completeAdapter", JobKind.ADAPT, {"rounds": 2}),
        ("evolve", JobKind.EVOLVE, {"replay": "abcdef"}),
        ("evolve", JobKind.EVOLVE, {"strategy": "nas"}),
    ],
)
async def test_a_job_with_other_options_is_not_taken_for_the_one_asked_for(
    connect, records, command, kind, params
):
    (records.repo / "evolverec.toml").write_text(NO_DATA)
    others = records.running_job(kind=kind, params=params)
    editor = await connect("emacs", trusted=True)
    editor.open("model.py")
    started = await editor.command(command)
    assert started["job"] != others.id and not started["already_running"]
    beside = [
        said.message for said in editor.client.messages if "begins beside what runs here" in said.message
    ]
    assert len(beside) == 1
    job = records.store.job(started["job"])
    assert job.kind is kind and asks_for(job, REQUESTS[kind]())
    await editor.wait(lambda: records.store.job(started["job"]).state.ended, timeout_s=60)


async def test_a_job_with_the_same_options_is_taken_for_the_one_asked_for(connect, records):
    asked = {"trials": 9, "budget_usd": 0.5, "strategy": "nas"}
    job = records.running_job(kind=JobKind.EVOLVE, params=asked, program=on_disk(records.repo))
    editor = await connect("emacs", trusted=True)
    editor.open("model.py")
    told = await editor.command("evolve", trials=9, budgetUsd=0.5, strategy="nas", onDisk=True)
    assert (told["job"], told["already_running"]) == (job.id, True)


async def test_a_command_with_wrong_arguments_says_what_it_expected(connect, records):
    editor = await connect("emacs")
    editor.open("model.py")
    with pytest.raises(JsonRpcException, match=r'expected an object with "proposal"'):
        await editor.command("apply")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ({"budgetUsd": "much"}, "budgetUsd is 'much'; expected a number, 0 or more"),
        ({"budgetUsd": -1}, "budgetUsd is -1; expected a number, 0 or more"),
        ({"trials": 0}, "trials is 0; expected a whole number, 1 or more"),
        ({"trials": True}, "trials is True; expected a whole number"),
        ({"strategy": "wizard"}, "strategy is 'wizard'; expected one of directional"),
        ({"budget_usd": 1}, "budget_usd is no option of evolve; did you mean budgetUsd"),
        ({"trails": 5}, "trails is no option of evolve; did you mean trials"),
        ({"python": "/usr/bin/python3"}, "python is no option of a command; set evolverec.interpreter"),
    ],
)
async def test_a_wrong_option_is_said_and_starts_nothing(connect, records, argument, said):
    editor = await connect("visual-studio-code")  # refused before anybody is asked for trust
    editor.open("model.py")
    with pytest.raises(JsonRpcException, match=said):
        await editor.command("evolve", **argument)
    assert records.store.jobs() == []


@pytest.mark.process
async def test_a_checkpoint_is_diagnosed_on_command_and_a_wrong_one_is_told(connect, records):
    editor = await connect("emacs", trusted=True)
    editor.open("model.py")
    started = await editor.command("diagnose", checkpoint="gone.pt")
    job = await editor.wait(
        lambda: (found := records.store.job(started["job"])).state.ended and found, timeout_s=60
    )
    assert job.params["checkpoint"] == "gone.pt" and job.state is JobState.FAILED
    await editor.wait(lambda: any("gone.pt cannot be read" in m.message for m in editor.client.messages))
