"""Patches of which the user has taken some hunks: the hunks that are left, and each hunk's place in the current text.

Pure.

A hunk is one edit of a patch. A hunk counts as taken only if this session has applied it or has seen the whole patch
in the text, and only while its new lines are in the text; equal lines alone may have another origin.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace

from evolution.base.errors import EditError
from evolution.domain.edits import Edit, find_lines
from evolution.domain.proposal import Proposal
from evolution.repo.applying import changed_files, is_applied
from server.shown.edited import Read

UNCLEAR = (
    "some hunks of this patch were applied, and the text does not show which; "
    "undo them, or apply the other hunks one by one"
)
Taken = Set[tuple[str, str, int]]  # proposal, path, index of the hunk in its file


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """A hunk at the lines start to end (from 0, end exclusive) of the current text.

    old, new: whole lines, each with its line feed, without the lines that both share at their start and end
    unfit: why the hunk cannot be taken, "" if it can be or already was
    """

    start: int
    end: int
    old: str
    new: str
    taken: bool
    unfit: str


def edits_of(proposal: Proposal, path: str) -> list[Edit]:
    """The patch's edits of one file, in the order that hunk indices refer to."""
    return [edit for edit in proposal.patch.edits if edit.path == path]


def paths_of(proposal: Proposal) -> list[str]:
    """The paths that the patch changes, in the order of its edits."""
    return list(dict.fromkeys(edit.path for edit in proposal.patch.edits))


def all_hunks(proposal: Proposal) -> Taken:
    """Every hunk of the patch as (proposal, path, index)."""
    return {
        (proposal.id, path, index)
        for path in paths_of(proposal)
        for index in range(len(edits_of(proposal, path)))
    }


def with_edits(proposal: Proposal, edits: list[Edit]) -> Proposal:
    """The proposal with its patch's edits replaced."""
    return replace(proposal, patch=replace(proposal.patch, edits=tuple(edits)))


def rest_of(proposal: Proposal, taken: Taken, read: Read) -> Proposal:
    """The proposal without the hunks that were taken; the whole proposal if all or none were.

    Raises EditError if hunks were taken and the text does not tell which.
    """
    marked = list(_edits(proposal, taken, read))
    if not any(has for _, has in marked):
        return proposal
    lost = [edit for edit in _recorded(proposal, taken) if (edit, True) not in marked]
    tangled = any(_tangled(edit, other) for edit in proposal.patch.edits for other in proposal.patch.edits)
    if tangled or not all(_surely_undone(edit, read(edit.path)) for edit in lost):
        raise EditError(UNCLEAR)
    edits = [edit for edit, has in marked if not has]
    return with_edits(proposal, edits) if edits else proposal


def _recorded(proposal: Proposal, taken: Taken) -> list[Edit]:
    return [
        edit
        for path in paths_of(proposal)
        for index, edit in enumerate(edits_of(proposal, path))
        if (proposal.id, path, index) in taken
    ]


def _surely_undone(edit: Edit, text: str | None) -> bool:
    """True if none of the hunk's new lines are in the text.

    Old lines alone prove nothing: another hunk may have produced them.
    """
    lines = (text or "").replace("\r\n", "\n")
    return bool(edit.new) and f"\n{edit.new}\n" not in f"\n{lines}\n"


def _tangled(edit: Edit, other: Edit) -> bool:
    """Whether a hunk's lines also occur in another hunk, so that the text does
    not tell which of the two was taken.
    """
    if edit is other or edit.path != other.path:
        return False
    pairs = ((edit.old, other.new), (edit.new, other.new), (edit.new, other.old))
    return any(f"\n{part}\n" in f"\n{whole}\n" for part, whole in pairs if part)


def check_taking(edits: list[Edit], read: Read) -> None:
    """Raises EditError if the edits do not fit, or if the text would not show afterwards that they were taken."""
    after = changed_files(edits, read)
    if not all(is_applied([edit], after.get) for edit in edits):
        raise EditError("the text would not show that these hunks were applied; apply the whole patch")


def misfit(proposal: Proposal, taken: Taken, read: Read) -> str:
    """Why the patch's remaining edits do not fit the text, "" if they fit or all of the patch is in the text."""
    if is_applied(proposal.patch.edits, read):
        return ""
    try:
        changed_files(rest_of(proposal, taken, read).patch.edits, read)
    except EditError as error:
        return str(error)
    return ""


def hunks_of(proposal: Proposal, path: str, taken: Taken, read: Read) -> list[Hunk]:
    """The hunks of one file in the current text, by index."""
    whole = is_applied(proposal.patch.edits, read)
    text, edits = read(path), edits_of(proposal, path)
    try:
        left = set(rest_of(proposal, taken, read).patch.edits)
    except EditError as error:
        found = [_hunk(text, edit, taken=whole) for edit in edits]
        return [
            replace(hunk, unfit=str(error)) if (proposal.id, path, index) in taken and not whole else hunk
            for index, hunk in enumerate(found)
        ]
    marks = ((proposal.id, path, index) in taken and edit not in left for index, edit in enumerate(edits))
    return [_hunk(text, edit, taken=whole or mark) for edit, mark in zip(edits, marks, strict=True)]


def _edits(proposal: Proposal, taken: Taken, read: Read) -> Iterator[tuple[Edit, bool]]:
    """Each edit, and whether it was taken and is in the text."""
    for path in paths_of(proposal):
        for index, edit in enumerate(edits_of(proposal, path)):
            yield edit, (proposal.id, path, index) in taken and is_applied([edit], read)


def _hunk(text: str | None, edit: Edit, *, taken: bool) -> Hunk:
    old, new = _lines(edit.old), _lines(edit.new)
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    shown = new if taken else old
    start, unfit = 0, ""
    try:
        start = find_lines(text or "", edit.path, "".join(shown).removesuffix("\n"))
    except EditError as error:
        start, unfit = max(0, error.line - 1), "" if taken else str(error)
    return Hunk(
        start=start + head,
        end=start + len(shown) - tail,
        old="".join(old[head : len(old) - tail]),
        new="".join(new[head : len(new) - tail]),
        taken=taken,
        unfit=unfit,
    )


def _lines(text: str) -> list[str]:
    return [line + "\n" for line in text.split("\n")] if text else []


def _shared(one: list[str], other: list[str]) -> int:
    """The number of leading lines that are equal in both."""
    pairs = enumerate(zip(one, other))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
