"""What the commands that run a repo's code share: the repo's folder, the job, its exit code."""

from pathlib import Path
from typing import Any

from evolution.base.errors import Cancelled, RepoError, UsageError
from evolution.base.given_paths import real_path
from evolution.domain.request import Request

Agreed = frozenset[str]  # the flags by which the user consents, of those given


def flags_given(*, trust: bool, trust_python: bool) -> Agreed:
    """`--no-sandbox` is an option of the job, and not among them."""
    given = {"--trust": trust, "--trust-python": trust_python}
    return frozenset(flag for flag, wanted in given.items() if wanted)


def repo_at(folder: Path) -> Path:
    """The repo's real path. Raises UsageError: there is no such folder."""
    repo = real_path(folder)
    if not repo.is_dir():
        raise UsageError(f"{folder} is no folder; expected the repo's folder, the one with evolverec.toml")
    return repo


def run_on(
    folder: Path, request: Request, *, trust: bool, trust_python: bool, as_json: bool
) -> dict[str, Any]:
    """Run a job on the repo in a folder and return its document, as `following.run_as_job` does."""
    from evolution.repo.config import read_config
    from server.cli.following import run_as_job

    repo = repo_at(folder)
    read_config(repo)  # a wrong evolverec.toml is said before anything is started
    agreed = flags_given(trust=trust, trust_python=trust_python)
    return run_as_job(repo, request, agreed=agreed, quiet=as_json)


def exit_code_of(document: dict[str, Any]) -> int:
    """Of a document about one trial."""
    if document["status"] == "complete":
        return 0
    return Cancelled.exit_code if document["reason"] == "cancelled" else RepoError.exit_code


def next_steps(folder: Path) -> str:
    """What to do with a new repo."""
    return (
        f"made {folder}: read evolverec.toml and README.md, then\n"
        f"  evolverec train {folder}\n  evolverec diagnose {folder}\n  evolverec propose {folder}"
    )
