"""Trains and measures programs. Each trial runs once; later requests for it are answered from the store."""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from diagnosis.evidence import TopLists
from evolution.base.amounts import listed, number
from evolution.base.disks import full_disk_error
from evolution.base.errors import Cancelled, NotStored
from evolution.base.places import CONFIG_NAME, trial_folder
from evolution.domain.job import EventType
from evolution.domain.trial import (
    ContractCheck,
    EpochRecord,
    FailureReason,
    Trial,
    TrialKey,
    TrialStatus,
    is_killed,
    reported_loss,
)
from evolution.laboratory.context import JobContext
from evolution.laboratory.devices import choose_device
from evolution.laboratory.executor import Executor, LocalSlots, Order, Rungs, in_parallel
from evolution.laboratory.leases import POLL_S, trial_lock
from evolution.laboratory.retrying import again_in_words, is_to_be_repeated, run_unless_killed, settled
from evolution.repo.programs import Programs, changed_files
from evolution.repo.withheld import withheld_in_words
from evolution.store.store import trial_id
from evolution.trials.artifacts import are_intact
from evolution.trials.checkpoint import Checkpoint
from evolution.trials.data import TrialData
from evolution.trials.examining import checks_of, examine, is_examined
from evolution.trials.failing import TrialFailed
from evolution.trials.frozen import TestReading, read_test
from evolution.trials.identity import trial_key
from evolution.trials.reading_data import read_data
from evolution.trials.recommending import recommend
from evolution.trials.request import SandboxMode, Supervision, TrialRequest
from evolution.trials.scoring import OBJECTIVE
from evolution.trials.user_sessions import check_participants
from seeds.interactions import Questions

T = TypeVar("T")
R = TypeVar("R")
CODE = (".py", CONFIG_NAME)

Prune = Callable[[Sequence[EpochRecord]], bool]
Accept = Callable[[Trial], bool]
SHOWN = "NDCG@10"
# Why a stored trial of the same program does not answer for it, by the part of its key that differs.
OTHER_TERMS = {
    "data": "the data or its split has changed",
    "training": "evolverec.toml's entry, max_history, objective or [training] has changed",
    "harness": "this is another version of evolverec",
}
NO_FAULT = (FailureReason.CANCELLED, FailureReason.KILLED)  # reasons that say nothing about the program


def measured(trial: Trial) -> bool:
    """Whether a stored trial need not be run again: it is complete, or its program failed."""
    if trial.status is TrialStatus.FAILED:
        return trial.failure is not None and trial.failure.reason not in NO_FAULT
    return trial.status is TrialStatus.COMPLETE


def complete(trial: Trial) -> bool:
    """Whether a trial ended well; use as `accept` to run failed trials again."""
    return trial.status is TrialStatus.COMPLETE


def measured_or_pruned(trial: Trial) -> bool:
    """As `measured`, but a pruned trial need not be run again either."""
    return measured(trial) or trial.status is TrialStatus.PRUNED


