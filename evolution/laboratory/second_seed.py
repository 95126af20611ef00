"""The user's version with a further seed, trained in a slot that stands idle while its first one trains.

No gain is verified without it: measured beforehand it takes none of the time in which patches are.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from evolution.domain.trial import EpochRecord, Trial
from evolution.laboratory.laboratory import Laboratory, complete


class SecondSeed:
    """A context in which the second seed may be trained: `begin` starts it, once, if there is a slot to spare.

    Leaving the context ends a training that still runs; whoever needs its trial meanwhile waits for it. What goes wrong
    in it is told when the trial is asked for.
    """

    def __init__(self, laboratory: Laboratory, program: str) -> None:
        self._laboratory = laboratory
        self._program = program
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._trained: Future[Trial] | None = None
        self._dropped = threading.Event()

    def begin(self, _epochs: Sequence[EpochRecord]) -> bool:
        """To be called after an epoch of the first seed: a program that ends before one is not trained twice. False."""
        if self._trained is None and self._laboratory.executor.capacity > 1:
            self._trained = self._pool.submit(self._train)
        return False

    def drop(self) -> None:
        """It is not needed: its training ends with the epoch that runs."""
        self._dropped.set()

    def _train(self) -> Trial:
        seed = self._laboratory.config.training.seed + 1
        return self._laboratory.trial(
            self._program,
            seed=seed,
            label=f"your version, seed {seed}",
            accept=complete,
            prune=lambda _epochs: self._dropped.is_set(),
        )

    def __enter__(self) -> "SecondSeed":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()
        self._pool.shutdown(wait=True, cancel_futures=True)
