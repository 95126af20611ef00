"""Code lenses over the entry function: the last trial's figures, the running jobs, and commands to start."""

import time

from lsprotocol import types

from diagnosis.findings import Severity
from evolution.base.amounts import count
from evolution.store.remarks import checkpoint_of
from server.lsp.actions import open_fixes
from server.lsp.positions import code_range
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.lsp.view import FileView
from server.shown.wording import ago, proposal_title, spread

SHOWN_METRIC = "NDCG@10"


async def code_lenses(session: Session, params: types.CodeLensParams) -> list[types.CodeLens]:
    """Answer textDocument/codeLens with the lenses over the entry function; [] for a file without it."""
    seen = await session.view(params.text_document.uri)
    if seen is None or seen[1].entry_line is None:
        return []
    repo, view = seen
    line = view.entry_line or 0
    span = code_range(view.lines, line, line, session.client.encoding)
    return [types.CodeLens(range=span, command=command) for command in _commands(session, repo, view)]


def _commands(session: Session, repo: Repo, view: FileView) -> list[types.Command]:
    place = {"repo": str(repo.root)}
    found = [
        types.Command(title=summary(repo, edited=view.edited), command="evolverec.status", arguments=[place])
    ]
    running = session.jobs_of(repo)
    for job, progress in running:
        found.append(types.Command(title=progress, command="evolverec.status", arguments=[place]))
        found.append(
            types.Command(title="Cancel", command="evolverec.cancel", arguments=[{**place, "job": job}])
        )
    if not running:
        starts = {
            "Train": "train",
            "Diagnose": "diagnose",
            "Ask users": "askUsers",
            "Propose": "propose",
            "Evolve": "evolve",
        }
        found += [
            types.Command(title=title, command=f"evolverec.{name}", arguments=[place])
            for title, name in starts.items()
        ]
    for best in open_fixes(repo, None)[:1]:
        arguments = [{**place, "proposal": best.id}]
        found.append(
            types.Command(
                title=f"Apply {proposal_title(best)}", command="evolverec.apply", arguments=arguments
            )
        )
    return found


def summary(repo: Repo, *, edited: bool) -> str:
    """The last trial in a line: `NDCG@10 .142 ± .004, 12 min ago, 3 findings`.

    edited: the code has changed since that trial, which the line then says
    """
    known = repo.knowledge
    trial = known.trial
    if trial is None:
        return "evolverec: not trained yet"
    name = SHOWN_METRIC if SHOWN_METRIC in trial.metrics else next(iter(trial.metrics), "")
    figure = f"{name} {spread(trial.metrics[name])}" if name else "no metrics"
    age = ago(time.time() - trial.created_at)
    findings = [note for note in known.notes if note.severity is not Severity.INFORMATION]
    checkpoint = checkpoint_of(trial)
    parts = [
        *([f"checkpoint {checkpoint}"] if checkpoint else []),
        figure,
        age,
        *(["measured on an earlier version"] if edited else []),
        count(len(findings), "finding"),
    ]
    return ", ".join(parts)
