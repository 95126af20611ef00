"""Programs: versions of the user's repo in a bare repository of our own, `.evolverec/programs.git`.

The user's git, index, branch and files are only read, and nothing that their configuration or attributes name is
run: a snapshot is taken before the user has consented to anything. A program's id is its git tree hash.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolution.base.errors import EvolverecError, RepoError
from evolution.base.paths import matches
from evolution.base.places import PROBE_HEADER, PROBES_FOLDER, STORE_FOLDER, store_folder
from evolution.repo.held_out import held_out, stated_source
from evolution.repo.ownership import ensure_store_folder

LARGE_BYTES = 2_000_000
GIT_MISSING = "git is missing; programs and patches are kept in it, so nothing can be trained"
GIT_HELP = "apt install git"
IDENTITY = {
    "GIT_AUTHOR_NAME": "evolverec",
    "GIT_AUTHOR_EMAIL": "evolverec@localhost",
    "GIT_COMMITTER_NAME": "evolverec",
    "GIT_COMMITTER_EMAIL": "evolverec@localhost",
}
# Configuration that would have git run a program of the repo's choice, or fetch from where it says.
HARMLESS = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "core.fsmonitor",
    "GIT_CONFIG_VALUE_0": "false",
    "GIT_CONFIG_KEY_1": "core.hooksPath",
    "GIT_CONFIG_VALUE_1": os.devnull,
}
# Outranks every .gitattributes: bytes are stored and written as they are, and no filter runs.
AS_IT_IS = "* -text -eol -ident -filter !working-tree-encoding\n"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """tree: the program's id. left_out: files too large to store, relative paths, with their bytes."""

    tree: str
    left_out: Mapping[str, int]


