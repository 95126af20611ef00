"""An immutable copy of the user's view of a repo at one moment, for work on another thread."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pygls.uris import from_fs_path

from diagnosis.findings import Anchor, Role
from server.lsp.marks import placer_of
from server.lsp.panels.asking import Document
from server.lsp.repo import Repo
from server.lsp.rules import Live
from server.lsp.session import Session
from server.lsp.taking import Taken
from server.shown.edited import Read
from server.shown.knowledge import Knowledge

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RepoSnapshot:
    """A repo at one moment.

    open: relative path -> the client's own URI of each open file
    taken: hunks that the user has taken
    rules: path -> the static rules' last hits in a long file
    disk_changes: how often files have changed outside of the editor, or were saved
    """

    root: Path
    knowledge: Knowledge
    open: Mapping[str, str]
    read: Read
    taken: Taken
    rules: Mapping[str, Live]
    disk_changes: int

    def uri(self, path: str) -> str:
        """The client's own URI of an open file, else a URI made from the path."""
        return self.open.get(path) or from_fs_path(str(self.root / path)) or ""


def snapshot(session: Session, repo: Repo) -> RepoSnapshot:
    """Copy the session's current view of the repo. Must be called on the event loop."""
    return RepoSnapshot(
        root=repo.root,
        knowledge=repo.knowledge,
        open=session.open_documents(repo),
        read=session.reader(repo),
        taken=frozenset(repo.taken),
        rules={
            path: session.rules[uri]
            for path, uri in session.open_documents(repo).items()
            if uri in session.rules
        },
        disk_changes=repo.disk_changes,
    )


async def worked_out(session: Session, repo: Repo, work: Callable[[RepoSnapshot], T]) -> T:
    """The result of work(snapshot), computed on a background thread and cached
    until something in the repo changes.
    """
    state = repo.state()
    known = repo.worked_out.get(work)
    if known and known[0] == state:
        return known[1]
    result = await session.background.survey(work, snapshot(session, repo))
    repo.worked_out[work] = (state, result)
    return result


def places(seen: RepoSnapshot, anchors: Iterable[Anchor]) -> list[Document]:
    """The current places of anchors; anchors whose code is gone are left out."""
    found = []
    for anchor in anchors:
        text = seen.read(anchor.path)
        placed = placer_of(text).place(anchor, seen.knowledge.sources) if text is not None else None
        if placed is not None:
            found.append(as_place(seen, anchor.path, placed[0], placed[1], anchor.role))
    return found


def as_place(seen: RepoSnapshot, path: str, line: int, end: int, role: Role) -> Document:
    """A place as the views' JSON; lines from 0."""
    return {"uri": seen.uri(path), "path": path, "line": line, "endLine": end, "role": role_name(role)}


def role_name(role: Role) -> str:
    """A role in words, such as "item table"."""
    return role.value.replace("_", " ")
