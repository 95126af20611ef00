"""Where things lie: the folder beside a repo's code, and the user's own configuration and locks."""

import os
from pathlib import Path

PACKAGE_ROOT = Path(__file__).resolve().parents[2]  # holds our own packages and the entry
# Processes of ours are started by this file's path: a module name would be looked up in the user's repo first.
ENTRY = PACKAGE_ROOT / "evolverec_entry.py"
CONFIG_NAME = "evolverec.toml"  # at the root of a repo
STORE_FOLDER = ".evolverec"
CONFIG_NAME = "evolverec.toml"
PROBES_FOLDER = "probes"  # of a repo: evolved probes that the user keeps
PROBE_HEADER = "# /// probe"  # how each of them begins


def store_folder(repo: Path) -> Path:
    return repo / STORE_FOLDER


def trial_folder(repo: Path, trial: str) -> Path:
    return store_folder(repo) / "trials" / trial


def job_folder(repo: Path, job: str) -> Path:
    return store_folder(repo) / "jobs" / job


def user_config_folder() -> Path:
    """`EVOLVEREC_CONFIG_HOME`, else `$XDG_CONFIG_HOME/evolverec`, else `~/.config/evolverec`."""
    if own := os.environ.get("EVOLVEREC_CONFIG_HOME"):
        return Path(own)
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "evolverec"


def lease_folder() -> Path:
    """Locks shared by all of the user's jobs on this machine."""
    return _cache_folder() / "leases"


def pages_folder() -> Path:
    """What diagnostics' codes mean, written for editors that open links only as files."""
    return _cache_folder() / "codes"


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "evolverec"
