"""What every executor must keep. A new one is added to `executors` and passes the same tests."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evolution.base.errors import Cancelled
from evolution.domain.trial import FailureReason, Trial, TrialStatus
from evolution.laboratory.devices import Device
from evolution.laboratory.executor import Executor, LocalSlots, Order, Rungs, in_parallel
from evolution.trials.request import Supervision
from tests.trials import MARKOV, Bench

CAPACITY = 2
DIES = MARKOV.replace("for epoch in range(3):", "for epoch in range(3):\n            import os; os._exit(7)")
SLOW = MARKOV.replace(
    "for epoch in range(3):", "for epoch in range(3):\n            import time; time.sleep(0.4)"
)


def local_slots() -> Executor:
    return LocalSlots(device=Device(name="cpu/1", kind=f"test-{os.getpid()}", slots=CAPACITY))


@pytest.fixture(params=[local_slots], ids=lambda made: made.__name__)
def executor(request: pytest.FixtureRequest) -> Executor:
    return request.param()


@pytest.fixture
def order(bench: Bench, tmp_path: Path) -> Callable[..., Order]:
    """order(name, text): the order of a program of its own. The name is the trial's id."""

    def made(name: str, text: str = MARKOV, **supervision: Any) -> Order:
        checkout = tmp_path / "programs" / name
        checkout.mkdir(parents=True)
        (checkout / "model.py").write_text(text, encoding="utf-8")
        folder = bench.repo / ".evolverec" / "trials" / name
        request = replace(bench.request(), id=name, checkout=checkout, folder=folder)
        return Order(request=request, supervision=Supervision(**supervision))

    return made


def run_all(executor: Executor, orders: list[Order]) -> list[Trial]:
    return in_parallel(executor, executor.run, orders, stop=lambda: None)


def figures(trial: Trial) -> dict[str, float]:
    return {name: metric.value for name, metric in trial.metrics.items()}


@pytest.mark.process
def test_a_trial_is_told_when_it_begins_and_comes_back_measured(executor, order):
    begun = []
    trial = executor.run(replace(order("a"), begins=lambda: begun.append("a")))
    assert begun == ["a"]
    assert (trial.id, trial.status) == ("a", TrialStatus.COMPLETE)
    assert len(trial.epochs) == 3 and "NDCG@10" in trial.metrics


@pytest.mark.process
def test_the_cheap_rungs_alone_measure_nothing(executor, order):
    trial = executor.run(replace(order("a"), rungs=Rungs.SMOKE))
    assert trial.status is TrialStatus.COMPLETE and not trial.metrics and trial.note["executed"]


@pytest.mark.process
def test_the_order_of_arrival_changes_nothing(executor, order):
    """The slow one arrives last; results stand in the order asked for, with the figures that each has alone."""
    asked = [order("slow", SLOW), order("fast"), order("again")]
    slow, fast, again = run_all(executor, asked)
    assert [trial.id for trial in (slow, fast, again)] == ["slow", "fast", "again"]
    assert figures(slow) == figures(fast) == figures(again) == figures(executor.run(order("alone")))


@pytest.mark.process
def test_as_many_run_at_once_as_there_is_room_for_and_the_others_wait(executor, order):
    running, most, waited = set[str](), [0], list[str]()
    lock = threading.Lock()

    def begins(name: str) -> None:
        with lock:
            running.add(name)
            most[0] = max(most[0], len(running))

    def run(one: Order) -> Trial:
        name = one.request.id
        trial = executor.run(replace(one, begins=lambda: begins(name), waiting=lambda: waited.append(name)))
        with lock:
            running.discard(name)
        return trial

    threads = [
        threading.Thread(target=run, args=[order(f"t{n}", SLOW)]) for n in range(executor.capacity + 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert most[0] == executor.capacity and len(waited) == 1


@pytest.mark.process
def test_a_lost_worker_is_a_failed_trial_and_touches_no_other(executor, order):
    lost, other = run_all(executor, [order("lost", DIES), order("other")])
    assert lost.status is TrialStatus.FAILED and lost.failure is not None
    assert lost.failure.reason is not FailureReason.CANCELLED
    assert other.status is TrialStatus.COMPLETE


@pytest.mark.process
def test_cancelled_while_it_runs_it_is_a_cancelled_trial(executor, order):
    stop = threading.Event()
    trial = executor.run(order("a", SLOW, cancelled=stop.is_set, on_epoch=lambda epoch: stop.set()))
    assert trial.failure is not None and trial.failure.reason is FailureReason.CANCELLED


def test_cancelled_before_it_begins_it_raises_and_leaves_nothing(executor, order):
    begun = []
    asked = replace(order("a", cancelled=lambda: True), begins=lambda: begun.append("a"))
    with pytest.raises(Cancelled):
        executor.run(asked)
    assert begun == [] and not asked.request.folder.exists()


@pytest.mark.process
def test_a_folder_that_cannot_be_written_is_an_error_of_the_disk_and_what_runs_beside_it_ends(
    executor, order
):
    good, bad = order("good", SLOW), order("bad")
    bad.request.folder.parent.mkdir(parents=True)
    bad.request.folder.write_text("a file in its place")
    running, stopped, ended = threading.Event(), [], []

    def run(one: Order) -> None:
        if one is bad:
            assert running.wait(60)
        ended.append(executor.run(one).id)

    with pytest.raises(OSError, match="bad"):
        in_parallel(executor, run, [replace(good, begins=running.set), bad], stop=lambda: stopped.append(1))
    assert (ended, stopped) == (["good"], [1])
    assert executor.run(order("later")).status is TrialStatus.COMPLETE, "its slot is free again"


def test_what_is_done_in_parallel_stands_in_the_order_of_the_items():
    pauses = [0.2, 0.0, 0.1]
    found = in_parallel(local_slots(), lambda pause: time.sleep(pause) or pause, pauses, stop=lambda: None)
    assert found == pauses


@pytest.mark.process
def test_a_check_waits_for_no_training(executor, order):
    waited = []
    check = replace(order("check"), rungs=Rungs.SMOKE, waiting=lambda: waited.append("check"))
    with ExitStack() as held:
        for _ in range(executor.capacity):
            held.enter_context(executor.hold(lambda: False, lambda: None))
        assert executor.run(replace(check, beside=True)).failure is None
        assert not waited
        cancelled = Supervision(cancelled=lambda: bool(waited))
        with pytest.raises(Cancelled):
            executor.run(replace(check, supervision=cancelled))
    assert waited == ["check"]
