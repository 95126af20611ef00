"""Commits a proposal's patch to a new branch of the user's git; index, working tree and current branch stay as they are."""

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from diagnosis.encoding import decoded, encoded
from evolution.base.amounts import listed, number, signed
from evolution.base.errors import EditError, RepoError, UsageError
from evolution.domain.proposal import Proposal, Verified
from evolution.repo.applying import changed_files
from evolution.repo.files import read_code
from evolution.repo.listing import HARMLESS

if TYPE_CHECKING:
    from git import Repo

Read = Callable[[str], str | None]  # the text of a path, None where there is no file


def commit_to_branch(repo: Path, proposal: Proposal, branch: str) -> list[str]:
    """Commit the patch on top of HEAD without touching the index, the working tree or the current branch.

    Returns the changed paths. Raises UsageError: git takes no such name, or has it. RepoError: no git repo with a commit, or git
    made none. EditError: the patch does not fit the last commit.
    """
    import git

    try:
        user = git.Repo(repo, search_parent_directories=True)
        head = user.head.commit
    except (git.InvalidGitRepositoryError, git.NoSuchPathError, ValueError):
        raise RepoError(
            f"{repo} is no git repo with a commit, on which a branch could begin; commit first, or apply to the files instead"
        ) from None
    try:
        user.git.check_ref_format("--branch", branch)
    except git.GitCommandError:
        raise UsageError(f"{branch!r} is no name that git takes for a branch; choose another") from None
    if branch in {ref.name for ref in user.branches}:
        raise UsageError(f"branch {branch!r} exists already; choose another name")
    prefix = repo.relative_to(Path(user.working_tree_dir or repo).resolve()).as_posix()
    base = "" if prefix == "." else prefix + "/"

    def read(path: str) -> str | None:
        try:
            blob = head.tree / (base + path)
        except KeyError:
            return None
        return decoded(blob.data_stream.read())

    files = _changed_in_commit(repo, proposal, read)
    texts = {base + path: text for path, text in sorted(files.items())}
    modes = {
        path: f"{(head.tree / path).mode:o}" for path in texts if read(path.removeprefix(base)) is not None
    }
    try:
        _commit(user, head.hexsha, texts, modes, commit_message(proposal), branch)
    except git.GitCommandError as error:
        raise RepoError(_no_commit(str(error.stderr))) from None
    return list(texts)


def _commit(
    user: "Repo", head: str, texts: Mapping[str, str], modes: Mapping[str, str], message: str, branch: str
) -> None:
    """Commit files by an index of our own; no hook of the repo is run. modes: of the files that the commit `head` has.

    Raises GitCommandError.
    """
    with tempfile.TemporaryDirectory(prefix="evolverec-index-") as scratch:
        with user.git.custom_environment(GIT_INDEX_FILE=str(Path(scratch) / "index"), **HARMLESS):
            user.git.read_tree(head)
            for number, (path, text) in enumerate(texts.items()):
                draft = Path(scratch) / f"file-{number}"
                draft.write_bytes(encoded(text))
                blob = user.git.hash_object("-w", "--no-filters", str(draft))
                mode = modes.get(path, "100644")
                user.git.update_index("--add", "--cacheinfo", f"{mode},{blob},{path}")
            tree = user.git.write_tree()
            told = Path(scratch) / "message"
            told.write_text(message, encoding="utf-8")
            commit = user.git.commit_tree(tree, "-p", head, "-F", str(told))
            user.git.update_ref(f"refs/heads/{branch}", commit, "0" * 40)


def _changed_in_commit(repo: Path, proposal: Proposal, committed: Read) -> dict[str, str]:
    """As `changed_files` of the last commit. Raises EditError, and RepoError where only what is committed is the matter."""
    try:
        return changed_files(proposal.patch.edits, committed)
    except EditError:
        paths = sorted({edit.path for edit in proposal.patch.edits})
        apart = [path for path in paths if committed(path) != read_code(repo, path)]
        if not apart:
            raise
        changed_files(
            proposal.patch.edits, lambda path: read_code(repo, path)
        )  # where that fails, it says why
        raise RepoError(
            f"the last commit has another {listed(apart)} than the disk, on which this patch was measured, and a new "
            "branch begins at the last commit. Commit first, or apply to the files instead"
        ) from None


def _no_commit(said: str) -> str:
    """Why git made no commit. said: its stderr."""
    if "user.email" in said or "user.name" in said or "identity" in said:
        return (
            "git does not know who commits, so no branch was made; run `git config user.name NAME` and "
            "`git config user.email ADDRESS` in the repo, or apply to the files instead"
        )
    lines = said.strip().strip("'").splitlines()
    return f"git made no commit, so no branch was made: {lines[-1].strip() if lines else 'it said nothing'}"


def _unverified(proposal: Proposal) -> str:
    if proposal.verified is not Verified.NO:
        return ""
    return f"Not verified: {proposal.why_not or 'its trials prove neither a gain nor a repair'}."


def commit_message(proposal: Proposal) -> str:
    """The commit message: the idea, its rationale, and the measured figures with their intervals."""
    lines = [proposal.idea.title, "", proposal.idea.rationale]
    lines += [text for text in (str(proposal.details.get("compared", "")), _unverified(proposal)) if text] + [
        ""
    ]
    for effect in [proposal.effect, *proposal.effects.values()]:
        if effect is not None:
            change = (
                f"{signed(effect.after - effect.before)}, 95 % [{signed(effect.low)}, {signed(effect.high)}]"
            )
            lines.append(
                f"{effect.metric}: {number(effect.before)} -> {number(effect.after)} ({change}), validation"
            )
    if proposal.corrected is not None:
        left = proposal.corrected
        lines.append(
            f"corrected for {left.candidates} candidates: {signed(left.change)}, 95 % [{signed(left.low)}, {signed(left.high)}]"
        )
    if proposal.idea.rests_on:
        lines += ["", "Rests on: " + "; ".join(proposal.idea.rests_on)]
    lines += ["", f"evolverec proposal {proposal.id}, trials {', '.join(proposal.trials)}"]
    return os.linesep.join(lines) + os.linesep
