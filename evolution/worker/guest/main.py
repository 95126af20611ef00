"""The worker: told by wire what to do, answers with numbers and files, never sees a label."""

from __future__ import annotations

import os
import platform
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import entry, failures, late_compiler, limits
from .recommender import CheckedRecommender
from .step_count import StepCount
from .training_data import QuestionSet, load_training
from .watching import LineWatch
from .wire import Channel


class GuestSession:
    """What lives from one request to the next. Each public method is a request; its document is the reply."""

    def __init__(self) -> None:
        self.stage = "start"
        self.root = ""
        self._build: Callable[..., Any] | None = None
        self._candidate: CheckedRecommender | None = None
        self._best: Any = None
        self._questions: dict[str, QuestionSet] = {}
        self._watch: LineWatch | None = None
        self._traced: CheckedRecommender | None = None  # trained under the watch of `watch_epochs`
        self._epochs: Any = None  # what its fit() returned
        self._steps = StepCount()
        self._settled = False  # an epoch of it has just ended
        self._made_at: Any = None  # where a tensor of it comes from

    # -- setting up

    def enter(
        self, root: str, extra_path: list[str], moved_from: str, file_bytes: int, processes: int
    ) -> dict[str, Any]:
        self.stage = "start of the worker"
        limits.die_with_parent()
        limits.set_limits(file_bytes=file_bytes, processes=processes)
        self.root = os.path.realpath(root)
        entry.enter(self.root, extra_path, moved_from)
        return {"python": platform.python_version(), "numpy": np.__version__, "pid": os.getpid()}

    def watch(self) -> dict[str, Any]:
        """From now on, count the lines that run on import and on `walk`."""
        self._watch = LineWatch(self.root)
        return {}

    def load(
        self, entry_point: str, data: str, device: str, threads: int, max_history: int
    ) -> dict[str, Any]:
        """Import the program and read the training log."""
        self.stage = f"import of {entry_point}"
        late_compiler.keep_compiler_unloaded()
        if self._watch is None:
            self._build = entry.load_build(entry_point, self.root)
        else:
            self._watch.run(lambda: self._load_build(entry_point))
        self._device, self._max_history = device, max_history
        torch: Any = sys.modules.get("torch")
        if torch is not None:
            torch.set_num_threads(threads)
        self._threads = threads
        self.stage = "reading the training data"
        self._data = load_training(str(Path(data, "training")))
        return {"torch": getattr(torch, "__version__", ""), "gpu": _gpu_name(torch, device)}

    def smoke(self, seed: int, seconds: float, folder: str) -> dict[str, Any]:
        """Trace at most two training steps of a recommender of its own, and its scores of a batch in `folder`."""
        self.stage = "fit()"
        from .tracing import trace_smoke  # after the program's import, which decides whether there is torch

        return {
            "trace": trace_smoke(
                lambda: self._model_to_trace(seed),
                root=self.root,
                seconds=seconds,
                score_batch=_batch_in(folder),
                data=self._data,
            )
        }

    def watch_epochs(
        self, seed: int, seconds: float, least_rows: int, folder: str, suspect_from: int | None = None
    ) -> dict[str, Any]:
        """Train a recommender of its own for two epochs under the watch; arrays go to `folder`."""
        from .epoch_watch import (
            watch_epochs,  # after the program's import, which decides whether there is torch
        )

        self._candidate = self._traced = self._epochs = self._made_at = None
        watched = watch_epochs(
            lambda: self._model_to_trace(seed),
            root=self.root,
            seconds=seconds,
            n_items=int(self._data.n_items),
            least_rows=least_rows,
            folder=Path(folder),
            suspect_from=suspect_from,
        )
        self._epochs, self._settled, self._made_at = watched.epochs, watched.settled, watched.made_at
        return {"watched": watched.document}

    def replay(self, seconds: float) -> dict[str, Any]:
        """One further step of the watched training, kept whole; see `replaying`. The recommender is used up by it."""
        candidate, epochs = self._traced, self._epochs
        made_at = self._made_at
        self._traced = self._epochs = self._made_at = None
        if candidate is None or epochs is None or "torch" not in sys.modules:
            return {"replayed": {}}
        self.stage = "fit()"
        from .replaying import replay_step

        told = replay_step(
            candidate,
            epochs,
            self._data,
            root=self.root,
            seconds=seconds,
            settled=self._settled,
            made_at=made_at,
        )
        return {"replayed": told}

    def build(self, seed: int) -> dict[str, Any]:
        self.stage = "build()"
        self._candidate = self._traced = self._epochs = self._made_at = None  # the old one's memory first
        self._candidate = self._made(seed)
        entry.check_modules(self.root, set())
        candidate = self._candidate
        return {
            "parameters": candidate.parameters(),
            "has_state": candidate.has_state(),
        }

    def _made(self, seed: int) -> CheckedRecommender:
        """A recommender of the program, with as many threads as it can use; what its build() has chosen is left alone."""
        torch: Any = sys.modules.get("torch")
        chosen = torch is not None and torch.get_num_threads() not in (1, self._threads)
        if torch is not None and not chosen:
            torch.set_num_threads(self._threads)
        made = CheckedRecommender(*self._program(), device=self._device, seed=seed)
        torch = sys.modules.get("torch")
        if torch is not None and torch.get_num_threads() == self._threads and 0 < made.parameters() < SMALL:
            torch.set_num_threads(1)
        return made

    def _model_to_trace(self, seed: int) -> Any:
        self.stage = "build()"
        self._traced = self._made(seed)
        self.stage = "fit()"
        return self._traced.model

    def asked(self) -> Any:
        """The function of the repo that the present stage calls, `build` where that is the kit's; None where it is none
        of the recommender's."""
        if self.stage == "build()":
            return self._build
        model = self._candidate.model if self._candidate is not None else None
        asked = getattr(type(model), self.stage[: -len("()")], None) if self.stage.endswith("()") else None
        return self._build if failures.is_kits(asked) else asked

    # -- asking

    def score(self, batch: str, path: str, seed: int | None = None) -> dict[str, Any]:
        """Dense scores of `users.npy` (B,) and `histories.npy` (B, L) in the folder `batch`, written to `path`.

        seed: of random numbers that are drawn meanwhile; None draws others each time.
        """
        self.stage = "score()"
        users, histories = _batch_in(batch)
        with self.candidate.at_rest(seed):
            np.save(path, self.candidate.dense(users, histories))
        return {}

    def padding(self, batch: str) -> dict[str, Any]:
        """The recommender's own scores of column 0 for the batch in the folder."""
        self.stage = "score()"
        users, histories = _batch_in(batch)
        with self.candidate.at_rest():
            return {"scores": self.candidate.padding_scores(users, histories)}

    def part(self, first: str, second: str, rows: str, seeds: list[int], seconds: float) -> dict[str, Any]:
        """Where the answers to two batches part ("parts"), and where a difference between them is lost ("loses").

        rows: int64 (2, n), the rows that belong together. seeds: one for each answer. Each is one place or none.
        """
        self.stage = "score()"
        from .comparing import first_parting, last_loss
        from .comparing_steps import steps_compared

        steps = steps_compared(
            self.candidate, [_batch_in(first), _batch_in(second)], np.load(rows), seeds, self.root, seconds
        )
        found = {"parts": first_parting(*steps), "loses": last_loss(*steps)}
        return {name: [step.told()] if step is not None else [] for name, step in found.items()}

    def changes(self, batch: str, seconds: float) -> dict[str, Any]:
        """What answering the batch changes on the recommender, see `carried_state.changes`."""
        self.stage = "score()"
        from .carried_state import changes
        from .tracing_frames import Limit, Places

        users, histories = _batch_in(batch)
        candidate = self.candidate

        def score() -> None:
            with candidate.at_rest(0):
                candidate.model.score(users, histories)

        return {"changed": changes(score, candidate.model, Places(self.root), Limit(seconds))}

    def mode_left(self, batch: str) -> dict[str, Any]:
        """How many answers to the batch are random in the mode that fit() left, and where score() begins.

        The kit's own answers are not asked for.
        """
        self.stage = "score()"
        function = getattr(type(self.candidate.model), "score", None)
        if failures.is_kits(function):
            return {"moved": 0, "places": []}
        moved = self.candidate.moved_in_its_mode(*_batch_in(batch))
        path, line = failures.defined_at(function, self.root)
        return {"moved": moved, "places": [[path, line]] if path else []}

    def follow(self, seed: int, batch: str, epochs: int) -> dict[str, Any]:
        """What answers and does not keep up with what learns over two epochs of a recommender of its own."""
        self._candidate = None  # its memory first
        from .following import followed
        from .tracing_frames import Places

        def make() -> CheckedRecommender:
            return self._made(seed)

        self.stage = "fit()"
        found = followed(make, Places(self.root), _batch_in(batch), epochs)
        return {"found": [found] if found is not None else []}

    def rank(self, questions: str, k: int, folder: str) -> dict[str, Any]:
        """The lists of the question set in the folder `questions`, written to `folder`."""
        self.stage = "score()"
        before = self.candidate.score_s
        items, scores, ties = self.candidate.rank(self._asked(questions), self._max_history, k)
        for name, array in (("top_items", items), ("top_scores", scores), ("top_ties", ties)):
            np.save(Path(folder, f"{name}.npy"), array)
        return {"score_s": self.candidate.score_s - before}

    def dense(self, questions: str, path: str) -> dict[str, Any]:
        self.stage = "score()"
        before = self.candidate.score_s
        np.save(path, self.candidate.dense_of(self._asked(questions), self._max_history))
        return {"score_s": self.candidate.score_s - before}

    def instruct(self, users: list[int], texts: list[str]) -> dict[str, Any]:
        """Have the recommender told what users wish; whether it offers to be told, without users that alone."""
        self.stage = "instruct()"
        return {"offered": self.candidate.instruct(np.array(users, dtype=np.int64), texts)}

    def embeddings(self, path: str) -> dict[str, Any]:
        self.stage = "item_embeddings()"
        table = self.candidate.item_embeddings()
        if table is None:
            return {"offered": False}
        np.save(path, table)
        return {"offered": True}

    def walk(self, seconds: float, folder: str) -> dict[str, Any]:
        """Train the recommender for two epochs, or for as long as `seconds` allow, then ask it all that it offers.

        What is left is good for nothing else. Lines that ran, where it was stopped, what fit() reported.
        """
        assert self._watch is not None, "watch comes first"
        reported: list[dict[str, float]] = []
        self.stage = "fit()"
        self._watch.run(lambda: self._train_on(reported), seconds=seconds)
        self._watch.waits_at(self.candidate.epochs)
        self._watch.run(lambda: self._answer_all(folder))
        return {"executed": self._watch.lines(), "stopped": self._watch.stopped, "reported": reported}

    # -- training

    def epoch(self) -> dict[str, Any]:
        self.stage = "fit()"
        self._steps.start()  # again: torch may be imported by now
        reported = self.candidate.epoch()
        return {"reported": reported, "steps": self._steps.taken()}

    def find_bad_value(self, seed: int, epochs: int, seconds: float) -> dict[str, Any]:
        """Where a training that ends in nan in its last epoch first has a value that is not finite; {} where unknown."""
        from .bad_values import find_bad_value

        self._candidate = None  # its memory first
        found = find_bad_value(
            lambda: self._model_to_trace(seed), root=self.root, epochs=epochs, seconds=seconds
        )
        return {"found": found}

    def keep(self) -> dict[str, Any]:
        self.stage = "state_dict()"
        self._best = self.candidate.state()
        return {}

    def restore(self) -> dict[str, Any]:
        self.stage = "load_state_dict()"
        self.candidate.load(self._best)
        return {}

    def save_state(self, path: str) -> dict[str, Any]:
        self.stage = "state_dict()"
        self.candidate.save(path)
        return {}

    def load_state(self, path: str) -> dict[str, Any]:
        self.stage = "load_state_dict()"
        self.candidate.load_file(path)
        return {}

    def load_checkpoint(self, path: str) -> dict[str, Any]:
        """Put a file of unknown origin into the recommender; see `checkpoint_load`."""
        self.stage = "load_state_dict()"
        from .checkpoint_load import load_checkpoint

        return {"prefix": load_checkpoint(self.candidate, path)}

    def memory(self) -> dict[str, Any]:
        torch: Any = sys.modules.get("torch")
        on_gpu = torch.cuda.max_memory_allocated() if torch is not None and torch.cuda.is_initialized() else 0
        unit = 1 if sys.platform == "darwin" else 1024
        return {
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
            "gpu_peak_bytes": int(on_gpu),
        }

    # -- helpers of the requests

    @property
    def candidate(self) -> CheckedRecommender:
        assert self._candidate is not None, "build comes first"
        return self._candidate

    def _program(self) -> tuple[Callable[..., Any], Any]:
        assert self._build is not None, "load comes first"
        return self._build, self._data

    def _load_build(self, entry_point: str) -> None:
        self._build = entry.load_build(entry_point, self.root)

    def _train_on(self, reported: list[dict[str, float]]) -> None:
        for _ in range(WALK_EPOCHS):
            epoch = self.candidate.epoch()
            if epoch is None:
                break
            reported.append(epoch)

    def _answer_all(self, folder: str) -> None:
        candidate = self.candidate
        self.stage = "score()"
        with candidate.at_rest():
            candidate.dense(*_batch_in(folder))
        self.stage = "item_embeddings()"
        candidate.item_embeddings()
        if candidate.has_state():
            self.stage = "load_state_dict()"
            candidate.load(candidate.state())

    def _asked(self, folder: str) -> QuestionSet:
        if folder not in self._questions:
            self._questions[folder] = QuestionSet(folder)
        return self._questions[folder]


