"""A worker as the evaluator speaks to it: typed questions, checked answers, its seconds added up.

Whatever a worker sends ends as a value of the right type or as TrialFailed; where a case was overlooked, the guard of
`opened` turns the fault into a failed trial too, for no candidate may end a job.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diagnosis.evidence import TopLists
from diagnosis.findings import CodePlace
from evolution.base.deleting import delete_tree
from evolution.domain.trial import FailureReason
from evolution.trials import replies, workspace
from evolution.trials.answers import MOST_BYTES, BadAnswerError, TooLargeError, read_array, take_plain_file
from evolution.trials.data import LIST_LENGTH
from evolution.trials.exporting import write_questions
from evolution.trials.failing import broken_contract, failed, guarded
from evolution.trials.partings import Batch, Behind, Changed, Parting, behind_in, changes_in, parting_in
from evolution.trials.possible import PossibleLists
from evolution.trials.process import WorkerProcess
from evolution.trials.replayed import keep_replay
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.traces import checked_trace
from evolution.trials.watched import checked_watch, keep_watch
from seeds.interactions import Float32, Int64, Questions

SMOKE_S = 20.0  # of tracing, at most; two steps of torch rarely need it
SMOKE_WITHOUT_TORCH_S = 3.0  # there are no steps to count, so the trace goes on until it is stopped
SMOKE_SHARE = 0.2  # of the trial's time limit, at most
PARTING_S = 5.0  # in which a worker looks for a line, at most
REPLAY_S = 15.0  # of one kept training step and what is asked of it, at most
TABLE_WIDTH = 8192  # columns of an item table that are kept, at most; language models have up to 4096
TABLE_BYTES = 1 << 30  # of an item table that is kept, at most; the analyst copies it several times


@dataclass(frozen=True, kw_only=True)
class Walk:
    """executed: path -> lines that ran. stopped: (path, line) of frames that time did not let end. Self-reported."""

    executed: Mapping[str, list[int]]
    stopped: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Built:
    """seconds: of build(). parameters: 0 where unknown, self-reported. has_state: whether its best epoch can be kept."""

    seconds: float
    parameters: int
    has_state: bool


@dataclass(frozen=True, kw_only=True)
class BadValue:
    """The first value of a training that is not finite: which call gave it. Self-reported.

    epoch, step: from 1; step 0 where unknown. value: "nan" or "inf". largest_weight: then, 0 where unknown.
    """

    path: str
    line: int
    function: str
    epoch: int
    step: int
    value: str
    largest_weight: float


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a question took until it was answered: seconds, and those in which the worker's processes were running."""

    s: float = 0.0
    cpu_s: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(s=self.s + other.s, cpu_s=self.cpu_s + other.cpu_s)


