"""Faults around processes: a clock that steps, a reader that hangs, a terminal that goes away, a disk without space.

Each is told as what it is, loses nothing, leaves nothing behind, and the next command goes on.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from evolution.base.disks import store_error
from evolution.base.places import ENTRY, job_folder
from evolution.base.processes import ProcessId, identify, is_visible, lives, send
from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.jobs import control, stopping
from evolution.jobs.alive import LOCK, handed_over, is_alive
from evolution.jobs.stopping import Ending
from evolution.store.store import Store
from server.cli.history import stop_jobs
from tests.evolution.jobs.conftest import Bench, bench, wait_until

bench = bench
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


def stored(bench: Bench, process: ProcessId | None, **changes: object) -> JobRecord:
    values = {
        "id": "train-0001",
        "kind": JobKind.TRAIN,
        "state": JobState.RUNNING,
        "process": process,
        "created_at": time.time(),
    }
    job = JobRecord(**{**values, **changes})  # type: ignore[arg-type]
    with Store.open(bench.repo) as store:
        store.put_job(job)
    (job_folder(bench.repo, job.id) / "scratch").mkdir(parents=True)
    return job


@pytest.mark.parametrize("step_s", [-86_400.0, -2.0, 2.0, 3_600.0])
def test_a_step_of_the_clock_loses_no_job(
    bench: Bench, sleeper, monkeypatch: pytest.MonkeyPatch, step_s: float
):
    job = stored(bench, identify(sleeper.pid))
    now, booted = time.time, psutil.boot_time()
    monkeypatch.setattr(time, "time", lambda: now() + step_s)
    monkeypatch.setattr(
        "psutil._pslinux.boot_time", lambda: booted + step_s
    )  # what psutil adds to start times
    assert abs(psutil.Process(sleeper.pid).create_time() - now()) > abs(step_s) - 1.5, (
        "the clock did not step"
    )
    assert is_alive(bench.repo, job)
    assert [one.id for one in control.reconcile(bench.repo)] == [job.id]
    assert (job_folder(bench.repo, job.id) / "scratch").exists()
    assert stop_jobs(bench.repo, "")["stopped"] == [job.id]
    assert sleeper.wait(10) == -signal.SIGTERM


@pytest.mark.parametrize("step_s", [-86_400.0, 3_600.0])
def test_a_job_that_is_being_started_is_alive_by_its_lock_not_by_the_clock(
    bench: Bench, monkeypatch, step_s: float
):
    job = stored(bench, None, state=JobState.STARTING)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + step_s)
    with handed_over(bench.repo, job.id):
        assert is_alive(bench.repo, job)
    assert not is_alive(bench.repo, job), "its starter died before it was started"
    assert control.reconcile(bench.repo) == [] and bench.record(job).state is JobState.LOST


OTHERS = {
    "another pid": {"pid": 2**22 + 1},
    "a reused pid": {"ticks": 1},
    "before a restart": {"boot": "00000000-0000-0000-0000-000000000000"},
    "another container": {"namespace": 1},
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_process_is_not_taken_for_the_job_and_gets_no_signal(bench: Bench, sleeper, name: str):
    known = identify(sleeper.pid)
    assert known is not None
    job = stored(bench, replace(known, **OTHERS[name]))
    assert not is_alive(bench.repo, job)
    assert stopping.stop(bench.repo, job.id) is Ending.NOT_RUNNING
    assert send(replace(known, ticks=1), signal.SIGKILL) is False
    assert control.reconcile(bench.repo) == [] and sleeper.poll() is None


def test_a_job_of_another_container_lives_while_it_holds_its_lock(bench: Bench, sleeper):
    known = identify(sleeper.pid)
    assert known is not None
    job = stored(bench, replace(known, namespace=1))
    with handed_over(bench.repo, job.id):
        assert [one.id for one in control.reconcile(bench.repo)] == [job.id]
        told = stop_jobs(bench.repo, "")
        assert told["running"] == [job.id] and "another container" in told["endings"][job.id]
    assert control.reconcile(bench.repo) == [] and sleeper.poll() is None


def test_a_job_of_an_earlier_version_is_known_by_its_wall_time(bench: Bench, sleeper):
    started = psutil.Process(sleeper.pid).create_time()
    job = stored(bench, None, pid=sleeper.pid, pid_started=started)
    assert is_alive(bench.repo, job) and not is_alive(bench.repo, replace(job, pid_started=started - 5.0))
    assert stopping.stop(bench.repo, job.id) is Ending.STOPPED


@pytest.mark.process
def test_a_zombie_and_a_name_with_brackets_are_read_as_they_are(tmp_path: Path):
    named = tmp_path / "a) R 1 (b"
    named.symlink_to(sys.executable)
    with subprocess.Popen([str(named), "-c", "input()"], stdin=subprocess.PIPE) as process:
        known = identify(process.pid)
        assert known is not None and lives(known) and is_visible(known)
        assert known.ticks >= own_ticks(), "it is younger than this process"
        process.stdin.close()  # type: ignore[union-attr]
        wait_until(
            lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE, 10.0, "it did not end"
        )
        assert identify(process.pid) is None and not lives(known)


def own_ticks() -> int:
    known = identify(os.getpid())
    assert known is not None
    return known.ticks


def test_a_job_that_does_not_answer_is_killed_and_told_so(bench: Bench):
    with subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout is not None and deaf.stdout.readline() == b"deaf\n"
        job = stored(bench, identify(deaf.pid))
        assert stopping.stop(bench.repo, job.id, grace_s=0.2) is Ending.KILLED
        assert deaf.wait(10) == -signal.SIGKILL
    ended = bench.record(job)
    assert ended.state is JobState.CANCELLED and "did not answer and was killed" in ended.error
    assert not (job_folder(bench.repo, job.id) / "scratch").exists()


@pytest.mark.process
def test_a_stop_ends_a_job_that_hangs_in_reading_data(bench: Bench):
    """Nobody ever writes into the FIFO that stands for a file of the repo's own."""
    bench.edit(
        "shelf.py",
        "def build(data, *, device, seed):",
        "def build(data, *, device, seed):\n    open('fifo').read()",
    )
    os.mkfifo(bench.repo / "fifo")
    job = bench.start()
    bench.wait_for_events(job, 1)
    started = time.monotonic()
    assert stopping.stop(bench.repo, job.id, grace_s=10.0) in (Ending.STOPPED, Ending.KILLED)
    assert time.monotonic() - started < 25.0
    assert bench.record(job).state is JobState.CANCELLED and not is_alive(bench.repo, bench.record(job))
    wait_until(lambda: not bench.processes(), 20.0, "something of it still runs")


