"""What jobs leave lying when they are killed, and how it goes: scratch, half-done trials, working folders."""

import shutil
from pathlib import Path

from evolution.base.places import job_folder, store_folder, trial_folder
from evolution.domain.trial import TrialStatus
from evolution.laboratory.leases import trial_lock
from evolution.store.store import Store


def scratch_folder(repo: Path, job_id: str) -> Path:
    """Where a job keeps what need not outlive it: checkouts, temporary files."""
    return job_folder(repo, job_id) / "scratch"


def remove_scratch(repo: Path, job_id: str) -> None:
    shutil.rmtree(scratch_folder(repo, job_id), ignore_errors=True)


def forget_interrupted(repo: Path, store: Store) -> None:
    """Forget the trials that nobody trains any more, and remove working folders that nobody works in.

    Whoever trains or tests a trial holds its lock, and the kernel frees the locks of the dead; so other jobs
    may go on meanwhile.
    """
    running = {trial.id for trial in store.trials() if trial.status is TrialStatus.RUNNING}
    left_working = {folder.parent.name for folder in store_folder(repo).glob("trials/*/work")}
    for trial in sorted(running | left_working):
        with trial_lock(repo, trial) as ours:
            if ours:
                store.mark_interrupted([trial])
                shutil.rmtree(trial_folder(repo, trial) / "work", ignore_errors=True)
