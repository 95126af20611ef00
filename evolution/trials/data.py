"""The data of trials: loaded, split and exported once, then read from the cache beside the repo.

.evolverec/data/<fingerprint>/worker/     training events, validation questions: all that a worker may see
                              test/       test questions, whose histories hold the validation event
                              labels/     targets: they never leave the job and the analyst
                              references-<version>/ the reference rankers' lists
                              copies-<version>/     what copies of the log are recognised by, and which files were seen
           <source>.json      the fingerprint of a source, as this version of the loaders and the split reads it

The fingerprint is the hash of what was exported, so code that exports the same is answered by the same trials. What
is derived from it later carries the version of the code that derived it.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from cattrs.errors import BaseValidationError
from numpy.typing import NDArray

from diagnosis.evidence import SHUFFLED, TopLists
from evolution.base import serial
from evolution.base.errors import ConfigError, DataError
from evolution.base.kept import draft_beside, is_intact, kept_folder, publish, seal, write_whole
from evolution.base.places import CONFIG_NAME
from evolution.base.versions import version_of
from evolution.repo.config import Config, key_line
from evolution.repo.copies.log_index import index_of, read_index, write_index
from evolution.repo.copies.lookout import Lookout
from evolution.repo.copies.lookout import version as copies_version
from evolution.repo.files import config_text
from evolution.repo.log_options import options_of
from evolution.repo.ownership import ensure_store_folder
from evolution.trials.exporting import (
    read_interactions,
    read_questions,
    write_interactions,
    write_questions,
)
from seeds.interactions import Float32, Int64, Interactions, Questions
from seeds.loading import Progress, files_of, source_path
from seeds.log_report import LogReport, SplitReport
from seeds.reading import RECORD_BYTES, is_plain, read_text

if TYPE_CHECKING:
    from seeds.split import Split
    from simulator.sessions.sessions import Participants

ABANDONED_S = 6 * 3600.0  # the age of a draft that nobody writes any more
SAMPLE = 1000  # questions whose dense scores are kept
SAMPLE_SEED = 20_260_212
SESSION_USERS = 200  # whose whole sessions take a tenth of a second, besides what the model needs to answer
LIST_LENGTH = 100
# The code that made what is cached, each with all that its result hangs on.
_EXPORTER = (
    "seeds/loading",
    "seeds/reading.py",
    "seeds/shop",
    "seeds/sizes.py",
    "seeds/assembly.py",
    "seeds/interactions.py",
    "seeds/log_report.py",
    "seeds/split.py",
    "evolution/trials/data.py",
    "evolution/trials/exporting.py",
)
_SHUFFLER = ("evolution/trials/data.py", "evolution/trials/exporting.py")
_COPIES = "copies-{}"
_REFEREE = ("seeds/references", "seeds/metrics", "evolution/trials/data.py")


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialData:
    """A log, divided. folder: the cache. ties: how far the split rests on file order. report: what the log is like, None of
    a built-in shop. split_report: what the split makes of it.

    shuffled: the name of the exported set of the sample's questions with the newest events in random order.
    """

    fingerprint: str
    folder: Path
    shuffled: str
    ties: Mapping[str, Any]
    max_history: int
    split_report: SplitReport
    report: LogReport | None = None

    @cached_property
    def training(self) -> Interactions:
        return read_interactions(self.folder / "worker" / "training", self.folder / "labels")

    @cached_property
    def validation(self) -> Questions:
        return read_questions(
            self.folder / "worker" / "validation", self.folder / "labels" / "validation.npy"
        )

    @cached_property
    def test(self) -> Questions:
        return read_questions(self.folder / "test", self.folder / "labels" / "test.npy")

    @cached_property
    def sample(self) -> NDArray[np.int32]:
        """Which validation questions have dense scores: int32 (S,), rising."""
        return np.load(self.folder / "labels" / "sample.npy")

    @cached_property
    def lookout(self) -> Lookout:
        """Finds copies of the log, held-out events and all, among the files of a repo."""
        folder = self.folder / _COPIES.format(copies_version())
        names = json.loads((self.folder / "labels" / "names.json").read_text(encoding="utf-8"))
        index = read_index(folder, tuple(names["users"]), tuple(names["items"]))
        return Lookout(index, folder / "seen.json")

    @cached_property
    def participants(self) -> "Participants":
        """Simulated users who hold sessions with every model of this data. Raises simulator.sessions.sessions.NoSessions."""
        from simulator.sessions.sessions import gather_participants

        return gather_participants(
            training=self.training, questions=self.validation, n_users=SESSION_USERS, seed=SAMPLE_SEED
        )

    def references(self) -> dict[str, TopLists]:
        """The reference rankers' lists on the validation questions; made on first use."""
        return {name: read_lists(path) for name, path in reference_files(self).items()}

    def worker_inputs(self) -> dict[str, Path]:
        """What a training worker is given: name -> folder."""
        return {
            name: self.folder / "worker" / name
            for name in ("training", "validation", "sample", self.shuffled)
        }

    def test_inputs(self) -> dict[str, Path]:
        """What the worker that will answer the test questions starts with."""
        return {"training": self.folder / "worker" / "training"}

    @property
    def test_questions(self) -> Path:
        """The exported test questions; a worker gets them once its model is frozen."""
        return self.folder / "test"


