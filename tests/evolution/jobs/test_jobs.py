"""Jobs from outside: started, followed, cancelled, refused, failed, lost, and two at once."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from evolution.base.errors import Cancelled, ConsentError
from evolution.base.places import ENTRY, job_folder
from evolution.base.processes import ProcessId, boot_id, namespace
from evolution.domain.job import EventType, JobKind, JobRecord, JobState
from evolution.domain.request import TrainRequest
from evolution.domain.trial import TrialStatus
from evolution.jobs import control, stopping
from evolution.jobs.alive import handed_over, is_alive
from evolution.laboratory.leases import lease, trial_lock
from evolution.store.store import Store


def test_a_job_without_consent_is_refused_and_leaves_no_trace(bench):
    with pytest.raises(ConsentError, match="--trust"):
        control.start(bench.repo, TrainRequest())
    assert not (bench.repo / ".evolverec").exists()


@pytest.mark.process
def test_a_config_error_fails_the_job_with_file_and_line(bench):
    bench.edit("evolverec.toml", "max_epochs = 8", 'max_epochs = "many"')
    ended = bench.run()
    assert (ended.state, ended.exit_code) == (JobState.FAILED, 1)
    assert ended.error.startswith("evolverec.toml:9: training.max_epochs")
    last = bench.events(ended)[-1]
    assert last.type is EventType.FINISHED and last.data["state"] == "failed" and last.message == ended.error


@pytest.mark.process
def test_a_job_whose_request_this_version_does_not_know_says_so(bench):
    with Store.open(bench.repo) as store:
        store.put_job(job_of(JobState.STARTING, params={"colour": "blue"}))
    (job_folder(bench.repo, "train-0001")).mkdir(parents=True)
    done = subprocess.run([sys.executable, str(ENTRY), "run-job", str(bench.repo), "train-0001"], check=False)
    with Store.open(bench.repo) as store:
        ended = store.job("train-0001")
    assert (done.returncode, ended.state, ended.exit_code) == (2, JobState.FAILED, 2)
    assert ended.error == "colour is no option of train; expected one of device, no_sandbox, python, seed"


def test_a_store_that_is_damaged_while_a_job_starts_is_named(bench):
    with Store.open(bench.repo):
        pass
    (bench.repo / ".evolverec" / "store.sqlite").write_bytes(b"no database" * 500)
    with Store.open(bench.repo) as store:  # set aside, not believed
        assert store.trials() == []
    assert list((bench.repo / ".evolverec").glob("store.damaged-*"))


def job_of(state: JobState, **changes) -> JobRecord:
    values = {"id": "train-0001", "kind": JobKind.TRAIN, "state": state}
    return JobRecord(**{**values, "created_at": time.time(), **changes})


def test_cancelling_a_job_whose_process_is_not_known_yet_signals_nobody(bench):
    with Store.open(bench.repo) as store:
        store.put_job(job_of(JobState.STARTING))
    assert (
        stopping.ask(bench.repo, "train-0001") is stopping.Ending.NOT_RUNNING
    )  # pid 0 would be our own process group


def test_what_a_job_wrote_of_itself_outlives_the_note_of_its_starter(bench):
    starter, own = (ProcessId(pid=pid, ticks=1, boot="b", namespace=1) for pid in (41, 42))
    with Store.open(bench.repo) as store:
        store.put_job(job_of(JobState.STARTING))
        store.note_process("train-0001", starter)
        assert store.job("train-0001").process == starter
        store.put_job(job_of(JobState.RUNNING, process=own))
        store.note_process("train-0001", starter)
        assert (store.job("train-0001").process, store.job("train-0001").state) == (own, JobState.RUNNING)


def test_a_job_whose_pid_was_given_to_another_process_is_lost(bench):
    with Store.open(bench.repo) as store:
        store.put_job(job_of(JobState.RUNNING, pid=os.getpid(), pid_started=1.0))
    (job_folder(bench.repo, "train-0001") / "scratch").mkdir(parents=True)
    assert control.reconcile(bench.repo) == []
    with Store.open(bench.repo) as store:
        lost = store.job("train-0001")
    assert lost.state is JobState.LOST and "start it again" in lost.error and lost.exit_code == 1
    assert not (job_folder(bench.repo, "train-0001") / "scratch").exists()


def test_events_are_read_piece_by_piece_and_never_half(bench):
    folder = job_folder(bench.repo, "j")
    folder.mkdir(parents=True)
    line = json.dumps({"t": 1.0, "type": "log", "message": "ä", "data": {}}) + "\n"
    path = folder / "events.jsonl"
    assert control.read_events(bench.repo, "j", 0) == ([], 0)
    path.write_text(line + line[:10])
    events, offset = control.read_events(bench.repo, "j", 0)
    assert [event.message for event in events] == ["ä"] and offset == len(line.encode())
    path.write_text(line + line)
    events, offset = control.read_events(bench.repo, "j", offset)
    assert len(events) == 1 and offset == 2 * len(line.encode())
    assert control.read_events(bench.repo, "j", offset) == ([], offset)
    path.write_text(
        line[:20] + line + '{"t": "x"}\n' + "\0" * 8 + "\n" + line
    )  # cut short by a full disk, and worse
    assert [event.message for event in control.read_events(bench.repo, "j", 0)[0]] == ["ä"]


def test_scratch_of_a_job_that_was_killed_after_its_last_word_is_removed(bench):
    with Store.open(bench.repo) as store:
        store.put_job(job_of(JobState.DONE))
    scratch = job_folder(bench.repo, "train-0001") / "scratch"
    scratch.mkdir(parents=True)
    with handed_over(bench.repo, "train-0001"):
        control.reconcile(bench.repo)
        assert scratch.exists()
    control.reconcile(bench.repo)
    assert not scratch.exists()


HOLD = """
import sys, time
from evolution.laboratory.leases import lease
with lease("cpu", 1, cancelled=lambda: False, waiting=lambda: None) as slot:
    print(slot, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_process():
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"0\n"
        yield process
        process.kill()


@pytest.mark.process
def test_one_slot_is_for_one_process(other_process):
    waits = []
    with (
        pytest.raises(Cancelled),
        lease("cpu", 1, cancelled=lambda: bool(waits), waiting=lambda: waits.append("told")),
    ):
        raise AssertionError("the slot was taken twice")
    assert waits == ["told"]
    with lease("cpu", 2, cancelled=lambda: False, waiting=lambda: None) as slot:
        assert slot == 1
    with lease("cuda", 1, cancelled=lambda: False, waiting=lambda: None) as slot:
        assert slot == 0  # another kind of device


@pytest.mark.process
def test_a_slot_is_free_when_its_holder_is_killed(other_process):
    os.kill(other_process.pid, signal.SIGKILL)
    end = time.monotonic() + 5
    with lease("cpu", 1, cancelled=lambda: time.monotonic() > end, waiting=lambda: None) as slot:
        assert slot == 0


def test_a_trial_is_locked_for_others_until_it_is_let_go(tmp_path: Path):
    with trial_lock(tmp_path, "t") as first:
        with trial_lock(tmp_path, "t") as second, trial_lock(tmp_path, "u") as other:
            assert (first, second, other) == (True, False, True)
    with trial_lock(tmp_path, "t") as again:
        assert again


def test_only_trials_that_nobody_trains_are_forgotten(bench):
    from evolution.domain.trial import Trial, TrialKey

    key = TrialKey(program="p", data="d", training="t", seed=0, device="cpu/1", harness="h")
    running = Trial(id="trained0001", key=key, status=TrialStatus.RUNNING, created_at=1.0, wall_s=0.0)
    with Store.open(bench.repo) as store:
        store.put_job(job_of(JobState.RUNNING, pid=os.getpid(), pid_started=1.0))
        store.put_trial(running)
        store.put_trial(replace(running, id="abandoned01"))
        store.put_trial(replace(running, id="complete001", status=TrialStatus.COMPLETE))
    for trial in ("trained0001", "abandoned01", "complete001"):
        (bench.repo / ".evolverec" / "trials" / trial / "work").mkdir(parents=True)
    with trial_lock(bench.repo, "trained0001"):
        control.reconcile(bench.repo)
    assert sorted(bench.trials()) == ["complete001", "trained0001"]
    left = [path.parent.name for path in (bench.repo / ".evolverec").glob("trials/*/work")]
    assert left == ["trained0001"]


def test_a_killed_job_is_tidied_up_after_once_it_has_let_its_locks_go(bench):
    """The threads of a killed process end one after the other, and the last one lets the locks go."""
    store = bench.repo / ".evolverec"
    gone = ProcessId(pid=2**22 + 1, ticks=1, boot=boot_id(), namespace=namespace())
    with Store.open(bench.repo) as opened:
        opened.put_job(job_of(JobState.RUNNING, process=gone))
    for folder in (job_folder(bench.repo, "train-0001"), store / "trials" / "t" / "work"):
        folder.mkdir(parents=True)
    held = threading.Event()

    def dying() -> None:
        with handed_over(bench.repo, "train-0001"), trial_lock(bench.repo, "t"):
            held.set()
            time.sleep(0.3)

    thread = threading.Thread(target=dying)
    thread.start()
    assert held.wait(10)
    control.reconcile(bench.repo)
    thread.join()
    assert not (store / "trials" / "t" / "work").exists()


@pytest.mark.training
def test_a_job_is_followed_to_its_result_and_is_not_run_again(bench):
    job = bench.start()
    assert job.pid and is_alive(bench.repo, job)
    ended = bench.finish(job)
    assert (ended.state, ended.exit_code, ended.error) == (JobState.DONE, 0, "")
    assert ended.result["status"] == "complete"
    kinds = [event.type for event in bench.events(job)]
    assert kinds[0] is EventType.STARTED and kinds[-1] is EventType.FINISHED
    assert kinds.count(EventType.EPOCH) == ended.result["epochs"] == 8
    assert not (job_folder(bench.repo, job.id) / "scratch").exists() and not bench.processes()
    before = bench.trials()
    again = bench.run()
    assert again.result == ended.result and bench.trials() == before
    assert EventType.EPOCH not in [event.type for event in bench.events(again)]


@pytest.mark.training
def test_a_cancelled_job_says_so_and_keeps_what_was_measured(bench):
    done = bench.run(seed=1)
    bench.edit("shelf.py", "PAUSE_S = 0.02", "PAUSE_S = 5.0")
    job = bench.start()
    bench.wait_for_events(job, 5)
    assert stopping.ask(bench.repo, job.id) is None
    ended = bench.finish(job, 15.0)
    assert (ended.state, ended.exit_code) == (JobState.CANCELLED, 130)
    assert "kept" in ended.error and not bench.processes()
    assert bench.trials()[done.result["trial"]].status is TrialStatus.COMPLETE
    assert stopping.ask(bench.repo, job.id) is stopping.Ending.NOT_RUNNING


@pytest.mark.training
def test_a_cancel_that_comes_before_the_job_is_ready_still_cancels_it(bench):
    job = bench.start()
    assert stopping.ask(bench.repo, job.id) is None
    assert bench.finish(job, 30.0).state is JobState.CANCELLED


@pytest.mark.training
def test_two_jobs_that_want_the_same_trial_train_it_once(bench):
    first, second = bench.start(), bench.start()
    results = [bench.finish(job).result for job in (first, second)]
    assert results[0] == results[1] and len(bench.trials()) == 1
    epochs = [sum(e.type is EventType.EPOCH for e in bench.events(job)) for job in (first, second)]
    assert sorted(epochs) == [0, 8]


@pytest.mark.training
def test_a_run_that_is_broken_off_does_not_unlearn_how_the_last_one_failed(bench):
    bench.edit("shelf.py", 'yield {"loss": 1.0 / epoch}', 'yield {"loss": float("nan")}')
    bench.edit("shelf.py", "PAUSE_S = 0.02", "PAUSE_S = 2.0")
    (failed,) = [bench.run()]
    assert failed.state is JobState.FAILED and failed.result["reason"] == "not finite"
    (before,) = bench.trials().values()
    job = bench.start()
    bench.wait_for_events(job, 4)
    stopping.ask(bench.repo, job.id)
    assert bench.finish(job).state is JobState.CANCELLED
    assert list(bench.trials().values()) == [before]


@pytest.mark.training
def test_a_version_that_is_trained_anew_says_which_files_made_it_another(bench):
    first = bench.run()
    assert not any("another version" in event.message for event in bench.events(first)), (
        "there was none before"
    )
    (bench.repo / "notes.txt").write_text("changed\n")
    (bench.repo / "run.log").write_text("loss .3\n")
    (said,) = [e.message for e in bench.events(bench.run()) if "another version" in e.message]
    (trial,) = {first.result["trial"]} if first.result else set()
    assert f"than trial {trial}: notes.txt, run.log changed" in said and ".gitignore" in said
    assert not any("another version" in e.message for e in bench.events(bench.run())), "it is measured by now"
    bench.edit("shelf.py", "EVENTS_PER_EPOCH = 24", "EVENTS_PER_EPOCH = 25")
    (said,) = [e.message for e in bench.events(bench.run()) if "another version" in e.message]
    assert "shelf.py changed" in said and ".gitignore" not in said


@pytest.mark.process
def test_readers_never_wait_for_a_job(bench):
    job = bench.start()
    bench.wait_for_events(job, 3)
    path = bench.repo / ".evolverec" / "store.sqlite"
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.0)
    while not bench.record(job).state.ended:
        reader.execute("select count(*) from trials").fetchone()
        time.sleep(0.05)
    reader.close()
    assert bench.finish(job).state is JobState.DONE


@pytest.mark.training
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_trial_whose_files_are_damaged_is_done_again_and_the_user_is_told(bench, damage):
    first = bench.run()
    trial = first.result["trial"]
    path = bench.repo / ".evolverec" / "trials" / trial / "artifacts" / "top_items.npy"
    path.write_bytes(path.read_bytes()[:100])
    if damage == "gone":
        shutil.rmtree(path.parents[1])
    again = bench.run()
    assert again.result["trial"] == trial and again.result["metrics"] == first.result["metrics"]
    said = [event.message for event in bench.events(again)]
    assert any(f"trial {trial} is done again" in words for words in said)
    assert any("epoch" in words for words in said) and path.stat().st_size > 100
