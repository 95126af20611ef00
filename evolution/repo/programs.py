"""Programs: versions of the user's repo, stored in a separate bare git repository, `.evolverec/programs.git`.

A program's id is its git tree hash. The user's git index, branches and files are only read. Commands named in the repo's
git configuration or attributes are never run, because a snapshot is taken before the user has consented to anything.
"""

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from diagnosis.encoding import decoded, encoded, unmarked
from diagnosis.kit import is_kit
from diagnosis.user_probes.reading import LONGEST
from evolution.base.errors import EvolverecError, RepoError
from evolution.base.kept import write_whole
from evolution.base.paths import matches
from evolution.base.places import BASELINE_NAME, PROBE_HEADER, PROBES_FOLDER, STORE_FOLDER, store_folder
from evolution.repo.held_out import held_out, stated_exposed, stated_source
from evolution.repo.listing import HARMLESS, Listed, check_attributes, list_files
from evolution.repo.mending import is_whole, make_whole, mend, remove_objects
from evolution.repo.ownership import ensure_store_folder
from evolution.repo.user_probes import is_user_probe
from evolution.repo.withheld import Copies, known_withheld, note_withheld
from seeds.reading import CODE_BYTES, is_plain, open_plain

if TYPE_CHECKING:  # a language server reads programs, and holds no numpy
    from evolution.repo.copies.lookout import Lookout

T = TypeVar("T")

MENDS = 3  # how often one command is done again after something was mended
LARGE_BYTES = CODE_BYTES
LINK = "120000"  # git's mode of a symbolic link
GIT_MISSING = "git is missing; programs and patches are kept in it, so nothing can be trained"
GIT_HELP = "apt install git"
IDENTITY = {
    "GIT_AUTHOR_NAME": "evolverec",
    "GIT_AUTHOR_EMAIL": "evolverec@localhost",
    "GIT_COMMITTER_NAME": "evolverec",
    "GIT_COMMITTER_EMAIL": "evolverec@localhost",
}
# Overrides every .gitattributes, so that git converts no bytes and runs no filter.
AS_IT_IS = "* -text -eol -ident -filter !working-tree-encoding\n"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """tree: the program's id. left_out: relative path -> why it is not stored, in words that can follow the path: too
    large a file, a submodule that is not checked out."""

    tree: str
    left_out: Mapping[str, str]