SMALL = 100_000  # parameters: handing the work of fewer to several threads takes longer than the work
WALK_EPOCHS = 2  # so that what begins with the second one is seen
REQUESTS = (
    "enter", "watch", "load", "smoke", "walk", "watch_epochs", "replay", "build", "score", "padding", "part", "changes", "mode_left", "follow", "rank",
    "dense", "instruct", "embeddings", "epoch", "keep", "restore", "save_state", "load_state", "load_checkpoint", "memory", "find_bad_value",
)  # fmt: skip


def _batch_in(folder: str) -> tuple[np.ndarray, np.ndarray]:
    """users (B,) and histories (B, L) as the evaluator wrote them."""
    users, histories = (Path(folder, name) for name in ("users.npy", "histories.npy"))
    return np.load(users, allow_pickle=False), np.load(histories, allow_pickle=False)


def _gpu_name(torch: Any, device: str) -> str:
    return torch.cuda.get_device_name() if torch is not None and device == "cuda" else ""


def serve() -> None:
    """Answer requests until killed, or the wire ends. A failure of candidate code is an answer, not an end."""
    channel, session = Channel(), GuestSession()
    for request in channel:
        wanted, arguments = request["do"], request.get("with", {})
        assert wanted in REQUESTS, wanted
        try:
            line = channel.line({"ok": getattr(session, wanted)(**arguments)})
        except BaseException as error:  # noqa: BLE001 - candidate code; SystemExit is a failure like any other
            told = failures.describe(error, stage=session.stage, root=session.root, asked=session.asked)
            line = channel.line({"failure": told})
        channel.send(line)
