"""`evolverec/overview`: a summary of every open repo, for the status item and the welcome view."""

from typing import Any

from diagnosis.findings import Severity
from evolution.base import serial
from evolution.domain.proposal import ProposalState
from evolution.repo.settings import is_trusted
from server.lsp.actions import open_fixes
from server.lsp.lens import summary
from server.lsp.panels.asking import Document
from server.lsp.panels.counting import count
from server.lsp.panels.figures import of_metric
from server.lsp.panels.snapshot import worked_out
from server.lsp.progress import JobProgress
from server.lsp.repo import Repo
from server.lsp.session import Session


async def overview(session: Session, params: Any = None) -> Document:
    """Answer `evolverec/overview`, after waiting for repos whose store is being read for the first time."""
    await session.looked_around.wait()
    repos = [await session.open_repo(root) for root in list(session.repos)]
    return {"repos": [await _state(session, repo) for repo in repos]}


async def _state(session: Session, repo: Repo) -> Document:
    counted = await worked_out(session, repo, count)
    trusted = session.settings.trusted or await session.background.survey(is_trusted, repo.root)
    known, standing = repo.knowledge, counted.standing
    document = {
        "repo": str(repo.root),
        "name": repo.root.name,
        "summary": summary(repo, counted),
        "trusted": trusted,
        "jobs": [
            _job(job.id, session.followed.get(job.id) or JobProgress(kind=job.kind)) for job in known.running
        ],
        "ended": {"job": known.ended.id, "state": known.ended.state.value} if known.ended else None,
        "errors": counted.counts[Severity.ERROR],
        "warnings": counted.counts[Severity.WARNING],
        "informations": counted.counts[Severity.INFORMATION],
        "proposals": len(open_fixes(repo, None)),
        "objective": of_metric(known.trial.objective) if known.trial else None,
        "edited": counted.edited,
        "trouble": repo.trouble,
        "steps": _steps(repo),
        "standing": {
            "stage": standing.stage.value,
            "words": standing.words,
            "uri": session.uri_of(repo, standing.path) if standing.path else "",
            "line": max(0, standing.line - 1),
        },
    }
    return serial.finite(document)


def _steps(repo: Repo) -> Document:
    """Which steps of the walkthrough were taken, whatever way: in the editor, in a terminal, by somebody else's window."""
    known = repo.knowledge
    applied = any(one.state is ProposalState.APPLIED for one in known.proposals)
    return {
        "diagnosed": known.diagnosed is not None,
        "asked": any(feedback.simulations for _, feedback in known.history),
        "taken": applied or bool(repo.taken),
    }


def _job(job: str, progress: JobProgress) -> Document:
    return {"job": job, "kind": progress.kind.value, "label": str(progress), "share": progress.fraction}
