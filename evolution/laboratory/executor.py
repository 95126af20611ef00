"""Executors run trials. `LocalSlots` runs them on this machine; another executor is a class with the same two members.

An executor only runs trials. The caller looks up stored trials, judges results and decides what to run next, and these
decisions do not depend on which trial ends first.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol, TypeVar

from evolution.base.errors import Cancelled
from evolution.domain.trial import Trial
from evolution.laboratory.devices import Device
from evolution.laboratory.leases import lease
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.run import checkpoint_trial, run_trial, smoke_trial

ACCELERATORS = ("cuda", "mps")  # whose memory one training may fill
T = TypeVar("T")
R = TypeVar("R")


class Rungs(Enum):
    """Which stages a program goes through. The value holds the function: (request, supervision) -> trial."""

    SMOKE = (smoke_trial,)  # parse, import, contract on one batch, two steps
    ALL = (run_trial,)
    CHECKPOINT = (checkpoint_trial,)  # the weights of a file in place of a training


@dataclass(frozen=True, kw_only=True)
class Order:
    """One trial to run. waiting: called once if no slot is free at first. begins: called once a slot is held, just
    before the trial runs. beside: it takes seconds, and need not wait for the trainings that hold the slots of a CPU."""

    request: TrialRequest
    supervision: Supervision
    rungs: Rungs = Rungs.ALL
    waiting: Callable[[], None] = lambda: None
    begins: Callable[[], None] = lambda: None
    beside: bool = False


class Executor(Protocol):
    """Runs trials. Several threads may call `run` at once; each is given its own trial."""

    @property
    def capacity(self) -> int:
        """How many trials run at once; further ones wait inside `run`."""
        ...

    def run(self, order: Order) -> Trial:
        """Run a trial to its end and return it. If the program fails, the worker is lost, or the trial is cancelled while
        it runs, a failed trial is returned.

        Raises Cancelled if it is cancelled before it begins, OSError if its folder cannot be written.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class LocalSlots:
    """Slots of this machine's CPU or GPUs, shared with all other jobs of the user."""

    device: Device

    @property
    def capacity(self) -> int:
        """See `Executor.capacity`."""
        return self.device.slots

    def run(self, order: Order) -> Trial:
        """See `Executor.run`."""
        with self._slot(order) as slot:
            if order.supervision.cancelled():
                raise Cancelled("cancelled")
            order.begins()
            gpu = str(slot) if self.device.kind == "cuda" else ""
            (work,) = order.rungs.value
            return work(replace(order.request, gpu=gpu), order.supervision)

    def _slot(self, order: Order) -> AbstractContextManager[int]:
        """A slot of the device, or, on a CPU, that of what runs beside trainings: one at a time on this machine."""
        cancelled, waiting = order.supervision.cancelled, order.waiting
        if order.beside and self.device.kind not in ACCELERATORS:
            return lease(f"{self.device.kind}-beside", 1, cancelled=cancelled, waiting=waiting)
        return self.hold(cancelled, waiting)

    def hold(self, cancelled: Callable[[], bool], waiting: Callable[[], None]) -> AbstractContextManager[int]:
        """Hold one slot for other work that needs the device, such as reading the test events; yields its number.

        Raises Cancelled if the job is cancelled while it waits.
        """
        return lease(self.device.kind, self.device.slots, cancelled=cancelled, waiting=waiting)


def in_parallel(
    executor: Executor, work: Callable[[T], R], items: Sequence[T], *, stop: Callable[[], None]
) -> list[R]:
    """Return [work(item) for each item], computed in as many threads as the executor has slots.

    If one call raises, `stop` is called, the remaining calls are waited for, and the exception is raised.
    """
    with ThreadPoolExecutor(max_workers=max(1, executor.capacity)) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            stop()
            for future in futures:
                future.cancel()
            raise
