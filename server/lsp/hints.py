"""Inlay hints: the objective of the last trial on the model's class. Off until the user's settings switch them on."""

import time

from lsprotocol import types

from diagnosis.findings import Role
from server.lsp.model_class import find_model, measured_texts
from server.lsp.positions import columns
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.lsp.view import FileView, find_entry
from server.shown.edited import Read
from server.shown.wording import ago, spread


async def inlay_hints(session: Session, params: types.InlayHintParams) -> list[types.InlayHint] | None:
    """Answer textDocument/inlayHint with the last trial's objective on the
    model's class; None while hints are off.
    """
    if not session.settings.inlay_hints:
        return None
    seen = await session.view(params.text_document.uri)
    if seen is None:
        return []
    repo, view = seen
    line = await session.background.think(_model_line, repo, view, session.reader(repo))
    first, last = params.range.start.line, params.range.end.line
    if line is None or not first <= line <= last:
        return []
    return [_hint(session, repo, view, line)]


def _model_line(repo: Repo, view: FileView, read: Read) -> int | None:
    """The line of the model's class in this file; None if the class is elsewhere or there is no measured trial."""
    known = repo.knowledge
    if known.trial is None or known.trial.objective is None:
        return None
    diagnosed = [known.diagnosed] if known.diagnosed else []
    said = next(
        (feedback for trial, feedback in (*diagnosed, *known.history) if trial.id == known.trial.id), None
    )
    sites = [site for site in said.sites if site.role is Role.ITEM_TABLE] if said else []
    measured = measured_texts(known.program_files, known.sources, read, {site.path for site in sites})
    entry = find_entry(read(known.entry.path) or "", known.entry.function) if known.entry.path else None
    found = find_model(repo.root, (known.entry.path, entry), sites, measured, read)
    return found[1] if found and found[0] == view.path else None


def _hint(session: Session, repo: Repo, view: FileView, line: int) -> types.InlayHint:
    trial = repo.knowledge.trial
    assert trial and trial.objective
    earlier = " (earlier version)" if view.edited else ""
    width = columns(view.lines[line].rstrip(), session.client.encoding)
    return types.InlayHint(
        position=types.Position(line=line, character=width),
        label=f"objective {spread(trial.objective)}{earlier}",
        padding_left=True,
        tooltip=f"Validation, full ranking, measured {ago(time.time() - trial.ended_at)}; "
        "± is half the 95 % interval over users.",
    )
