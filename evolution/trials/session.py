"""A worker as the evaluator speaks to it: typed questions, checked answers, its seconds added up."""

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diagnosis.evidence import TopLists
from evolution.domain.trial import Failure, FailureReason
from evolution.trials import workspace
from evolution.trials.answers import BadAnswerError, read_array, take_plain_file
from evolution.trials.data import LIST_LENGTH
from evolution.trials.process import TrialFailed, WorkerProcess
from evolution.trials.request import Supervision, TrialRequest, limits_of
from seeds.interactions import Float32, Int64, Questions

SMOKE_S = 20.0  # of tracing, at most; two steps of torch rarely need it
SMOKE_WITHOUT_TORCH_S = 3.0  # there are no steps to count, so the trace goes on until it is stopped
SMOKE_SHARE = 0.2  # of the trial's time limit, at most


@dataclass(frozen=True, kw_only=True)
class Walk:
    """executed: path -> lines that ran. stopped: (path, line) of frames that time did not let end. Self-reported."""

    executed: Mapping[str, list[int]]
    stopped: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Built:
    """seconds: of build(). parameters: 0 where unknown. has_state: whether its best epoch can be kept."""

    seconds: float
    parameters: int
    has_state: bool


class WorkerSession:
    """theirs_s: seconds spent in the candidate's import, build, fit, score; fit_s and score_s are parts of it."""

    def __init__(self, request: TrialRequest, place: workspace.Workspace, process: WorkerProcess) -> None:
        self._request, self._place, self._process = request, place, process
        self._n_items = request.data.training.n_items
        self.confined = place.confined
        self.fit_s = self.fit_cpu_s = self.score_s = self.theirs_s = 0.0
        self.versions: dict[str, str] = {}
        self._watched = False

    @property
    def root(self) -> str:
        """The program's folder as the worker sees it."""
        return str(self._place.root_inside)

    @property
    def peak_memory_bytes(self) -> int:
        return self._process.peak_memory_bytes

    # -- setting up

    def watch(self) -> None:
        """Have the lines counted that run, from the import on; to be called before `start`, for the sake of `walk`."""
        self._watched = True

    def start(self) -> None:
        """Enter the program's folder, import it, read the training events."""
        place, config = self._place, self._request.config
        limits = limits_of(config)
        entered = self._process.ask(
            "enter",
            root=str(place.root_inside),
            extra_path=[entry for entry in place.interpreter.path if not entry.endswith(".zip")],
            moved_from=place.moved_from,
            file_bytes=limits.disk_bytes,
            processes=8 * limits.processes if place.confined else 0,
        )
        if self._watched:
            self._process.ask("watch")
        started = time.perf_counter()
        loaded = self._process.ask(
            "load",
            entry_point=config.recommender.entry,
            data=str(place.data_inside),
            device=self._request.device,
            threads=self._request.threads,
            max_history=config.recommender.max_history,
        )
        self.theirs_s += time.perf_counter() - started
        self.versions = {name: str(value) for name, value in {**entered, **loaded}.items() if name != "pid"}

    def smoke(self, users: Int64, histories: Int64) -> dict[str, Any]:
        """The trace of two training steps and of scoring this batch; see evolution/worker/guest/tracing.py."""
        self._write_batch(users, histories)
        longest = SMOKE_S if self.versions.get("torch") else SMOKE_WITHOUT_TORCH_S
        seconds = min(longest, SMOKE_SHARE * self._request.config.training.timeout_s)
        started = time.perf_counter()
        reply = self._process.ask(
            "smoke", seed=self._request.key.seed, seconds=seconds, folder=str(self._place.handed_inside)
        )
        self.theirs_s += time.perf_counter() - started
        trace = reply.get("trace")
        return trace if isinstance(trace, dict) else {}

    def walk(self, users: Int64, histories: Int64) -> Walk:
        """Two epochs, or as much as a smoke's time allows, then every answer, with the lines counted that run.

        Raises TrialFailed. The recommender is used up by it.
        """
        self._write_batch(users, histories)
        seconds = min(SMOKE_S, SMOKE_SHARE * self._request.config.training.timeout_s)
        started = time.perf_counter()
        reply = self._process.ask("walk", seconds=seconds, folder=str(self._place.handed_inside))
        self.theirs_s += time.perf_counter() - started
        for reported in reply.get("reported", ()):
            _finite(reported)
        return Walk(
            executed={str(path): list(lines) for path, lines in dict(reply.get("executed", {})).items()},
            stopped=tuple((str(path), int(line)) for path, line in reply.get("stopped", ())),
        )

    def build(self, seed: int) -> Built:
        reply = self._process.ask("build", seed=seed)
        built = Built(
            seconds=_number(reply, "seconds"),
            parameters=int(_number(reply, "parameters")),
            has_state=bool(reply.get("has_state")),
        )
        self.theirs_s += built.seconds
        return built

    # -- asking

    def score(self, users: Int64, histories: Int64) -> Float32:
        """users (B,), histories (B, L) -> float32 (B, n_items + 1)."""
        self._write_batch(users, histories)
        answer = self._place.wire_inside / "scores.npy"
        self._process.ask("score", batch=str(self._place.handed_inside), path=str(answer))
        return self._array("scores.npy", (len(users), self._n_items + 1), np.float32)

    def rank(self, name: str, questions: Questions) -> TopLists:
        """The lists of the questions exported as the input `name`. Raises TrialFailed."""
        return self._rank(self._place.data_inside / name, len(questions))

    def rank_handed_over(self, folder: Path, questions: Questions) -> TopLists:
        """The lists of questions that the worker sees only from now on, because it is trained by now."""
        shutil.copytree(folder, self._place.handed / folder.name)
        return self._rank(self._place.handed_inside / folder.name, len(questions))

    def dense(self, name: str, size: int) -> Float32:
        """float32 (size, n_items + 1), of an input of `size` questions."""
        inside = self._place.wire_inside / "dense.npy"
        self._scored(
            self._process.ask("dense", questions=str(self._place.data_inside / name), path=str(inside))
        )
        return self._array("dense.npy", (size, self._n_items + 1), np.float32)

    def _rank(self, asked: Path, size: int) -> TopLists:
        self._scored(
            self._process.ask(
                "rank", questions=str(asked), k=LIST_LENGTH, folder=str(self._place.wire_inside)
            )
        )
        return TopLists(
            items=self._array("top_items.npy", (size, LIST_LENGTH), np.int32),
            scores=self._array("top_scores.npy", (size, LIST_LENGTH), np.float32),
            ties=self._array("top_ties.npy", (size, 2), np.int32),
        )

    def embeddings(self) -> Float32 | None:
        path = self._place.wire_inside / "embeddings.npy"
        if not self._process.ask("embeddings", path=str(path)).get("offered"):
            return None
        return self._array("embeddings.npy", (self._n_items + 1, None), np.float32)

    # -- training

    def epoch(self) -> dict[str, float] | None:
        """What fit() reported of one more epoch; None once it has ended. Raises TrialFailed: not finite."""
        reply = self._process.ask("epoch")
        spent = _number(reply, "fit_s")
        self.fit_s += spent
        self.fit_cpu_s += _number(reply, "fit_cpu_s")
        self.theirs_s += spent
        reported = reply.get("reported")
        if not isinstance(reported, Mapping):
            return None
        return _finite(reported)

    def keep(self) -> None:
        self._process.ask("keep")

    def restore(self) -> None:
        self._process.ask("restore")

    def save_state(self, path: Path) -> None:
        """The state as the worker writes it, a plain file or a failure. The job moves the file, and never loads it."""
        self._process.ask("save_state", path=str(self._place.wire_inside / "state.bin"))
        try:
            take_plain_file(self._place.wire / "state.bin", path)
        except BadAnswerError as error:
            raise TrialFailed(Failure(reason=FailureReason.CONTRACT, message=str(error))) from error

    def load_state(self, path: Path) -> None:
        shutil.copyfile(path, self._place.handed / "state.bin")
        self._process.ask("load_state", path=str(self._place.handed_inside / "state.bin"))

    def memory(self) -> dict[str, int]:
        """Peaks in bytes, as the worker's own process sees them."""
        reply = self._process.ask("memory")
        return {name: int(_number(reply, name)) for name in ("peak_bytes", "gpu_peak_bytes")}

    def _write_batch(self, users: Int64, histories: Int64) -> None:
        np.save(self._place.handed / "users.npy", users)
        np.save(self._place.handed / "histories.npy", histories)

    def _scored(self, reply: Mapping[str, Any]) -> None:
        spent = _number(reply, "score_s")
        self.score_s += spent
        self.theirs_s += spent

    def _array(self, name: str, shape: tuple[int | None, ...], dtype: type[np.generic]) -> Any:
        try:
            return read_array(self._place.wire / name, shape=shape, dtype=dtype)
        except BadAnswerError as error:
            raise TrialFailed(Failure(reason=FailureReason.CONTRACT, message=str(error))) from error


@contextlib.contextmanager
def opened(
    request: TrialRequest, supervision: Supervision, inputs: Mapping[str, Path]
) -> Iterator[WorkerSession]:
    """A started worker; at the end it is gone, with everything it started and its working files."""
    place = workspace.lay_out(request, inputs)
    try:
        with WorkerProcess(place.launch, limits_of(request.config), supervision.cancelled) as process:
            yield WorkerSession(request, place, process)
    finally:
        workspace.clear(request)


def _finite(reported: Mapping[str, Any]) -> dict[str, float]:
    values = {str(name): float(value) for name, value in reported.items()}
    for name, value in values.items():
        if not np.isfinite(value):
            message = f"fit() reported {name} = {value}: the training has diverged"
            raise TrialFailed(Failure(reason=FailureReason.NOT_FINITE, message=message))
    return values


def _number(reply: Mapping[str, Any], name: str) -> float:
    value = reply.get(name)
    return float(value) if isinstance(value, (int, float)) and np.isfinite(value) else 0.0