class Programs:
    """The stored versions of one repo. A program is named by its git tree hash (40 hex digits)."""

    def __init__(self, repo: Path, git: Any) -> None:
        self.repo = repo
        self._git = git  # git.Git bound to the bare repository

    @classmethod
    def open(cls, repo: Path) -> "Programs":
        """Open `programs.git` of a repo, which is made if it is missing. Raises EvolverecError if git is not installed."""
        try:
            import git
        except ImportError:  # gitpython refuses to import without a git executable
            raise EvolverecError(f"{GIT_MISSING}. Install it: `{GIT_HELP}`") from None
        bare = ensure_store_folder(repo) / "programs.git"
        if os.path.lexists(bare) and not _is_sound(bare):
            bare.rename(bare.with_name(f"programs.damaged-{time.time_ns()}.git"))
        if not is_whole(bare):
            make_whole(bare, lambda folder: git.Repo.init(folder, bare=True, initial_branch="programs"))
        _write_attributes(bare / "info" / "attributes")
        return cls(repo, _command(bare, repo))

    def snapshot(self) -> Snapshot:
        """Store the files on disk as a program: tracked and untracked files, with uncommitted changes.

        Files of submodules are part of it. Left out are files that git ignores, files above LARGE_BYTES, submodules that are
        not checked out and folders below 64 others (these three are listed in the result), the data source and the copies
        of it that a job found, which hold the held-out events, and kept probes, which judge the program. Line endings are not converted. Raises
        RepoError if a file cannot be read.
        """
        listed = self._listed_files()
        sizes = {path: (self.repo / path).lstat().st_size for path in listed.files}
        left_out = {
            path: f"({size / 1e6:.1f} MB) is too large to be part of a program"
            for path, size in sizes.items()
            if size > LARGE_BYTES
        }
        keep = [path for path in listed.files if path not in left_out]
        tree = self._mending(lambda: self._checked(lambda: self._stored(keep)))
        return Snapshot(tree=tree, left_out={**listed.left_out, **left_out})

    def _stored(self, paths: list[str]) -> str:
        """The tree of these files, read back once, so that a program that is named is also there."""
        with tempfile.TemporaryDirectory(prefix="evolverec-index-") as scratch:
            environment = {"GIT_INDEX_FILE": str(Path(scratch) / "index"), "GIT_WORK_TREE": str(self.repo)}
            with self._git.custom_environment(**environment):
                self._add(scratch, paths)
                tree = self._git.write_tree()
        return tree

    def _checked(self, store: Callable[[], str]) -> str:
        """The tree that `store` makes, with every object in it readable: git takes any file in an object's place for it."""
        tree = store()
        if damaged := self._unreadable(tree):
            remove_objects(store_folder(self.repo) / "programs.git", damaged)
            tree = store()
        return tree

    def _unreadable(self, tree: str) -> list[str]:
        blobs = sorted({blob for _, blob in self._entries(tree).values()})
        with tempfile.TemporaryFile() as asked:
            asked.write("\n".join([*blobs, ""]).encode())
            asked.seek(0)
            said = self._git.execute(["git", "cat-file", "--batch-check", "--buffer"], istream=asked)
        return [line.split()[0] for line in str(said).split("\n") if line.endswith(" missing")]

    def _mending(self, do: Callable[[], T]) -> T:
        """What `do` returns; after a failure of git's that could be mended it is done again."""
        import git

        for _ in range(MENDS):
            try:
                return do()
            except git.GitCommandError as error:
                if not mend(store_folder(self.repo) / "programs.git", str(error.stderr)):
                    raise
        return do()

    def find_copies(self, lookout: "Lookout") -> Copies:
        """Look through the files on disk for copies of the log. Later snapshots leave them out, those of a language
        server too; those that `data.exposed` names stay."""
        labels = held_out(self.repo, stated_source(self.repo))
        listed = list_files(self.repo).files
        small = (path for path in listed if not labels.holds(path) and _size(self.repo / path) <= LARGE_BYTES)
        copies = lookout.copies(self.repo, small, stated_exposed(self.repo))
        note_withheld(self.repo, copies.withheld)
        return copies

    def _add(self, scratch: str, paths: list[str]) -> None:
        import git

        check_attributes(self.repo, paths)
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

    def _listed_files(self) -> Listed:
        """What belongs to a program: neither labels nor kept probes."""
        listed = list_files(self.repo)
        labels = held_out(self.repo, stated_source(self.repo), exposed=stated_exposed(self.repo))
        copies = known_withheld(self.repo)
        files = (
            name
            for name in listed.files
            if not labels.holds(name) and name not in copies and not _judges_programs(self.repo, name)
        )
        left_out = {name: why for name, why in listed.left_out.items() if not labels.holds(name)}
        return replace(listed, files=tuple(files), left_out=left_out)

    def with_files(self, tree: str, files: Mapping[str, str]) -> str:
        """Store `tree` with these files (path -> whole text) added or replaced; returns the new tree hash."""
        return self._mending(lambda: self._checked(lambda: self._changed(tree, files)))

    def _changed(self, tree: str, files: Mapping[str, str]) -> str:
        with tempfile.TemporaryDirectory(prefix="evolverec-index-") as scratch:
            with self._git.custom_environment(GIT_INDEX_FILE=str(Path(scratch) / "index")):
                self._git.read_tree(tree)
                modes = self._modes(tree)
                for number, (path, text) in enumerate(files.items()):
                    draft = Path(scratch) / f"file-{number}"
                    draft.write_bytes(encoded(text))
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
        """All files of a program as path -> git blob hash."""
        return {path: blob for path, (_, blob) in self._entries(tree).items()}

    def _modes(self, tree: str) -> dict[str, str]:
        return {path: mode for path, (mode, _) in self._entries(tree).items()}

    def _entries(self, tree: str) -> dict[str, tuple[str, str]]:
        listing = self._git.ls_tree("-r", "-z", tree)
        lines = (line.split("\t", 1) for line in str(listing).split("\0") if line)
        return {path: (meta.split()[0], meta.split()[2]) for meta, path in lines}

    def file_text(self, blob: str) -> str:
        """The text of one stored file, by blob hash (see `diagnosis.encoding`). Raises RepoError if absent."""
        import git

        try:
            data = self._git.cat_file("blob", blob, stdout_as_string=False, strip_newline_in_stdout=False)
        except git.GitCommandError:
            raise RepoError(
                f"blob {blob[:12]} is not in {STORE_FOLDER}/programs.git; train again to store it"
            ) from None
        return decoded(data)

    def sources(self, tree: str, patterns: tuple[str, ...] = ("*.py",)) -> dict[str, str]:
        """path -> text of the files of a program that match a glob pattern (see `base.paths.matches`).

        Links are no sources: a file that one points to stands under its own name. Nor is the adapter's kit.
        """
        return {
            path: self.file_text(blob)
            for path, (mode, blob) in self._entries(tree).items()
            if mode != LINK and matches(path, patterns) and not is_kit(path)
        }

    def diff(self, before: str, after: str) -> str:
        """The unified diff from one program to another, in the form that `git apply` accepts."""
        text = str(
            self._git.execute(
                ["git", "diff", "--no-color", "--no-ext-diff", "--no-textconv", before, after],
                strip_newline_in_stdout=False,
            )
        )
        return text

    def keep(self, tree: str, name: str) -> None:
        """Protect a program from garbage collection by a ref that names it."""

        def name_it() -> None:
            commit = self._git.commit_tree(tree, "-m", name)
            self._git.update_ref(f"refs/programs/{tree}", commit)

        self._mending(name_it)


