"""What the store knows of one repo, read once into a value that handlers answer from."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from diagnosis.findings import Anchor, Role
from evolution.errors import EvolverecError
from evolution.feedback import Feedback
from evolution.jobs.records import JobRecord, JobState
from evolution.programs import Programs
from evolution.proposals import Proposal, ProposalState
from evolution.store import Store
from evolution.trials.records import Trial, TrialStatus
from server.lsp import notes
from server.lsp.notes import Note

CONFIG_NAME = "evolverec.toml"
HISTORY = 8


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where the repo builds its recommender: path relative to the root ("" unknown), the function's name."""

    path: str = ""
    function: str = ""


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """trial: of the user's newest measured version. history: earlier trials of the user's own versions with their
    feedback, newest first. proposals: for what `notes` say, best first, dismissed ones left out.
    program_files: path -> blob of `trial`'s program. sources: blob -> text of every file an anchor points into.
    running: jobs that have not ended."""

    root: Path
    entry: Entry = field(default_factory=Entry)
    trial: Trial | None = None
    history: tuple[tuple[Trial, Feedback], ...] = ()
    notes: tuple[Note, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    dismissed: frozenset[str] = frozenset()
    program_files: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    running: tuple[JobRecord, ...] = ()


def read_entry(root: Path) -> Entry:
    """From evolverec.toml as far as it can be read: what is wrong in it is said by its own diagnostics."""
    try:
        stated = tomllib.loads((root / CONFIG_NAME).read_text(encoding="utf-8"))["recommender"]["entry"]
        module, _, function = stated.partition(":")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError):
        return Entry()
    base = module.replace(".", "/")
    for path in (f"{base}.py", f"{base}/__init__.py", f"src/{base}.py"):
        if (root / path).is_file():
            return Entry(path=path, function=function)
    return Entry()


def read_knowledge(before: Knowledge, store: Store | None) -> Knowledge:
    """Everything the editor shows of the repo `before` is about; stored files it has are not read again.

    store None: nothing has run in the repo yet.
    """
    root, entry = before.root, read_entry(before.root)
    if store is None:
        return Knowledge(root=root, entry=entry)
    jobs, proposals = store.jobs(), store.proposals()
    programs = StoredFiles(root, before)
    trials = _own_trials(store, jobs, proposals, programs)
    complete = next((trial for trial in trials if trial.status is TrialStatus.COMPLETE), None)
    history = _history(store, trials)
    feedback = history[0][1] if history else None
    found = notes.of_feedback(feedback) if feedback else []
    found += _failure_notes(programs, trials[:1])
    dismissed = frozenset(store.dismissed())
    shown = tuple(note for note in found if note.id not in dismissed)
    return Knowledge(
        root=root,
        entry=entry,
        trial=complete,
        history=history,
        notes=shown,
        proposals=tuple(
            proposal
            for proposal in proposals
            if feedback
            and proposal.parent == feedback.program
            and proposal.state is not ProposalState.DISMISSED
        ),
        dismissed=dismissed,
        program_files=programs.of_trial(complete),
        sources=programs.texts({anchor.blob for note in shown for anchor in note.anchors}),
        running=tuple(job for job in jobs if not job.state.ended),
    )


def _own_trials(
    store: Store, jobs: list[JobRecord], proposals: list[Proposal], programs: "StoredFiles"
) -> list[Trial]:
    """Trials of versions the user asked to measure, the one asked for last first.

    Candidates' trials are not among them, not even of a patch that the user has taken: what is shown then is
    what the user was shown when he took it, until he measures his new version.
    """
    asked = [
        (job.finished_at, str(job.result["trial"])) for job in jobs if job.result and job.result.get("trial")
    ]
    feedback = _own_feedback(store, proposals)
    if feedback:
        asked.append((feedback.created_at, feedback.trial))
    if jobs and jobs[0].state is JobState.FAILED and jobs[0].result is None:  # it names no trial
        asked += [(jobs[0].finished_at, trial.id) for trial in store.trials(programs.on_disk())[:1]]
    newest_first = dict.fromkeys(trial for _, trial in sorted(asked, reverse=True))
    found = (store.trial(trial) for trial in list(newest_first)[: 2 * HISTORY])
    return [trial for trial in found if trial]


def _own_feedback(store: Store, proposals: list[Proposal]) -> Feedback | None:
    """The newest feedback of a version the user wrote; for a patch he took, of the version it was made for."""
    parents = {proposal.child: proposal.parent for proposal in proposals}
    feedback, seen = store.latest_feedback(), set[str]()
    while feedback and feedback.program in parents and feedback.program not in seen:
        seen.add(feedback.program)
        trials = store.trials(parents[feedback.program])
        feedback = next((found for trial in trials if (found := store.feedback(trial.id))), None)
    return feedback


def _history(store: Store, trials: list[Trial]) -> tuple[tuple[Trial, Feedback], ...]:
    pairs = ((trial, store.feedback(trial.id)) for trial in trials)
    return tuple((trial, feedback) for trial, feedback in pairs if feedback)[:HISTORY]


def _failure_notes(stored: "StoredFiles", newest: list[Trial]) -> list[Note]:
    """Why the newest trial failed, on the line that failed where it is known."""
    found = (notes.of_failure(trial, _failure_anchor(stored, trial)) for trial in newest)
    return [note for note in found if note is not None]


def _failure_anchor(stored: "StoredFiles", trial: Trial) -> tuple[Anchor, ...]:
    failure = trial.failure
    if failure is None or not failure.path or not failure.line:
        return ()
    blob = stored.of_trial(trial).get(failure.path, "")
    lines = stored.texts({blob}).get(blob, "").splitlines()
    if failure.line > len(lines):
        return ()
    return (
        Anchor(
            path=failure.path,
            start_line=failure.line,
            end_line=failure.line,
            blob=blob,
            text=lines[failure.line - 1],
            role=Role.ENTRY,
        ),
    )


class StoredFiles:
    """Files of measured programs; opens the program store only for what is not known already.

    A program or blob that is not stored (the user deleted `programs.git`) has no files and no text.
    """

    def __init__(self, root: Path, before: Knowledge) -> None:
        self._root, self._before = root, before

    @cached_property
    def _programs(self) -> Programs:
        return Programs.open(self._root)

    def on_disk(self) -> str:
        """The program that the files on disk are."""
        return self._programs.snapshot().tree

    def of_trial(self, trial: Trial | None) -> Mapping[str, str]:
        """path -> blob."""
        if trial is None:
            return {}
        known = self._before.trial
        if known and known.key.program == trial.key.program and self._before.program_files:
            return self._before.program_files
        import git

        try:
            return self._programs.files(trial.key.program)
        except git.GitCommandError:
            return {}

    def texts(self, blobs: set[str]) -> dict[str, str]:
        """blob -> text."""
        found = {blob: self._before.sources[blob] for blob in blobs if blob in self._before.sources}
        for blob in blobs - set(found) - {""}:
            try:
                found[blob] = self._programs.file_text(blob)
            except EvolverecError:
                continue
        return found
