"""Where trials run. `LocalSlots` runs them on this machine; another engine is another class with the same two members.

An executor only runs what it is given: what is stored already, what a result means and what comes next is decided by
the caller, never by which trial arrives first.
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
from evolution.trials.run import run_trial, smoke_trial

T = TypeVar("T")
R = TypeVar("R")


class Rungs(Enum):
    """How far up the ladder a program is taken. The value runs it: request, supervision -> trial."""

    SMOKE = (smoke_trial,)  # parse, import, contract on one batch, two steps
    ALL = (run_trial,)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One trial to be run. waiting: called once where no slot is free at first. begins: called once, with a slot, before
    the trial runs."""

    request: TrialRequest
    supervision: Supervision
    rungs: Rungs = Rungs.ALL
    waiting: Callable[[], None] = lambda: None
    begins: Callable[[], None] = lambda: None


class Executor(Protocol):
    """Runs trials. Several threads may call `run` at once; each is given its own trial."""

    @property
    def capacity(self) -> int:
        """How many trials run at once; further ones wait inside `run`."""
        ...

    def run(self, order: Order) -> Trial:
        """The trial, when it has ended. A program that fails, a worker that is lost and a trial cancelled while it runs
        are failed trials.

        Raises Cancelled where it was cancelled before it began; OSError where its folder cannot be written.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class LocalSlots:
    """Slots of this machine's CPU or GPUs, shared with all other jobs of the user."""

    device: Device

    @property
    def capacity(self) -> int:
        return self.device.slots

    def run(self, order: Order) -> Trial:
        """See `Executor.run`."""
        with self.hold(order.supervision.cancelled, order.waiting) as slot:
            if order.supervision.cancelled():
                raise Cancelled("cancelled")
            order.begins()
            gpu = str(slot) if self.device.kind == "cuda" else ""
            (work,) = order.rungs.value
            return work(replace(order.request, gpu=gpu), order.supervision)

    def hold(self, cancelled: Callable[[], bool], waiting: Callable[[], None]) -> AbstractContextManager[int]:
        """One slot, for work beside trials that must run where their folders are. Raises Cancelled while it waits."""
        return lease(self.device.kind, self.device.slots, cancelled=cancelled, waiting=waiting)


def in_parallel(
    executor: Executor, work: Callable[[T], R], items: Sequence[T], *, stop: Callable[[], None]
) -> list[R]:
    """work(item) of each, in the order of the items, as many at once as the executor has room for.

    Where one raises, `stop` is called, the others end, and the first exception is raised: what they measured is stored.
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