def _write_attributes(path: Path) -> None:
    """Only where they are not as they should be, because another process may be reading them."""
    if not path.is_file() or path.read_text(encoding="ascii", errors="replace") != AS_IT_IS:
        path.parent.mkdir(exist_ok=True)
        write_whole(path, AS_IT_IS)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _is_sound(bare: Path) -> bool:
    """Whether git can read the bare repository without waiting for a pipe, and without leaving its folder."""
    inner = [bare / name for name in ("objects", "refs", "info")]
    plain = [bare / name for name in ("HEAD", "config")]
    return (
        not any(path.is_symlink() for path in (bare, *inner, *plain))
        and bare.is_dir()
        and all(is_plain(path) for path in plain if os.path.lexists(path))
        and not os.path.lexists(bare / "objects" / "info" / "alternates")
    )


def _judges_programs(repo: Path, name: str) -> bool:
    """Whether a file judges programs, as a kept evolved probe, one that the user wrote or the baseline, and is no part of one."""
    if name == BASELINE_NAME:
        return True
    if not name.startswith(f"{PROBES_FOLDER}/"):
        return False
    try:
        with open_plain(repo / name, inside=repo) as file:
            text = decoded(file.read(LONGEST))
    except OSError:
        return False  # storing the file will fail with a better message
    return text.startswith(PROBE_HEADER) or is_user_probe(name, unmarked(text))


def _command(bare: Path, folder: Path) -> Any:
    """A git command on the bare repository that runs in `folder` and ignores the user's and system's configuration."""
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


def changed_files(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The sorted paths that only one of two programs has or whose content differs. before, after: path -> blob hash."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