class WorkerSession:
    """theirs: what the worker took while it had a question of ours to answer that runs code of the program.

    fit and score_spent are parts of it. All of it is measured here: the worker's own clock is the candidate's to exchange.
    answered: questions of users in score. reported_score_s: what the worker says of the seconds inside score() alone,
    which informs and counts for nothing.

    not_kept: a sentence on an answer that was too large to keep, "" where there is none.
    """

    def __init__(self, request: TrialRequest, place: workspace.Workspace, process: WorkerProcess) -> None:
        self._request, self._place, self._process = request, place, process
        self._n_items = request.data.training.n_items
        self.confined, self.withheld = place.confined, place.withheld
        self.fit = self.score_spent = self.theirs = Spent()
        self.answered, self.reported_score_s = 0, 0.0
        self.versions: dict[str, str] = {}
        self.not_kept = ""
        self._watched = False
        self._possible: dict[Path, PossibleLists] = {}

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
        limits = self._request.limits
        entered = self._process.ask(
            "enter",
            root=str(place.root_inside),
            extra_path=[entry for entry in place.interpreter.path if not entry.endswith(".zip")],
            moved_from=place.moved_from,
            file_bytes=limits.disk_bytes,
            processes=limits.threads if place.confined else 0,
        )
        if self._watched:
            self._process.ask("watch")
        loaded, _ = self._timed(
            "load",
            entry_point=config.recommender.entry,
            data=str(place.data_inside),
            device=self._request.device,
            threads=self._request.threads,
            max_history=config.recommender.max_history,
        )
        told = {**entered, **loaded}
        self.versions = {name: replies.text(told, name) for name in ("python", "numpy", "torch", "gpu")}

    def smoke(self, users: Int64, histories: Int64) -> dict[str, Any]:
        """The trace of two training steps and of scoring this batch; see evolution/worker/guest/tracing.py."""
        self._write_batch(users, histories)
        longest = SMOKE_S if self.versions.get("torch") else SMOKE_WITHOUT_TORCH_S
        seconds = min(longest, SMOKE_SHARE * self._request.config.training.timeout_s)
        reply, _ = self._timed(
            "smoke", seed=self._request.key.seed, seconds=seconds, folder=str(self._place.handed_inside)
        )
        return checked_trace(reply)

    def walk(self, users: Int64, histories: Int64) -> Walk:
        """Two epochs, or as much as a smoke's time allows, then every answer, with the lines counted that run.

        Raises TrialFailed. The recommender is used up by it.
        """
        self._write_batch(users, histories)
        seconds = min(SMOKE_S, SMOKE_SHARE * self._request.config.training.timeout_s)
        reply, _ = self._timed("walk", seconds=seconds, folder=str(self._place.handed_inside))
        for reported in replies.list_of(reply, "reported"):
            replies.finite_figures(reported)
        return Walk(
            executed=replies.lines_by_path(reply, "executed"), stopped=replies.places(reply, "stopped")
        )

    def watch_epochs(self, *, seconds: float, folder: Path) -> dict[str, Any]:
        """Have a recommender trained for two epochs under the watch, and keep in `folder` what was seen; its document.

        Where a value stopped being finite, it is trained again up to there, to see in which call. Raises TrialFailed.
        """
        document = self._watch_epochs(seconds, None)
        losses = document["losses"]
        if None in losses and not document["non_finite"]:
            document = self._watch_epochs(seconds, max(0, losses.index(None) - 1))
        config = self._request.config
        configured = {
            "max_epochs": config.training.max_epochs,
            "max_history": config.recommender.max_history,
        }
        keep_watch(document, folder, self._array, configured)
        return document

    def replay(self, *, folder: Path) -> None:
        """Have one further step of the watched training kept and questioned; the answers go to `folder`. Raises TrialFailed."""
        reply, _ = self._timed("replay", seconds=REPLAY_S)
        keep_replay(reply, folder)

    def _watch_epochs(self, seconds: float, suspect_from: int | None) -> dict[str, Any]:
        training = self._request.data.training
        reply, _ = self._timed(
            "watch_epochs",
            seed=self._request.key.seed,
            seconds=seconds,
            least_rows=min(training.n_items, training.n_users) // 4,
            folder=str(self._place.wire_inside),
            suspect_from=suspect_from,
        )
        return checked_watch(reply)

    def build(self, seed: int) -> Built:
        reply, spent = self._timed("build", seed=seed)
        return Built(
            seconds=spent.s,
            parameters=replies.whole(reply, "parameters"),
            has_state=replies.flag(reply, "has_state"),
        )

    # -- asking

    def score(self, users: Int64, histories: Int64, seed: int | None = None) -> Float32:
        """users (B,), histories (B, L) -> float32 (B, n_items + 1). seed: of the random numbers that score() may draw,
        others at each call where it is None."""
        self._write_batch(users, histories)
        answer = self._place.wire_inside / "scores.npy"
        self._timed("score", batch=str(self._place.handed_inside), path=str(answer), seed=seed)
        return self._dense("scores.npy", len(users))

    def padding_scores(self, users: Int64, histories: Int64) -> list[float | None]:
        """What score() says of column 0, which is padding, for each row; None where it is not finite. Self-reported."""
        self._write_batch(users, histories)
        reply, _ = self._timed("padding", batch=str(self._place.handed_inside))
        return replies.figures_or_none(reply, "scores", len(users))

    def parting(self, first: Batch, second: Batch, rows: Int64, seeds: tuple[int, int] = (0, 0)) -> Parting:
        """Where the answers to two batches part. rows: (2, n), which of them belong together. Self-reported."""
        folders = {name: self._place.handed / name for name in ("first", "second")}
        for folder, (users, histories) in zip(folders.values(), (first, second), strict=True):
            folder.mkdir(exist_ok=True)
            np.save(folder / "users.npy", users)
            np.save(folder / "histories.npy", histories)
        np.save(self._place.handed / "rows.npy", rows)
        inside = self._place.handed_inside
        reply, _ = self._timed(
            "part",
            first=str(inside / "first"),
            second=str(inside / "second"),
            rows=str(inside / "rows.npy"),
            seeds=list(seeds),
            seconds=PARTING_S,
        )
        return parting_in(reply)

    def changes(self, users: Int64, histories: Int64) -> tuple[Changed, ...]:
        """What an answer changes on the recommender. Self-reported."""
        self._write_batch(users, histories)
        reply, _ = self._timed("changes", batch=str(self._place.handed_inside), seconds=PARTING_S)
        return changes_in(reply)

    def moved_in_its_mode(self, users: Int64, histories: Int64) -> tuple[int, tuple[CodePlace, ...]]:
        """How many of the answers are random in the mode that fit() left the model in, and the place of score(). Self-reported."""
        self._write_batch(users, histories)
        reply, _ = self._timed("mode_left", batch=str(self._place.handed_inside))
        found = tuple(CodePlace(path=path, line=line) for path, line in replies.places(reply, "places"))
        return min(len(users), max(0, replies.whole(reply, "moved"))), found

    def follow(self, users: Int64, histories: Int64, epochs: int) -> Behind | None:
        """What does not keep up with the weights over two epochs of another recommender. epochs: of the whole training.

        Self-reported. The recommender that was built before is gone.
        """
        self._write_batch(users, histories)
        seed, batch = self._request.key.seed, str(self._place.handed_inside)
        reply, _ = self._timed("follow", seed=seed, batch=batch, epochs=epochs)
        return behind_in(reply)

    def rank(self, name: str, questions: Questions) -> TopLists:
        """The lists of the questions exported as the input `name`. Raises TrialFailed: they are impossible."""
        return self._rank(self._place.data_inside / name, questions)

    def rank_handed_over(self, folder: Path, questions: Questions) -> TopLists:
        """The lists of questions that the worker sees only from now on, because it is trained by now."""
        shutil.copytree(folder, self._place.handed / folder.name)
        return self._rank(self._place.handed_inside / folder.name, questions)

    def rank_these(self, name: str, questions: Questions) -> TopLists:
        """The lists of questions that the job has drawn; `name` is for one set of questions alone."""
        return self._rank(self._hand_over(name, questions), questions)

    def dense_of_these(self, name: str, questions: Questions) -> Float32:
        """float32 (Q, n_items + 1), of questions that the job has drawn."""
        return self._dense_scores(self._hand_over(name, questions), len(questions))

    def dense(self, name: str, size: int) -> Float32:
        """float32 (size, n_items + 1), of an input of `size` questions."""
        return self._dense_scores(self._place.data_inside / name, size)

    def _dense_scores(self, asked: Path, size: int) -> Float32:
        inside = self._place.wire_inside / "dense.npy"
        self._scored("dense", size, questions=str(asked), path=str(inside))
        return self._dense("dense.npy", size)

    def _rank(self, asked: Path, questions: Questions) -> TopLists:
        size = len(questions)
        self._scored("rank", size, questions=str(asked), k=LIST_LENGTH, folder=str(self._place.wire_inside))
        lists = TopLists(
            items=self._array("top_items.npy", (size, LIST_LENGTH), np.int32),
            scores=self._array("top_scores.npy", (size, LIST_LENGTH), np.float32),
            ties=self._array("top_ties.npy", (size, 2), np.int32),
        )
        possible = self._possible.setdefault(asked, PossibleLists(questions, self._n_items))
        problem = possible.problem_with(lists)
        if problem:
            raise broken_contract(f"the ranking is impossible: {problem}")
        return lists

    def instruct(self, users: Sequence[int], texts: Sequence[str]) -> bool:
        """Tell the recommender what each of these users wishes from now on, "" for nothing; False where it offers no instruct()."""
        reply, _ = self._timed("instruct", users=list(users), texts=list(texts))
        return replies.flag(reply, "offered")

    def _hand_over(self, name: str, questions: Questions) -> Path:
        """The folder of the questions as the worker sees it, without their targets."""
        folder = self._place.handed / name
        if not folder.exists():
            write_questions(questions, folder, targets=None)
        return self._place.handed_inside / name

    def embeddings(self) -> Float32 | None:
        """float32 (n_items + 1, d); None where the repo offers none, or one too large to keep, which `not_kept` tells."""
        path = self._place.wire_inside / "embeddings.npy"
        reply, _ = self._timed("embeddings", path=str(path))
        if not replies.flag(reply, "offered"):
            return None
        most = min(TABLE_BYTES, 4 * TABLE_WIDTH * (self._n_items + 1))
        try:
            return self._array("embeddings.npy", (self._n_items + 1, None), np.float32, most)
        except TooLargeError as error:
            delete_tree(self._place.wire / "embeddings.npy")
            self.not_kept = f"item_embeddings() is not measured: {error}"
            return None

    # -- training

    def epoch(self) -> tuple[dict[str, float], int] | None:
        """What fit() reported of one more epoch, and its optimizer steps (0 if unknown); None once it has ended.

        Raises TrialFailed: not finite.
        """
        reply, spent = self._timed("epoch")
        self.fit += spent
        reported = replies.figures(reply, "reported")
        return None if reported is None else (reported, replies.whole(reply, "steps"))

    def find_bad_value(self, *, seed: int, epochs: int, seconds: float) -> BadValue | None:
        """Train anew for `epochs` epochs and look at each result of the last; None where nothing bad is seen.

        Raises TrialFailed. The recommender is used up by it.
        """
        reply, _ = self._timed("find_bad_value", seed=seed, epochs=epochs, seconds=seconds)
        found = replies.mapping(reply, "found")
        if not found:
            return None
        ((path, line),) = replies.places({"place": [[found.get("path"), found.get("line")]]}, "place")
        return BadValue(
            path=path,
            line=line,
            function=replies.text(found, "function"),
            epoch=epochs,
            step=replies.whole(found, "step"),
            value=replies.text(found, "value"),
            largest_weight=replies.number(found, "largest_weight"),
        )

    def keep(self) -> None:
        self._timed("keep")

    def restore(self) -> None:
        self._timed("restore")

    def save_state(self, path: Path) -> None:
        """The state as the worker writes it, a plain file or a failure. The job moves the file, and never loads it."""
        self._timed("save_state", path=str(self._place.wire_inside / "state.bin"))
        try:
            take_plain_file(self._place.wire / "state.bin", path, self._request.limits.memory_bytes)
        except BadAnswerError as error:
            raise broken_contract(str(error)) from error

    def load_state(self, path: Path) -> None:
        shutil.copyfile(path, self._place.handed / "state.bin")
        self._timed("load_state", path=str(self._place.handed_inside / "state.bin"))

    def load_checkpoint(self, path: Path) -> str:
        """Have the worker put a file of unknown origin into the recommender; the name under which its state lay there.

        Raises TrialFailed: the file is no state dict, or does not fit. Only the worker opens it.
        """
        shutil.copyfile(path, self._place.handed / "checkpoint")
        reply, _ = self._timed("load_checkpoint", path=str(self._place.handed_inside / "checkpoint"))
        return replies.text(reply, "prefix").rstrip(".")

    def memory(self) -> dict[str, int]:
        """Peaks in bytes, as the worker's own process sees them."""
        reply = self._process.ask("memory")
        return {name: replies.whole(reply, name) for name in ("peak_bytes", "gpu_peak_bytes")}

    def _write_batch(self, users: Int64, histories: Int64) -> None:
        np.save(self._place.handed / "users.npy", users)
        np.save(self._place.handed / "histories.npy", histories)

    def _scored(self, wanted: str, size: int, **arguments: Any) -> None:
        reply, spent = self._timed(wanted, **arguments)
        self.score_spent += spent
        self.answered += size
        self.reported_score_s += replies.number(reply, "score_s")

    def _timed(self, wanted: str, **arguments: Any) -> tuple[dict[str, Any], Spent]:
        """The reply, and what it took until it came, also where it is a failure."""
        started, running = time.perf_counter(), self._process.cpu_s()
        try:
            reply = self._process.ask(wanted, **arguments)
        finally:
            spent = Spent(s=time.perf_counter() - started, cpu_s=self._process.cpu_s() - running)
            self.theirs += spent
        return reply, spent

    def left_s(self) -> float:
        """Seconds until the trial's time limit."""
        return self._process.left_s()

    def cpu_s(self) -> float:
        """Seconds in which the worker's processes were running so far, whether or not they had a question to answer."""
        return self._process.cpu_s()

    def _dense(self, name: str, size: int) -> Float32:
        """Scores of `size` questions. Raises TrialFailed: one is not finite, which our half of a worker sees to."""
        scores = self._array(name, (size, self._n_items + 1), np.float32)
        scores[:, 0] = 0.0  # padding, in which nothing is told
        if not np.isfinite(scores).all():
            raise failed(FailureReason.NOT_FINITE, f"{name} holds scores that are not finite")
        return scores

    def _array(
        self, name: str, shape: tuple[int | None, ...], dtype: type[np.generic], most_bytes: int = MOST_BYTES
    ) -> Any:
        """The array of an answer. Its file goes with it, so that no later answer is read from an older file."""
        path = self._place.wire / name
        try:
            return read_array(path, shape=shape, dtype=dtype, most_bytes=most_bytes)
        except TooLargeError:
            raise
        except BadAnswerError as error:
            raise broken_contract(str(error)) from error
        finally:
            delete_tree(path)


@contextlib.contextmanager
def opened(
    request: TrialRequest, supervision: Supervision, inputs: Mapping[str, Path]
) -> Iterator[WorkerSession]:
    """A started worker; at the end it is gone, with everything it started and its working files.

    Raises TrialFailed for all that the worker may be to blame for, see `guarded`.
    """
    try:
        with guarded(request.folder / "work"):
            place = workspace.lay_out(request, inputs)
            with WorkerProcess(place.launch, request.limits, supervision.cancelled) as process:
                yield WorkerSession(request, place, process)
    finally:
        workspace.clear(request)
