"""Removes what killed jobs leave behind: temporary files, unfinished trials and their working folders."""

import time
from pathlib import Path

from evolution.base.deleting import delete_tree
from evolution.base.drafts import remove_abandoned
from evolution.base.places import job_folder, store_folder, trial_folder
from evolution.domain.trial import TrialStatus
from evolution.laboratory.leases import trial_lock
from evolution.repo.left_drafts import end_left_drafts
from evolution.store.store import Store

TRIES = 5
BETWEEN_TRIES_S = 0.1


def scratch_folder(repo: Path, job_id: str) -> Path:
    """The folder of a job's temporary files and checkouts, which is deleted when the job ends."""
    return job_folder(repo, job_id) / "scratch"


def remove_scratch(repo: Path, job_id: str) -> None:
    """Delete the scratch folder of a job; files that cannot be deleted are ignored."""
    _delete(scratch_folder(repo, job_id))


def forget_interrupted(repo: Path, store: Store) -> None:
    """Delete the records and working folders of trials that are marked running but that no process works on, and the
    drafts of processes that have ended; a patch that one of them was writing into the user's files is written or left out whole.

    A process holds the lock of the trial that it trains or tests, and the kernel releases it when the process dies;
    trials of other running jobs are therefore left alone.
    """
    end_left_drafts(repo)
    remove_abandoned(store_folder(repo))
    remove_abandoned(store_folder(repo) / "data", deep=True)
    running = {trial.id for trial in store.trials() if trial.status is TrialStatus.RUNNING}
    left_working = {folder.parent.name for folder in store_folder(repo).glob("trials/*/work")}
    for trial in sorted(running | left_working):
        with trial_lock(repo, trial) as ours:
            if ours:
                store.mark_interrupted([trial])
                _delete(trial_folder(repo, trial) / "work")


def _delete(folder: Path) -> None:
    """Delete a folder in which a worker that is being killed may still be writing."""
    for _ in range(TRIES):
        delete_tree(folder)
        if not folder.exists():
            return
        time.sleep(BETWEEN_TRIES_S)
