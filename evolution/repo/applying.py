"""Applies a proposal's patch to the user's files or editor buffers: only if the old lines of every edit occur exactly once."""

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from diagnosis.encoding import encoded
from diagnosis.linemap import changes
from evolution.base.drafts import draft_name
from evolution.base.errors import EditError, RepoError
from evolution.domain.edit_paths import check_path
from evolution.domain.edits import BOM, Edit, Seen, apply_edits, seen_in
from evolution.domain.proposal import Proposal
from evolution.repo.files import read_code
from evolution.repo.left_drafts import noted
from seeds.reading import leads_out

ANYTHING = ("*",)  # editable files were checked when the patch was made


@dataclass(frozen=True, kw_only=True)
class LineEdit:
    """Replace lines start_line0 (inclusive, counted from 0) to end_line0 (exclusive) of a file by new_text.

    Lines are those of `text.split("\\n")`; new_text is "" or ends with the file's own line ending.
    creates: the file does not exist yet.
    """

    path: str
    start_line0: int
    end_line0: int
    new_text: str
    creates: bool = False


def changed_files(edits: Sequence[Edit], read: Callable[[str], str | None]) -> dict[str, str]:
    """Maps the path of each edited file to its whole new text. `read` returns a file's text, None if it does not exist.

    Raises EditError if an edit does not fit the current text, or if all edits are applied already.
    """
    paths = sorted({edit.path for edit in edits})
    before = {path: text for path in paths if (text := read(path)) is not None}
    if is_applied(edits, read):
        raise EditError("every line of this patch is already there", path=paths[0])
    try:
        after = apply_edits(before, edits, editable=ANYTHING)
    except EditError as error:
        raise EditError(
            f"the code has changed since this patch was measured, so it is not applied: {error}. Run propose again"
        ) from None
    return {path: after[path] for path in paths}


def is_applied(edits: Sequence[Edit], read: Callable[[str], str | None]) -> bool:
    """Whether the files contain the new lines of every edit and no longer its old lines."""
    return all(_stands(edit, read(edit.path)) for edit in edits)


def check_fit(edits: Sequence[Edit], read: Callable[[str], str | None]) -> None:
    """Raises EditError if the edits do not fit. Faster than `changed_files`, for checking many patches of one long file."""
    places: dict[str, list[tuple[int, int]]] = {}
    for edit in edits:
        text = read(edit.path)
        if not text or not edit.old or edit.old == edit.new:
            break
        if edit.path not in places and "\r" in text:
            break
        found = _occurrences(text, edit.old)
        if len(found) != 1:
            break
        places.setdefault(edit.path, []).append((found[0], found[0] + edit.old.count("\n") + 1))
    else:
        spans = [pair for found in places.values() for pair in itertools.pairwise(sorted(found))]
        if all(one[1] <= other[0] for one, other in spans) and not is_applied(edits, read):
            return
    changed_files(edits, read)  # decides unusual cases, and raises with the reason if an edit does not fit


def _stands(edit: Edit, text: str | None) -> bool:
    if text is None:
        return False
    if edit.old == "":
        return text.replace("\r\n", "\n").removesuffix("\n") == edit.new
    if edit.new == "":
        return not _occurs(text, edit.old)
    return _occurs(text, edit.new) and (not _occurs(text, edit.old) or edit.old in edit.new)


def _occurs(text: str, wanted: str) -> bool:
    return bool(_occurrences(text, wanted))


def _occurrences(text: str, wanted: str) -> list[int]:
    """The line numbers (from 0) at which `wanted`, whole lines joined by "\n", occurs. CRLF counts as "\n"."""
    return _seen(text).find(wanted.replace("\r\n", "\n").removesuffix("\r").split("\n"))


@lru_cache(maxsize=2)
def _seen(text: str) -> Seen:
    """As `seen_in`, with the CRLF conversion cached too: doing it for each edit of a long text is too slow."""
    return seen_in(text.removeprefix(BOM).replace("\r\n", "\n"))


def workspace_edits(proposal: Proposal, read: Callable[[str], str | None]) -> list[LineEdit]:
    """The patch as line edits of the current text, sorted within each file and not overlapping. Raises EditError."""
    found: list[LineEdit] = []
    for path, after in changed_files(proposal.patch.edits, read).items():
        before = read(path)
        if before is None:
            found.append(LineEdit(path=path, start_line0=0, end_line0=0, new_text=after, creates=True))
        else:
            found += _difference(path, before, after)
    return found


def _difference(path: str, before: str, after: str) -> list[LineEdit]:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if any(not line.endswith("\n") for line in old[:-1]):  # exotic line ends: one edit for the whole file
        return [LineEdit(path=path, start_line0=0, end_line0=before.count("\n") + 1, new_text=after)]
    return [
        LineEdit(path=path, start_line0=a, end_line0=b, new_text="".join(new[c:d]))
        for a, b, c, d in changes(old, new)
    ]


def apply_to_files(repo: Path, proposal: Proposal) -> list[str]:
    """Write the patch into the repo's files and return their paths. All edits are checked before any file is written.

    Raises EditError if an edit does not fit, or a file is outside the repo or one that no patch may change.
    """

    def read(path: str) -> str | None:
        try:
            return read_code(repo, path)
        except RepoError as error:
            raise EditError(f"{error.said}; nothing was written", path=path) from None

    for edit in proposal.patch.edits:
        _check_target(repo, edit.path)
    files = changed_files(proposal.patch.edits, read)
    _replace_all(repo, files)
    return sorted(files)


def _check_target(repo: Path, path: str) -> None:
    """Raises EditError if the path, with symbolic links resolved, is outside the repo or must not be edited."""
    if leads_out(repo / path, repo):
        raise EditError("lies outside the repo; nothing was written", path=path)
    repo, target = Path(os.path.realpath(repo)), Path(os.path.realpath(repo / path))
    check_path(target.relative_to(repo).as_posix(), ANYTHING)
    nearest = next(parent for parent in target.parents if parent.exists())
    if not nearest.is_dir():
        where = nearest.relative_to(repo).as_posix()
        raise EditError(f"cannot be made, because {where} is no folder; nothing was written", path=path)


def _replace_all(repo: Path, files: Mapping[str, str]) -> None:
    real = repo.resolve()
    targets = {(real / path).resolve(): encoded(text) for path, text in files.items()}
    drafts = {target: target.with_name(draft_name()) for target in targets}
    with noted(real, drafts) as ready:
        try:
            for target, content in targets.items():
                target.parent.mkdir(parents=True, exist_ok=True)
                _write_draft(drafts[target], content, target)
            ready()
            for target, draft in drafts.items():
                draft.replace(target)
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)


def _write_draft(draft: Path, content: bytes, target: Path) -> None:
    """On the disk: a file of the user is never replaced by an empty one at a power cut."""
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.chmod(target.stat().st_mode & 0o7777 if target.exists() else 0o644)