def prepare(config: Config, repo: Path, progress: Progress | None = None) -> TrialData:
    """Load, split and export the repo's data, or find it in the cache.

    progress: told how far reading the log has come. Raises evolution.base.errors.DataError: the source is missing, broken or cannot be split.
    """
    root = ensure_store_folder(repo) / "data"
    root.mkdir(exist_ok=True)
    index = root / f"{_source_key(config, repo)}.json"
    exported = _known(index)
    if exported is None or not _is_whole(root / exported.fingerprint):
        exported = _export(config, repo, root, progress)
        write_whole(index, serial.dumps(exported))
    max_history = config.recommender.max_history
    data = TrialData(
        fingerprint=exported.fingerprint,
        folder=root / exported.fingerprint,
        shuffled=f"shuffled-{max_history}-{version_of(*_SHUFFLER)}",
        ties=exported.ties,
        max_history=max_history,
        split_report=exported.split_report,
        report=exported.report,
    )
    kept_folder(
        data.folder / "worker" / data.shuffled,
        lambda draft: write_questions(_shuffled_sample(data), draft, None),
    )
    return data


def _is_whole(folder: Path) -> bool:
    return is_intact(folder) and is_intact(folder / _COPIES.format(copies_version()))


@dataclass(frozen=True, kw_only=True)
class _Exported:
    """What the index says of a source. fingerprint: names the folder."""

    fingerprint: str
    ties: dict[str, int]
    split_report: SplitReport
    report: LogReport | None


def _known(index: Path) -> _Exported | None:
    """None where the source was not exported, and where the index is damaged: then it is exported again."""
    try:
        return serial.loads(_Exported, read_text(index, most=RECORD_BYTES, inside=index.parent))
    except (OSError, ValueError, BaseValidationError):
        return None


def _source_key(config: Config, repo: Path) -> str:
    """Changes when the source's files, the split or the code that reads and divides them do; cheap to compute."""
    made_by = version_of(*_EXPORTER)
    settings = config.data.model_dump_json(exclude={"exposed"})
    digest = hashlib.sha256(f"{settings}\0{made_by}\0".encode())
    beside = (source_path(config.data.items, repo),) if config.data.items else ()
    for file in (*files_of(config.data.source, root=repo), *filter(is_plain, beside)):
        status = file.stat()
        digest.update(f"{file}\0{status.st_mtime_ns}\0{status.st_size}\n".encode())
    return digest.hexdigest()[:16]


def blamed(error: Exception, config: Config, repo: Path) -> DataError:
    """On the line of the log that is broken; on data.source in evolverec.toml where the log as a whole is not right."""
    path, line, message = str(getattr(error, "path", "")), int(getattr(error, "line", 0)), str(error)
    if path and (line or path != config.data.source):
        place = f"{path}:{line}: " if line else f"{path}: "
        shown = Path(path).relative_to(repo).as_posix() if Path(path).is_relative_to(repo) else path
        return DataError(message.removeprefix(place), path=shown, line=line)
    try:
        line = key_line(config_text(repo), ("data", "source"))
    except (OSError, ConfigError):
        return DataError(message)
    return DataError(f"data.source: {message.removeprefix(f'{path}: ')}", path=CONFIG_NAME, line=line)


def _export(config: Config, repo: Path, root: Path, progress: Progress | None) -> _Exported:
    from seeds.errors import SeedsError
    from seeds.loading import load
    from seeds.split import scheme_named, several_targets, split, unrankable

    try:
        options = options_of(config.data, repo)
        log = load(config.data.source, root=repo, options=options, progress=progress)
        divided = split(log, scheme_named(config.data.split))
    except SeedsError as error:
        raise blamed(error, config, repo) from error
    _forget_drafts(root)
    draft = draft_beside(root / "any")
    try:
        _write_divided(divided, draft)
        fingerprint = seal(draft)[:16]
        publish(draft, root / fingerprint)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    index = root / fingerprint / _COPIES.format(copies_version())
    kept_folder(index, lambda draft: write_index(index_of(log), draft))
    ties = {"users": divided.ties.users, "tied": divided.ties.tied, "measured": divided.ties.measured}
    told = SplitReport(
        validation=len(divided.validation),
        test=len(divided.test),
        unrankable_validation=unrankable(divided.validation),
        unrankable_test=unrankable(divided.test),
        several=several_targets(log),
    )
    return _Exported(fingerprint=fingerprint, ties=ties, split_report=told, report=log.report)


