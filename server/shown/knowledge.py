"""The knowledge about one repo, read from its store into one immutable value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from diagnosis.findings import Anchor, Role
from evolution.base.errors import ConfigError, RepoError
from evolution.domain.feedback import Feedback
from evolution.domain.healing import with_healings
from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.domain.proposal import Proposal, ProposalState
from evolution.domain.trial import Trial, TrialStatus
from evolution.repo.baseline import Accepted, accepted_in, read_baseline
from evolution.repo.files import config_text
from evolution.store.store import Store
from seeds.reading import parse_toml
from server.shown import notes
from server.shown.notes import Note
from server.shown.repo_files import module_file
from server.shown.stored_files import StoredFiles

HISTORY = 8
MEASURING = frozenset(  # jobs that begin with a training of the files on disk
    (
        JobKind.TRAIN,
        JobKind.CHECK,
        JobKind.DIAGNOSE,
        JobKind.SIMULATE,
        JobKind.SESSIONS,
        JobKind.PROPOSE,
        JobKind.IMPROVE,
        JobKind.TUNE,
        JobKind.EVOLVE,
    )
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The function that builds the recommender.

    path: relative to the root, "" if unknown
    """

    path: str = ""
    function: str = ""


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """Everything about a repo that is shown to the user.

    trial: the newest complete trial of the version on disk, else of any of the user's own versions; None if there is none
    history: trials of the user's own versions that have feedback, newest first, with their feedback
    trials: all trials of the user's own versions, newest first
    diagnosed: the trial with feedback that `notes` are of, with that feedback: of the version on disk, else the newest
    notes: findings and critiques of `diagnosed`, and the failure of the newest trial (of the version on disk, if that
        was measured); not dismissed ones
    proposals: proposals for the version that `notes` are about, best first, without dismissed ones
    program_files: path -> blob of `trial`'s program
    sources: blob -> text of every file that an anchor points into
    running: jobs that have not ended
    ended: the job that ended last
    newest: the last trial of the files on disk, else of any version
    failed: the newest job, where it was to measure the files that are on disk and failed without a result
    accepted: the entries of the repo's baseline; `dismissed` has the findings that they are about
    baseline_fault: why the baseline cannot be read, "" if it can or there is none
    device: where training is set to happen; "auto" where the config cannot be read
    """

    root: Path
    entry: Entry = field(default_factory=Entry)
    trial: Trial | None = None
    history: tuple[tuple[Trial, Feedback], ...] = ()
    trials: tuple[Trial, ...] = ()
    diagnosed: tuple[Trial, Feedback] | None = None
    notes: tuple[Note, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    dismissed: frozenset[str] = frozenset()
    program_files: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    running: tuple[JobRecord, ...] = ()
    ended: JobRecord | None = None
    newest: Trial | None = None
    failed: JobRecord | None = None
    accepted: tuple[Accepted, ...] = ()
    baseline_fault: str = ""
    device: str = "auto"

    def is_void(self, note: Note) -> bool:
        """Whether a note is about what only a device of its own costs, and training is set to the CPU; or is accepted by the
        repo's baseline.
        """
        if any(entry.covers(note.code, note.anchors) for entry in self.accepted):
            return True
        return self.device == "cpu" and note.finding is not None and note.finding.kind.of_accelerators


def _baseline(root: Path) -> tuple[tuple[Accepted, ...], str]:
    """The entries of a repo's baseline, and why they cannot be read, "" if they can."""
    try:
        return read_baseline(root), ""
    except RepoError as error:
        return (), str(error)


def read_entry(root: Path) -> Entry:
    """The entry in evolverec.toml; an empty Entry if it cannot be read, which
    the config's own diagnostics explain.
    """
    try:
        stated = parse_toml(config_text(root))["recommender"]["entry"]
        module, _, function = stated.partition(":")
    except (OSError, ConfigError, ValueError, KeyError, TypeError, AttributeError):
        return Entry()
    path = module_file(root, module)
    return Entry(path=path, function=function) if path else Entry()


def read_device(root: Path) -> str:
    """training.device in evolverec.toml; "auto" where it is left out, or the file cannot be read."""
    try:
        return str(parse_toml(config_text(root)).get("training", {}).get("device", "auto"))
    except (OSError, ConfigError, ValueError, AttributeError):
        return "auto"


def read_knowledge(
    root: Path, store: Store | None, programs: StoredFiles, disk_changes: int = 0
) -> Knowledge:
    """Read the knowledge about a repo from its store.

    store: None if nothing has run in the repo yet
    disk_changes: how often the repo's files have changed, which invalidates the cached snapshot
    """
    entry, device = read_entry(root), read_device(root)
    if store is None:
        accepted, fault = _baseline(root)
        return Knowledge(root=root, entry=entry, device=device, accepted=accepted, baseline_fault=fault)
    jobs, proposals = store.jobs_in_brief(), store.proposals()
    failed = jobs[0] if jobs and jobs[0].state is JobState.FAILED and jobs[0].result is None else None
    on_disk = programs.on_disk((failed.id, disk_changes)) if failed else ""
    trials = _own_trials(store, jobs, proposals, on_disk)
    here = [trial for trial in trials if programs.are_on_disk(trial.key.program)]
    complete = next((trial for trial in (*here, *trials) if trial.status is TrialStatus.COMPLETE), None)
    history = _history(store, trials, proposals)
    diagnosed = next(iter((*_history(store, here, proposals), *history)), None)
    feedback = diagnosed[1] if diagnosed else None
    found = notes.of_feedback(feedback) if feedback else []
    newest = next(iter(here or trials), None)
    found += _failure_notes(programs, newest)
    accepted, baseline_fault = _baseline(root)
    dismissed = frozenset(store.dismissed()) | frozenset(accepted_in(accepted, feedback) if feedback else ())
    shown = tuple(note for note in found if note.id not in dismissed)
    return Knowledge(
        device=device,
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
        trials=tuple(trials),
        diagnosed=diagnosed,
        program_files=programs.of(complete.key.program) if complete else {},
        sources=programs.texts({anchor.blob for note in shown for anchor in note.anchors}),
        running=tuple(job for job in jobs if not job.state.ended),
        ended=max((job for job in jobs if job.state.ended), key=lambda job: job.finished_at, default=None),
        newest=newest,
        failed=failed if failed and _is_of_disk(failed, programs) else None,
        accepted=accepted,
        baseline_fault=baseline_fault,
    )


def _own_trials(store: Store, jobs: list[JobRecord], proposals: list[Proposal], failed: str) -> list[Trial]:
    """Trials of versions that the user asked to measure, the last asked for first.

    failed: the program that the newest job failed on, "" if that job did not fail or names the trial itself

    Candidates' trials are left out, even that of a patch that the user has applied: until the new version is
    measured, the notes stay those that the user saw when applying the patch.
    """
    asked = [
        (job.finished_at, str(job.result["trial"])) for job in jobs if job.result and job.result.get("trial")
    ]
    feedback = _own_feedback(store, proposals)
    if feedback:
        asked.append((feedback.created_at, feedback.trial))
    if failed:
        # A further seed of this version, which another job trained, is not what failed.
        tried = [trial for trial in store.trials(failed) if _was_tried_by(jobs[0], trial)]
        asked += [(jobs[0].finished_at, trial.id) for trial in tried[:1]]
    newest_first = dict.fromkeys(trial for _, trial in sorted(asked, reverse=True))
    found = (store.trial(trial) for trial in list(newest_first)[: 2 * HISTORY])
    return [trial for trial in found if trial]


def _was_tried_by(job: JobRecord, trial: Trial) -> bool:
    """Whether a job that failed may have tried this trial: one that failed as well, or one that it trained to the end."""
    if trial.status is TrialStatus.COMPLETE:
        return trial.created_at >= job.created_at
    return trial.status is TrialStatus.FAILED


def _own_feedback(store: Store, proposals: list[Proposal]) -> Feedback | None:
    """The newest feedback on a version that the user wrote; for an applied patch,
    that on the version it was made for.
    """
    parents = {proposal.child: proposal.parent for proposal in proposals}
    feedback, seen = store.latest_feedback(), set[str]()
    while feedback and feedback.program in parents and feedback.program not in seen:
        seen.add(feedback.program)
        trials = store.trials(parents[feedback.program])
        feedback = next((found for trial in trials if (found := store.feedback(trial.id))), None)
    return feedback


def _history(
    store: Store, trials: list[Trial], proposals: list[Proposal]
) -> tuple[tuple[Trial, Feedback], ...]:
    pairs = ((trial, store.feedback(trial.id)) for trial in trials)
    known = [(trial, with_healings(feedback, proposals)) for trial, feedback in pairs if feedback]
    return tuple(known[:HISTORY])


def _is_of_disk(failed: JobRecord, programs: StoredFiles) -> bool:
    """Whether a failed job was to measure the files that are on disk now, so that its failure says something of them."""
    return failed.kind in MEASURING and (not failed.program or programs.are_on_disk(failed.program))


def _failure_notes(stored: StoredFiles, newest: Trial | None) -> list[Note]:
    """The failure of the newest trial as a note, on the line that failed if that line is known."""
    note = notes.of_failure(newest, _failure_anchor(stored, newest)) if newest is not None else None
    return [note] if note is not None else []


def _failure_anchor(stored: StoredFiles, trial: Trial) -> tuple[Anchor, ...]:
    failure = trial.failure
    if failure is None or not failure.path or not failure.line:
        return ()
    blob = stored.of(trial.key.program).get(failure.path, "")
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