def command(bench: Bench, *words: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, str(ENTRY), *words, str(bench.repo), "--trust", "--json"],
        stdout=pipe,
        stderr=pipe,
        text=True,
        preexec_fn=heeds_signals,
    )


def heeds_signals() -> None:
    """As in a terminal, also where whoever runs the tests ignores some (nohup, a job in the background)."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_what_ends_the_command_ends_its_job(bench: Bench, number: signal.Signals):
    bench.edit("shelf.py", "PAUSE_S = 0.02", "PAUSE_S = 5.0")
    with command(bench, "train") as train:
        job = wait_until(
            lambda: job_of(bench, lambda job: job.state is JobState.RUNNING), 30.0, "no job was started"
        )
        train.send_signal(number)
        out, _ = train.communicate(timeout=60)
    assert train.returncode == 130 and "kept" in json.loads(out)["error"]["message"]
    assert bench.record(job).state is JobState.CANCELLED
    wait_until(lambda: not bench.processes(), 20.0, "something of it still runs")


def job_of(bench: Bench, fits: Callable[[JobRecord], bool]) -> JobRecord | None:
    with Store.open(bench.repo) as store:
        return next((job for job in store.jobs() if fits(job)), None)


@pytest.mark.training
def test_a_run_that_is_killed_in_its_first_trial_goes_on(bench: Bench):
    asked = {"strategy": "nas", "trials": 3}
    job = bench.start(JobKind.EVOLVE, **asked)
    wait_until(lambda: any(t.status == "running" for t in bench.trials().values()), 60.0, "it trains nothing")
    process = bench.record(job).process
    assert process is not None and send(process, signal.SIGKILL)
    wait_until(lambda: not is_alive(bench.repo, bench.record(job)), 10.0, "it lives on")
    control.reconcile(bench.repo)
    resumed = bench.run(JobKind.EVOLVE, resume="newest")
    assert resumed.state is JobState.DONE, resumed.error
    assert resumed.result is not None and resumed.result["limits"] == {"trials": 3.0}


def sqlite_says(code: str, said: str) -> sqlite3.DatabaseError:
    error = sqlite3.OperationalError(said)
    error.sqlite_errorname = code
    return error


@pytest.mark.parametrize(
    ("code", "said", "free", "told"),
    [
        ("SQLITE_FULL", "database or disk is full", 0, "the disk is full"),
        ("SQLITE_IOERR_SHMSIZE", "disk I/O error", 20_000, "the disk is full: 19 KB are left"),
        ("SQLITE_CANTOPEN", "unable to open database file", 0, "the disk is full"),
        ("SQLITE_CANTOPEN", "unable to open database file", 10**9, "make its folder and its files writable"),
        ("SQLITE_IOERR_WRITE", "disk I/O error", 10**9, "full or failing"),
        ("SQLITE_BUSY", "database is locked", 10**9, "another process"),
        ("SQLITE_CORRUPT", "database disk image is malformed", 10**9, "move it away"),
    ],
)
def test_only_a_store_that_is_none_is_to_be_moved_away(
    monkeypatch, code: str, said: str, free: int, told: str
):
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr("evolution.base.disks.shutil.disk_usage", lambda _: usage)
    words = str(store_error(sqlite_says(code, said)))
    assert told in words and ("move it away" in words) == (code == "SQLITE_CORRUPT")


def test_a_lock_that_is_left_is_free(bench: Bench):
    job = stored(bench, None, state=JobState.STARTING)
    (job_folder(bench.repo, job.id) / LOCK).touch()
    assert not is_alive(bench.repo, job)
