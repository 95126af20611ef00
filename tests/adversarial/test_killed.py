"""A worker that was killed from outside: nobody's fault, tried once more, said so; what kills itself again is to blame."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.domain.request import TrainRequest
from evolution.domain.trial import Failure, FailureReason, Trial, TrialStatus
from evolution.laboratory.context import EventLog, JobContext
from evolution.laboratory.executor import Order, in_parallel
from evolution.laboratory.laboratory import Laboratory, complete, measured, measured_or_pruned
from evolution.repo.copies.lookout import Copies
from evolution.repo.settings import user_settings
from evolution.store.store import Store
from evolution.trials.interpreter import interpreter_at
from evolution.trials.request import Enforcement, SandboxMode, Supervision
from evolution.trials.run import run_trial
from tests.adversarial.test_candidates import doing

EVERYWHERE = pytest.mark.parametrize("sandbox", list(SandboxMode))
WAITS = "import time; time.sleep(0.5)"


def processes_of(repo: Path) -> list[psutil.Process]:
    """The worker's, the outermost first."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any("worker.pyz" in word for word in words) and any(str(repo) in word for word in words):
            found.append(process)
    return sorted(found, key=lambda process: len(process.parents()))


def killing(repo: Path, number: int, which: int) -> Supervision:
    """Sends the signal to a process of the worker's when its first epoch has ended."""

    def kill(_: object) -> None:
        family = processes_of(repo)
        everything = [
            *family,
            *(child for child in family[0].children(recursive=True) if child not in family),
        ]
        everything[which].send_signal(number)

    return Supervision(on_epoch=kill)


@pytest.mark.process
@EVERYWHERE
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_a_worker_that_somebody_kills_is_killed_and_no_crash(bench, sandbox, number):
    trial = bench.run(doing(bench, WAITS), sandbox=sandbox, supervision=killing(bench.repo, number, which=-1))
    assert trial.status is TrialStatus.FAILED
    assert trial.failure.reason is FailureReason.KILLED, trial.failure
    assert number.name in trial.failure.message
    assert not trial.failure.outside, "it might have done it itself"


@pytest.mark.process
@pytest.mark.usefixtures("sandboxed")
@pytest.mark.parametrize("enforcement", list(Enforcement))
def test_what_nothing_inside_the_sandbox_reaches_was_killed_from_outside(bench, enforcement):
    supervision = killing(bench.repo, signal.SIGKILL, which=0)
    trial = bench.run(doing(bench, WAITS), enforcement=enforcement, supervision=supervision)
    assert trial.failure.reason is FailureReason.KILLED and trial.failure.outside, trial.failure
    assert "from outside its sandbox" in trial.failure.message


@pytest.mark.process
@EVERYWHERE
def test_a_worker_cannot_say_that_it_was_killed(bench, sandbox):
    code = (
        "import _evolverec_worker.failures as ours; "
        "ours.describe = lambda *_, **__: {'kind': 'killed', 'message': 'x', 'outside': True}; raise ValueError"
    )
    trial = bench.run(doing(bench, code), sandbox=sandbox)
    assert trial.failure.reason is FailureReason.CRASH and not trial.failure.outside


@pytest.mark.process
def test_an_interpreter_that_is_killed_while_it_is_asked_is_asked_once_more(tmp_path):
    """A script in its place kills itself the first time only."""
    python = tmp_path / "python"
    script = f'[ -e {tmp_path}/asked ] && exec {sys.executable} "$@"\n: > {tmp_path}/asked\nkill -9 $$\n'
    python.write_text(f"#!/bin/sh\n{script}")
    python.chmod(0o755)
    assert interpreter_at(python).version >= (3, 9)


# -- who asks for trials


class Scripted:
    """An executor that ends each trial as the next failure says; None: well."""

    capacity = 1

    def __init__(self, *ends: Failure | None) -> None:
        self.ends = list(ends)
        self.ran = 0

    def run(self, order: Order) -> Trial:
        order.begins()
        self.ran += 1
        failure = self.ends.pop(0)
        status = TrialStatus.COMPLETE if failure is None else TrialStatus.FAILED
        key, name = order.request.key, order.request.id
        return Trial(id=name, key=key, status=status, created_at=time.time(), wall_s=0.1, failure=failure)


OUTSIDE = Failure(reason=FailureReason.KILLED, message="somebody did it", outside=True)
UNKNOWN = Failure(reason=FailureReason.KILLED, message="killed by SIGKILL")
NO_MEMORY = Failure(reason=FailureReason.KILLED, message="the machine ran out of memory")
CRASH = Failure(reason=FailureReason.CRASH, message="IndexError")


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Laboratory]]:
    """laboratory(*ends): one on an empty repo whose executor is scripted."""
    repo = tmp_path / "lab"
    repo.mkdir()
    (repo / "model.py").write_text("")
    (repo / "evolverec.toml").write_text(
        '[data]\nsource = "shop-micro"\n[recommender]\nentry = "model:build"\n'
    )
    from evolution.repo.config import read_config

    store = Store.open(repo)
    events = (tmp_path / "events.jsonl").open("w")
    job = JobRecord(
        id="j", kind=JobKind.TRAIN, state=JobState.RUNNING, created_at=0.0, pid=os.getpid(), pid_started=0.0
    )

    def made(*ends: Failure | None) -> Laboratory:
        context = JobContext(
            repo=repo,
            job=job,
            request=TrainRequest(),
            store=store,
            store_lock=threading.RLock(),
            config=read_config(repo),
            settings=user_settings(),
            events=EventLog(events),
            scratch=tmp_path / "scratch",
        )
        found = Laboratory(context)
        found.__dict__["data"] = SimpleNamespace(fingerprint="data", lookout=NoCopies())
        found.executor = Scripted(*ends)
        monkeypatch.setattr(found, "_is_whole", lambda stored: True)
        return found

    yield made
    store.close()
    events.close()


