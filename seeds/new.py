"""The seed recommenders: what there are, and how one becomes a fresh git repo of the user's own.

A seed is a folder of `repos`. Its README says of it what people are told: the heading is its title, the first
sentence below says what it is.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from seeds.errors import NewRepoError

TEMPLATES = Path(__file__).parent / "repos"
FIRST = "sasrec"
DATA_MARK = "@DATA@"
# Only for the first commit of someone who has not told git who they are; nothing is configured.
FALLBACK_IDENTITY = ("-c", "user.name=evolverec", "-c", "user.email=evolverec@localhost")


@dataclass(frozen=True, kw_only=True)
class Seed:
    """name: what it is asked for by, which is its folder's. title and sentence: what its README calls it."""

    name: str
    title: str
    sentence: str


def all_seeds() -> tuple[Seed, ...]:
    """The recommenders that `new_repo` can write; the one for somebody who has no wish comes first."""
    names = (entry.name for entry in TEMPLATES.iterdir() if (entry / "evolverec.toml").exists())
    return tuple(_described(name) for name in sorted(names, key=lambda name: (name != FIRST, name)))


def seed_names() -> tuple[str, ...]:
    return tuple(seed.name for seed in all_seeds())


def _described(name: str) -> Seed:
    try:
        text = (TEMPLATES / name / "README.md").read_text(encoding="utf-8")
    except OSError:
        return Seed(name=name, title=name, sentence="")
    heading, _, body = text.strip().partition("\n")
    first_paragraph = " ".join(body.strip().partition("\n\n")[0].split())
    sentence = re.split(r"(?<=\.) (?=[A-Z])", first_paragraph)[0]
    return Seed(name=name, title=heading.lstrip("# ").strip() or name, sentence=sentence)


def check_seed(seed_name: str) -> None:
    """Raises NewRepoError if there is no seed of this name."""
    if seed_name not in seed_names():
        raise NewRepoError(f"There is no seed {seed_name!r}; expected one of {', '.join(seed_names())}.")


def new_repo(seed_name: str, folder: Path, *, data: str) -> None:
    """Write the seed `seed_name` to `folder` with `data` as its source, and commit it as a git repo.

    folder must be absent or empty. Raises NewRepoError: unknown seed, folder in use, or git missing or failing.
    """
    check_seed(seed_name)
    if shutil.which("git") is None:
        raise NewRepoError("git was not found, and the new repo needs it. Install git and try again.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NewRepoError(f"{folder} exists and is not an empty folder. Name a new one, or empty it.")
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
        raise NewRepoError(f"{folder} cannot be made: {error.strerror}. Name another folder.") from None
    shutil.copytree(TEMPLATES / seed_name, folder, dirs_exist_ok=True, ignore=ignored)
    config = folder / "evolverec.toml"
    text = config.read_text(encoding="utf-8").replace(f'"{DATA_MARK}"', _toml_string(data))
    config.write_text(text, encoding="utf-8")
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    known = _has_identity(folder)
    message = f"{seed_name} as evolverec wrote it"
    _git(folder, *(() if known else FALLBACK_IDENTITY), "commit", "--quiet", "--message", message)


def _toml_string(text: str) -> str:
    """A basic TOML string: backslash (Windows paths), quote and control characters escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    plain = "".join(char if char.isprintable() else f"\\u{ord(char):04X}" for char in escaped)
    return f'"{plain}"'


def _has_identity(folder: Path) -> bool:
    return all(
        subprocess.run(["git", "var", name], cwd=folder, capture_output=True, check=False).returncode == 0
        for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT")
    )


def _git(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip() or done.stdout.strip()
        raise NewRepoError(
            f"`git {' '.join(arguments)}` in {folder} failed: {reason}. The files are there; commit them yourself."
        )
