"""File and folder names: `.evolverec` in a repo, and the user's own configuration and cache folders."""

import os
from pathlib import Path

from evolution.base.errors import UsageError

PACKAGE_ROOT = (
    Path(__file__).resolve().parents[2]
)  # the folder of the packages `evolution`, `server`, ... and of ENTRY
# Child processes are started by this file's path, because `python -m` would search the user's repo first.
ENTRY = PACKAGE_ROOT / "evolverec_entry.py"
CONFIG_NAME = "evolverec.toml"  # at the root of a repo
BASELINE_NAME = "evolverec.baseline.toml"  # at the root of a repo: findings that its team accepts
KIT_NAME = "evolverec_kit.py"  # beside an adapter: what it is written with
STORE_FOLDER = ".evolverec"
WORKER_LOG = "worker.log"  # in the folder of a trial
PROBES_FOLDER = "probes"  # folder in a repo with the evolved probes that the user keeps
PROBE_HEADER = "# /// probe"  # the first characters of every kept probe file


def store_folder(repo: Path) -> Path:
    """The repo's `.evolverec` folder, which may not exist yet; `repo.ownership` makes and checks it."""
    return repo / STORE_FOLDER


def trial_folder(repo: Path, trial: str) -> Path:
    """The folder of a trial's artifacts, by the trial's id; it may not exist."""
    return store_folder(repo) / "trials" / trial


def job_folder(repo: Path, job: str) -> Path:
    """The folder of a job's events, log and scratch files, by the job's id."""
    return store_folder(repo) / "jobs" / job


def user_config_folder() -> Path:
    """The folder of the user's settings: `EVOLVEREC_CONFIG_HOME`, else `$XDG_CONFIG_HOME/evolverec`, else `~/.config/evolverec`.

    Raises UsageError: EVOLVEREC_CONFIG_HOME is relative. Jobs and servers run in the repo's folder, and consents that a repo
    brings are none.
    """
    if own := os.environ.get("EVOLVEREC_CONFIG_HOME"):
        if not Path(own).is_absolute():
            raise UsageError(f"EVOLVEREC_CONFIG_HOME is {own[:200]!r}; expected an absolute path")
        return Path(own)
    return _personal("XDG_CONFIG_HOME", ".config")


def answers_lock() -> Path:
    """The lock file of the answers (trusted repos, consents) that the user's settings keep."""
    return user_config_folder() / "answers.lock"


def lease_folder() -> Path:
    """The folder of the lock files that all jobs of the user on this machine share."""
    return _cache_folder() / "leases"


def pages_folder() -> Path:
    """The folder of the pages that explain diagnostic codes, for editors that open links only as files."""
    return _cache_folder() / "codes"


def _cache_folder() -> Path:
    return _personal("XDG_CACHE_HOME", ".cache")


def _personal(variable: str, below_home: str) -> Path:
    """A relative folder is none, as the standard says: it could be one that a repo brought, with consents in it."""
    base = Path(os.environ.get(variable, ""))
    return (base if base.is_absolute() else Path.home() / below_home) / "evolverec"