class NoCopies:
    """A lookout in a repo without copies of the log."""

    def copies(self, *_: object) -> Copies:
        return Copies(withheld={}, exposed={})


def trial_of(laboratory: Laboratory, **asked: Any) -> Trial:
    return laboratory.trial(laboratory.user_program(), seed=0, label="candidate", **asked)


def said(laboratory: Laboratory) -> str:
    return (laboratory.context.repo.parent / "events.jsonl").read_text()


def ran(laboratory: Laboratory) -> int:
    assert isinstance(laboratory.executor, Scripted)
    return laboratory.executor.ran


def test_a_killed_trial_is_tried_once_more_and_the_user_is_told(laboratory):
    here = laboratory(OUTSIDE, None)
    assert trial_of(here).status is TrialStatus.COMPLETE
    assert ran(here) == 2
    assert "tried once more: somebody did it" in said(here)
    assert trial_of(here).status is TrialStatus.COMPLETE and ran(here) == 2, "it is in the store"


def test_a_trial_that_is_killed_from_outside_twice_is_stored_as_killed_and_run_again_when_asked_for(
    laboratory,
):
    here = laboratory(OUTSIDE, OUTSIDE, None)
    trial = trial_of(here)
    assert trial.failure.reason is FailureReason.KILLED and "twice" in trial.failure.message
    assert not measured(trial)
    assert trial_of(laboratory(None)).status is TrialStatus.COMPLETE


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(UNKNOWN, FailureReason.CRASH), (NO_MEMORY, FailureReason.OUT_OF_MEMORY)],
    ids=["unknown", "memory"],
)
def test_what_may_be_its_own_doing_counts_as_its_own_the_second_time(laboratory, failure, reason):
    trial = trial_of(laboratory(failure, failure))
    assert trial.failure.reason is reason
    assert failure.message in trial.failure.message and "counts as the program's own" in trial.failure.message
    assert trial_of(laboratory()) == trial, "it is tried for good"
    assert trial_of(laboratory(None), accept=complete).failure is None, "the user's own version is run again"


def test_a_second_try_that_fails_by_itself_says_so(laboratory):
    here = laboratory(OUTSIDE, CRASH)
    assert trial_of(here).failure == CRASH
    assert ran(here) == 2


def test_what_failed_by_itself_is_not_tried_again(laboratory):
    here = laboratory(CRASH)
    assert trial_of(here).failure == CRASH and ran(here) == 1


def test_a_run_that_is_done_again_takes_a_killed_trial_as_it_took_it_before(laboratory):
    """Else it would decide otherwise from there on, and pay for it; a user's own version is run again all the same."""
    trial = trial_of(laboratory(OUTSIDE, OUTSIDE))
    for names in (("continues",), ("replays",)):
        again = laboratory()
        for name in names:
            setattr(again, name, True)
        assert trial_of(again, accept=measured_or_pruned) == trial
    again = laboratory(None)
    again.continues = True
    assert trial_of(again, accept=complete).failure is None


def test_a_killed_check_is_tried_once_more_and_not_known_for_good(laboratory):
    here = laboratory(OUTSIDE, OUTSIDE, None)
    program = here.user_program()
    assert here.smoke_once(program).failure.reason is FailureReason.KILLED
    assert here.smoke_once(program).failure is None
    assert ran(here) == 3


def test_trials_beside_a_killed_one_are_left_alone(laboratory):
    here = laboratory(OUTSIDE, None, None)
    trials = in_parallel(
        here.executor, lambda n: here.trial(here.user_program(), seed=n, label=str(n)), [0, 1], stop=print
    )
    assert [trial.status for trial in trials] == [TrialStatus.COMPLETE] * 2


# -- the whole way


@pytest.mark.process
def test_a_real_worker_that_is_killed_once_is_measured_all_the_same(laboratory, bench):
    """The executor is real but for one thing: its first worker is killed in its first epoch."""

    class Killing(Scripted):
        def run(self, order: Order) -> Trial:
            self.ran += 1
            on_epoch = (
                killing(bench.repo, signal.SIGKILL, which=-1).on_epoch
                if self.ran == 1
                else order.supervision.on_epoch
            )
            bench.write(doing(bench, WAITS))
            return run_trial(bench.request(), replace(order.supervision, on_epoch=on_epoch))

    here = laboratory()
    here.executor = Killing()
    trial = trial_of(here)
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert ran(here) == 2 and "tried once more" in said(here)