class Laboratory:
    """One job's view of a repo's programs, data and trials. Its methods may run in several threads."""

    def __init__(self, context: JobContext) -> None:
        self.context = context
        self.config = context.config
        self.replays = False  # if True, a trial that is not stored raises NotStored instead of being run
        # If True, a stored trial that was killed counts as measured: a run that is done again from its first step must
        # come to what it came to before.
        self.continues = False
        self.programs = Programs.open(context.repo)
        self.device = choose_device(context.request.device or self.config.training.device, context.settings)
        self.slots = LocalSlots(device=self.device)
        self.executor: Executor = self.slots

    @cached_property
    def data(self) -> TrialData:
        """The repo's interaction log, split into training and held-out events; loaded at the first use.

        Raises DataError, and Cancelled if the job is told to stop meanwhile.
        """
        return read_data(
            self.config,
            self.context.repo,
            tell=lambda words: self.context.events.emit(
                EventType.PROGRESS, words, trial="", fraction=None, left_s=None
            ),
            cancelled=self.context.cancelled,
        )

    def training_for(self, max_epochs: int) -> "Laboratory":
        """This laboratory with another limit of epochs; it shares everything else, slots and data included."""
        other = copy.copy(self)
        training = self.config.training.model_copy(update={"max_epochs": max_epochs})
        other.config = self.config.model_copy(update={"training": training})
        return other

    def user_program(self) -> str:
        """Store the files on disk as a program and return its tree hash; logs which files differ from the last trial."""
        for sentence in withheld_in_words(self.programs.find_copies(self.data.lookout)):
            self.context.events.emit(EventType.LOG, sentence)
        snapshot = self.programs.snapshot()
        for path, why in snapshot.left_out.items():
            self.context.events.emit(EventType.LOG, f"{path} {why}; the worker will not see it")
        self.programs.keep(snapshot.tree, "as on disk")
        with self.context.store_lock:
            self.context.store.note_program(self.context.job.id, snapshot.tree)
        self._say_what_changed(snapshot.tree)
        return snapshot.tree

    def _say_what_changed(self, program: str) -> None:
        """Log which files differ from the program that was measured last, if this one has no trial yet.

        The code may read any file, so a change in any stored file makes another program, which is trained again.
        """
        with self.context.store_lock:
            known = self.context.store.trials(program)
            last = None if known else self.context.store.latest_own_trial()
        if last is None:
            self._say_what_else_changed(known)
            return
        changed = changed_files(self.programs.files(last.key.program), self.programs.files(program))
        words = f"another version than trial {last.id}: {listed(changed)} changed"
        if not any(path.endswith(CODE) for path in changed):
            words += ". No code did: name files that the training does not read in .gitignore, and they make no new version"
        self.context.events.emit(EventType.LOG, words)

    def _say_what_else_changed(self, known: Sequence[Trial]) -> None:
        """Log why trials of this very program are not taken, where there are some, but none on the present terms."""
        if not known:
            return
        now = self._key(known[0].key.program, self.config.training.seed)
        if any(replace(trial.key, seed=now.seed) == now for trial in known):
            return
        before = known[0].key
        reasons = [
            words for name, words in OTHER_TERMS.items() if getattr(before, name) != getattr(now, name)
        ]
        if before.device != now.device:
            reasons.append(
                f"the device is {now.device}, and was {before.device} (threads follow slots and OMP_NUM_THREADS)"
            )
        if reasons:
            self._log(f"trial {known[0].id} of this very code is not taken for it: {listed(reasons)}")

    def trial(
        self,
        program: str,
        *,
        seed: int,
        label: str,
        accept: Accept = measured,
        prune: Prune | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Trial:
        """The trial of a program: the stored one if `accept` returns True for it, else it is trained and measured now.

        checkpoint: the weights that are measured in place of a training. Raises Cancelled (after storing the cancelled
        trial), DiskError, and NotStored in a replay.
        """
        key = self._key(program, seed, checkpoint)
        identity = trial_id(key)
        with self._only_one(identity):
            stored = self._stored(identity)
            if (
                stored is not None
                and (accept(stored) or self._stands(stored, accept))
                and self._is_whole(stored)
            ):
                self._announce(stored, label, again=True)
                return stored
            self._may_run(f"a trial of {label!r}")
            check_participants(self.config, self.data, self.context.repo)
            started = Trial(
                id=identity, key=key, status=TrialStatus.RUNNING, created_at=time.time(), wall_s=0.0
            )
            order = self._order(identity, key, trial_folder(self.context.repo, identity), label)
            if checkpoint is not None:
                request = replace(order.request, checkpoint=checkpoint)
                order = replace(order, request=request, rungs=Rungs.CHECKPOINT)
            if prune is not None:
                order = replace(order, supervision=replace(order.supervision, prune=prune))

            def begins() -> None:
                if stored is None:
                    self._put(started)
                self._announce(started, label, again=False)

            trial = self._run(replace(order, begins=begins), label)
            trial = replace(trial, created_at=started.created_at, note={**trial.note, **self._beyond()})
            cancelled = trial.failure is not None and trial.failure.reason is FailureReason.CANCELLED
            if stored is None or not cancelled:  # a cancelled trial must not replace a stored one
                self._put(trial)
        self._announce(trial, label, again=False)
        if cancelled:
            raise Cancelled("cancelled")
        return trial

    def _beyond(self) -> dict[str, int]:
        """For a trial's note: the configured number of epochs, where it was trained for more."""
        configured = self.context.config.training.max_epochs
        return {"beyond_epochs": configured} if self.config.training.max_epochs > configured else {}

    def _check_disk(self, trial: Trial) -> None:
        """Raises DiskError for a trial that failed while the disk was full, which is no fault of its program's."""
        full = full_disk_error(self.context.scratch) if trial.status is TrialStatus.FAILED else None
        if full is not None:
            raise full

    def has_trial(self, program: str, *, seed: int) -> bool:
        """Whether a complete trial of the program is stored."""
        stored = self._stored(trial_id(self._key(program, seed)))
        return stored is not None and complete(stored)

    def _run(self, order: Order, label: str) -> Trial:
        """Run a trial, and once more if it was killed."""

        def run() -> Trial:
            trial = self.executor.run(order)
            self._check_disk(trial)
            return trial

        return run_unless_killed(run, lambda words: self._log(f"{label}: {words}"))

    def _stands(self, stored: Trial, accept: Accept) -> bool:
        """Whether a run has already gone on from this killed trial as if its program had failed."""
        if not (self.continues or self.replays) or stored.failure is None or not is_killed(stored):
            return False
        return accept(replace(stored, failure=replace(stored.failure, reason=FailureReason.CRASH)))

    def _log(self, words: str) -> None:
        self.context.events.emit(EventType.LOG, words)

    def _is_whole(self, stored: Trial) -> bool:
        """Whether the trial's artifacts are intact; if not, the user is told why the trial is run again."""
        if stored.status not in (TrialStatus.COMPLETE, TrialStatus.PRUNED):
            return True
        whole = are_intact(trial_folder(self.context.repo, stored.id))
        if not whole:
            words = f"trial {stored.id} is done again: files that it left in .evolverec are damaged or gone"
            self.context.events.emit(EventType.LOG, words)
        return whole

    def smoke(self, program: str, *, beside: bool = False) -> Trial:
        """Run only the quick checks: parse, import, contract on one batch, two training steps.

        beside: somebody waits for it; see `Order`. The result has no metrics and is not stored; `smoke_once` stores it.
        """
        key = self._smoke_key(program)
        folder = self.context.scratch / f"smoke-{trial_id(key)}"
        order = replace(self._order(trial_id(key), key, folder, "check"), rungs=Rungs.SMOKE, beside=beside)
        return self._run(order, "check")

    def smoke_once(self, program: str) -> Trial:
        """As `smoke`, but a stored result is reused. Raises Cancelled, and NotStored in a replay."""
        identity = trial_id(self._smoke_key(program))
        with self.context.store_lock:
            known = self.context.store.smoke(identity)
        if known is not None and (not is_killed(known) or self._stands(known, measured)):
            return known
        self._may_run("a check of a candidate")
        said = self.smoke(program)
        self.context.check_cancelled()
        with self.context.store_lock:
            self.context.store.put_smoke(said)
        return said

    def _may_run(self, what: str) -> None:
        if self.replays:
            raise NotStored(f"the replay needs {what} that is not in the store")

    def _smoke_key(self, program: str) -> TrialKey:
        return self._key(program, 0)

    def _key(self, program: str, seed: int, checkpoint: Checkpoint | None = None) -> TrialKey:
        return trial_key(
            self.config,
            program=program,
            data=self.data.fingerprint,
            seed=seed,
            device=self.device.name,
            checkpoint=checkpoint.sha256 if checkpoint is not None else "",
        )

    def _order(self, identity: str, key: TrialKey, folder: Path, label: str) -> Order:
        return Order(
            request=self._request(identity, key, folder),
            supervision=self._supervision(identity, label),
            waiting=lambda: self._waiting(label),
        )

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Return [work(item) for each item], computed in parallel threads; `work` may request trials.

        If one call raises, the whole job is told to stop; trials that were measured by then are stored.
        """
        return in_parallel(self.executor, work, items, stop=self.context.stop.set)

    def examine(self, trial: Trial) -> tuple[ContractCheck, ...]:
        """Examine a complete trial unless that is done; what its trained model answered to the questions of a diagnosis.

        What could not be looked at is told in the log. Raises Cancelled.
        """
        folder = trial_folder(self.context.repo, trial.id)
        label = f"examination of {trial.id}"
        if not (self.replays or is_examined(folder)):
            with (
                self._only_one(trial.id),
                self.slots.hold(self.context.cancelled, lambda: self._waiting(label)) as slot,
            ):
                request = self._request(trial.id, trial.key, folder)
                gpu = str(slot) if self.device.kind == "cuda" else ""
                supervision = self._supervision(trial.id, "your version")
                try:
                    missing = examine(replace(request, gpu=gpu), trial, supervision)
                except TrialFailed as failed:
                    raise Cancelled("cancelled") from failed
                if missing:
                    self._log(f"{label}: {missing}")
        return checks_of(folder)

    def read_test(self, trial: Trial) -> TestReading:
        """Evaluate the saved state of a complete trial on the test events, in a new process. Raises Cancelled."""
        label = f"test events of {trial.id}"
        with self.reopened(trial, label) as (request, supervision):
            reading = read_test(request, trial, supervision)
            if reading.failure is not None and is_to_be_repeated(reading.failure):
                self._log(f"{label}: {again_in_words(reading.failure)}")
                reading = read_test(request, trial, supervision)
        failure = reading.failure
        return reading if failure is None else replace(reading, failure=settled(failure))

    def recommend(self, trial: Trial, asked: Questions, *, with_seen: bool) -> TopLists:
        """The lists of a complete trial's saved state, in a new process. Raises TrialFailed."""
        with self.reopened(trial, f"lists of {trial.id}") as (request, supervision):
            return recommend(request, trial, supervision, asked, with_seen=with_seen)

    @contextmanager
    def reopened(self, trial: Trial, label: str) -> Iterator[tuple[TrialRequest, Supervision]]:
        """What a new worker for a complete trial needs, while nobody else works on it and a slot is held. Raises Cancelled."""
        with (
            self._only_one(trial.id),
            self.slots.hold(self.context.cancelled, lambda: self._waiting(label)) as slot,
        ):
            request = self._request(trial.id, trial.key, trial_folder(self.context.repo, trial.id))
            gpu = str(slot) if self.device.kind == "cuda" else ""
            yield replace(request, gpu=gpu), self._supervision(trial.id, label)

    def _request(self, identity: str, key: TrialKey, folder: Path) -> TrialRequest:
        checkout = self.context.scratch / f"program-{identity}"
        if not checkout.exists():
            self.programs.check_out(key.program, checkout)
        return TrialRequest(
            id=identity,
            key=key,
            repo=self.context.repo,
            checkout=checkout,
            folder=folder,
            config=self.config,
            data=self.data,
            python=Path(self.context.settings.python),
            sandbox=SandboxMode.NONE if self.context.request.no_sandbox else SandboxMode.AUTO,
        )

    def _supervision(self, trial: str, label: str) -> Supervision:
        return Supervision(
            on_stage=lambda stage: self._stage(trial, label, stage),
            on_epoch=lambda epoch: self._epoch(trial, label, epoch),
            cancelled=self.context.cancelled,
        )

    @contextmanager
    def _only_one(self, trial: str) -> Iterator[None]:
        """Lock a trial. A second job that wants the same trial waits here, then finds it in the store. Raises Cancelled."""
        while True:
            with trial_lock(self.context.repo, trial) as ours:
                if ours:
                    yield
                    return
            self.context.check_cancelled()
            time.sleep(POLL_S)

    def _stored(self, identity: str) -> Trial | None:
        with self.context.store_lock:
            return self.context.store.trial(identity)

    def _put(self, trial: Trial) -> None:
        with self.context.store_lock:
            self.context.store.put_trial(trial)

    def _waiting(self, label: str) -> None:
        self._stage("", label, f"waiting for another training to end, all {self.device.kind} slots are busy")

    def _stage(self, trial: str, label: str, stage: str) -> None:
        self.context.events.emit(
            EventType.PROGRESS, f"{label}: {stage}", trial=trial, label=label, fraction=None, left_s=None
        )

    def _epoch(self, trial: str, label: str, epoch: EpochRecord) -> None:
        total = self.config.training.max_epochs
        value = epoch.metrics.get(SHOWN)
        self.context.events.emit(
            EventType.EPOCH,
            f"{label}: epoch {epoch.epoch}/{total}"
            + (f", {SHOWN} {number(value)}" if value is not None else ""),
            trial=trial,
            label=label,
            epoch=epoch.epoch,
            epochs=total,
            loss=reported_loss(epoch.reported),
            metric=SHOWN,
            value=value,
            objective=epoch.metrics.get(OBJECTIVE),
            left_s=epoch.wall_s * (total - epoch.epoch),
        )

    def _announce(self, trial: Trial, label: str, *, again: bool) -> None:
        if trial.status is TrialStatus.RUNNING:
            words = f"{label}: trial {trial.id} started"
        elif trial.failure is not None:
            words = f"{label}: {trial.failure.reason}: {trial.failure.message}"
        else:
            metric = trial.metrics.get(SHOWN)
            figure = f", {SHOWN} {number(metric.value)}" if metric else ""
            if metric and metric.low is not None and metric.high is not None:
                figure += f" [{number(metric.low)}, {number(metric.high)}]"
            epochs = "no training" if trial.key.checkpoint else f"{len(trial.epochs)} epochs"
            words = f"{label}: {trial.status}{figure}, {epochs}, {trial.wall_s:.1f} s"
        words += " (from the store)" if again else ""
        self.context.events.emit(EventType.TRIAL, words, trial=trial.id, status=trial.status, label=label)