class Programs:
    def __init__(self, repo: Path, git: Any) -> None:
        self.repo = repo
        self._git = git  # git.Git bound to the bare repository

    @classmethod
    def open(cls, repo: Path) -> "Programs":
        """Raises EvolverecError where git is not installed."""
        try:
            import git
        except ImportError:  # gitpython refuses to import without a git executable
            raise EvolverecError(f"{GIT_MISSING}. Install it: `{GIT_HELP}`") from None
        bare = ensure_store_folder(repo) / "programs.git"
        if not (bare / "HEAD").exists():
            git.Repo.init(bare, bare=True, initial_branch="programs")
        (bare / "info").mkdir(exist_ok=True)
        (bare / "info" / "attributes").write_text(AS_IT_IS, encoding="ascii")
        return cls(repo, _command(bare, repo))

    def snapshot(self) -> Snapshot:
        """The files on disk as a program: tracked or not, uncommitted changes included, ignored ones left out.

        Text is stored as it is (no line-ending conversion). Large files are listed, not stored. The data source
        is no part of a program: it holds the labels; nor are kept probes, which judge it. Raises RepoError where a file cannot be read.
        """
        listed = self._listed_files()
        sizes = {path: (self.repo / path).lstat().st_size for path in listed}
        left_out = {path: size for path, size in sizes.items() if size > LARGE_BYTES}
        keep = [path for path in listed if path not in left_out]
        with tempfile.TemporaryDirectory(prefix="evolverec-index-") as scratch:
            environment = {"GIT_INDEX_FILE": str(Path(scratch) / "index"), "GIT_WORK_TREE": str(self.repo)}
            with self._git.custom_environment(**environment):
                self._add(scratch, keep)
                tree = self._git.write_tree()
        return Snapshot(tree=tree, left_out=left_out)

    def _add(self, scratch: str, paths: list[str]) -> None:
        import git

        names = Path(scratch) / "names"
        names.write_bytes(b"\0".join(os.fsencode(path) for path in paths))
        with names.open("rb") as stream:
            try:
                self._git.execute(["git", "update-index", "--add", "-z", "--stdin"], istream=stream)
            except git.GitCommandError as error:
                raise RepoError(
                    f"the files of {self.repo} cannot be stored as a program: {str(error.stderr).strip()}. "
                    "Make them readable, or name them in .gitignore"
                ) from None

    def _listed_files(self) -> list[str]:
        """Files git would see in the user's repo, without writing its index; every file where it is no git repo."""
        import git

        try:
            user = git.Git(str(self.repo))
            user.update_environment(**HARMLESS)
            text = user.execute(
                ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                strip_newline_in_stdout=False,
            )
            found = [name for name in str(text).split("\0") if name]
        except git.GitCommandError:
            found = [path.relative_to(self.repo).as_posix() for path in self.repo.rglob("*")]
        skipped = {STORE_FOLDER, ".git", "__pycache__"}
        labels = held_out(self.repo, stated_source(self.repo))
        return sorted(
            name
            for name in set(found)
            if not skipped & set(Path(name).parts)
            and not labels.holds(name)
            and not _is_kept_probe(self.repo, name)
            and ((self.repo / name).is_file() or (self.repo / name).is_symlink())
        )

    def with_files(self, tree: str, files: Mapping[str, str]) -> str:
        """The program that `tree` becomes when these files (path -> whole text) are written; its tree hash."""
        with tempfile.TemporaryDirectory(prefix="evolverec-index-") as scratch:
            with self._git.custom_environment(GIT_INDEX_FILE=str(Path(scratch) / "index")):
                self._git.read_tree(tree)
                modes = self._modes(tree)
                for number, (path, text) in enumerate(files.items()):
                    draft = Path(scratch) / f"file-{number}"
                    draft.write_bytes(text.encode("utf-8", "surrogateescape"))
                    blob = self._git.hash_object("-w", "--no-filters", str(draft))
                    self._git.update_index(
                        "--add", "--cacheinfo", f"{modes.get(path, '100644')},{blob},{path}"
                    )
                return self._git.write_tree()

    def check_out(self, tree: str, folder: Path) -> None:
        """Write the program's files into an empty folder."""
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="evolverec-index-") as scratch:
            git = _command(store_folder(self.repo) / "programs.git", folder)
            with git.custom_environment(
                GIT_INDEX_FILE=str(Path(scratch) / "index"), GIT_WORK_TREE=str(folder)
            ):
                git.read_tree(tree)
                git.checkout_index("--all")

    def files(self, tree: str) -> dict[str, str]:
        """path -> blob hash."""
        return {path: blob for path, (_, blob) in self._entries(tree).items()}

    def _modes(self, tree: str) -> dict[str, str]:
        return {path: mode for path, (mode, _) in self._entries(tree).items()}

    def _entries(self, tree: str) -> dict[str, tuple[str, str]]:
        listing = self._git.ls_tree("-r", "-z", tree)
        lines = (line.split("\t", 1) for line in str(listing).split("\0") if line)
        return {path: (meta.split()[0], meta.split()[2]) for meta, path in lines}

    def file_text(self, blob: str) -> str:
        """The text of one stored file, by blob hash. Raises RepoError where it is not stored."""
        import git

        try:
            data = self._git.cat_file("blob", blob, stdout_as_string=False, strip_newline_in_stdout=False)
        except git.GitCommandError:
            raise RepoError(
                f"blob {blob[:12]} is not in {STORE_FOLDER}/programs.git; train again to store it"
            ) from None
        return data.decode("utf-8", "surrogateescape")

    def sources(self, tree: str, patterns: tuple[str, ...] = ("*.py",)) -> dict[str, str]:
        """path -> text of the files that match."""
        return {
            path: self.file_text(blob) for path, blob in self.files(tree).items() if matches(path, patterns)
        }

    def diff(self, before: str, after: str) -> str:
        """Unified diff between two programs, as `git apply` takes it."""
        text = str(
            self._git.execute(
                ["git", "diff", "--no-color", "--no-ext-diff", "--no-textconv", before, after],
                strip_newline_in_stdout=False,
            )
        )
        return text

    def keep(self, tree: str, name: str) -> None:
        """Protect a program from garbage collection by a ref that names it."""
        commit = self._git.commit_tree(tree, "-m", name)
        self._git.update_ref(f"refs/programs/{tree}", commit)


def _is_kept_probe(repo: Path, name: str) -> bool:
    if not name.startswith(f"{PROBES_FOLDER}/"):
        return False
    try:
        with (repo / name).open("rb") as file:
            return file.read(len(PROBE_HEADER)) == PROBE_HEADER.encode()
    except OSError:
        return False  # storing the file says what is wrong with it


def _command(bare: Path, folder: Path) -> Any:
    """git bound to the bare repository, run in `folder`; the user's and the system's configuration are not read."""
    import git

    command = git.Git(str(folder))
    command.update_environment(
        GIT_DIR=str(bare),
        GIT_CONFIG_NOSYSTEM="1",
        GIT_CONFIG_GLOBAL=os.devnull,
        **HARMLESS,
        **IDENTITY,
    )
    return command