def _forget_drafts(root: Path) -> None:
    """Delete what exports left that were stopped or killed; one that is still being written is younger."""
    for draft in root.glob(".draft-*"):
        if time.time() - draft.lstat().st_mtime > ABANDONED_S:
            shutil.rmtree(draft, ignore_errors=True)


def _write_divided(divided: "Split", draft: Path) -> None:
    labels = draft / "labels"
    labels.mkdir(parents=True)
    write_interactions(divided.training, draft / "worker" / "training", labels)
    write_questions(divided.validation, draft / "worker" / "validation", labels / "validation.npy")
    write_questions(divided.test, draft / "test", labels / "test.npy")
    sample = sample_rows(len(divided.validation))
    np.save(labels / "sample.npy", sample)
    write_questions(chosen(divided.validation, sample), draft / "worker" / "sample", None)


def sample_rows(n_questions: int) -> NDArray[np.int32]:
    """A fixed random sample of question indices: int32 (min(SAMPLE, n_questions),), rising."""
    rng = np.random.default_rng(SAMPLE_SEED)
    chosen_rows = rng.choice(n_questions, min(SAMPLE, n_questions), replace=False)
    return np.sort(chosen_rows).astype(np.int32)


def chosen(questions: Questions, rows: NDArray[np.int32]) -> Questions:
    """The questions `rows`, in that order."""
    histories = [questions.history(int(row)) for row in rows]
    offsets = np.concatenate([[0], np.cumsum([len(history) for history in histories])]).astype(np.int64)
    return Questions(
        users=questions.users[rows],
        items=np.concatenate(histories).astype(np.int64),
        offsets=offsets,
        targets=questions.targets[rows],
        candidates=None if questions.candidates is None else questions.candidates[rows],
    )


def shuffled_newest(questions: Questions, newest: int) -> Questions:
    """The same questions, the `newest` last events of each in random order; which events they are stays."""
    rng = np.random.default_rng(SAMPLE_SEED)
    items: Int64 = questions.items.copy()
    for q in range(len(questions)):
        end = questions.offsets[q + 1]
        start = max(questions.offsets[q], end - newest)
        rng.shuffle(items[start:end])
    return Questions(users=questions.users, items=items, offsets=questions.offsets, targets=questions.targets)


def _shuffled_sample(data: TrialData) -> Questions:
    return shuffled_newest(chosen(data.validation, data.sample), min(data.max_history, SHUFFLED))


def reference_files(data: TrialData) -> dict[str, Path]:
    """Name -> folder of the reference rankers' lists, fit on training events alone. EASE only where it fits."""
    from seeds.references import NAMES
    from seeds.references.rankers import EASE_MAX_ITEMS

    names = [name for name in NAMES if name != "ease" or data.training.n_items <= EASE_MAX_ITEMS]
    return {name: _reference(name, data) for name in names}


def popularity_lists(data: TrialData) -> TopLists:
    """Those of the popularity ranker alone, which costs nothing to fit."""
    return read_lists(_reference("popularity", data))


def _reference(name: str, data: TrialData) -> Path:
    base = data.folder / f"references-{version_of(*_REFEREE)}"
    return kept_folder(base / name, lambda draft: _rank_by(name, data, draft))


def _rank_by(name: str, data: TrialData, draft: Path) -> None:
    from seeds.references import fit, rank

    lists = rank(fit(name, data.training), data.validation, data.training.n_items, k=LIST_LENGTH)
    write_lists(draft, TopLists(items=lists.items, scores=lists.scores, ties=lists.ties))


def write_lists(folder: Path, lists: TopLists) -> None:
    np.save(folder / "top_items.npy", lists.items)
    np.save(folder / "top_scores.npy", lists.scores)
    np.save(folder / "top_ties.npy", lists.ties)


def read_lists(folder: Path) -> TopLists:
    items: NDArray[np.int32] = np.load(folder / "top_items.npy")
    scores: Float32 = np.load(folder / "top_scores.npy")
    return TopLists(items=items, scores=scores, ties=np.load(folder / "top_ties.npy"))
