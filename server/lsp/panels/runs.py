"""`evolverec/runs`: the trials of the user's own versions, and the runs of
evolution with the lineage of their nodes.
"""

import time
from typing import Any

from evolution.base import serial
from evolution.domain.run import Node, Run, RunState, best_so_far
from evolution.domain.trial import Trial
from server.lsp.panels.asking import Document, repo_asked_for
from server.lsp.panels.figures import of_metric
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.shown.edited import Read, is_edited
from server.shown.wording import ago, spent_words


async def runs(session: Session, params: Any = None) -> Document:
    """Answer `evolverec/runs`."""
    repo = await repo_asked_for(session, params)
    stored = await session.background.store(_read, repo, session.reader(repo))
    working = {job.id for job in repo.knowledge.running}
    document = {
        "repo": str(repo.root),
        "trials": [_trial(trial) for trial in repo.knowledge.trials],
        "runs": [_run(run, working=run.job in working, same_files=same) for run, same in stored],
    }
    return serial.finite(document)


def _read(repo: Repo, read: Read) -> list[tuple[Run, bool]]:
    """Runs, newest first, each with whether the files are still those it started from. Runs on the store thread."""
    store = repo.existing_store()
    if store is None:
        return []
    return [(run, _starts_here(repo, run, read)) for run in store.runs()]


def _starts_here(repo: Repo, run: Run, read: Read) -> bool:
    files = repo.files_of(run.terms.root)
    return bool(files) and not is_edited(files, read, repo.knowledge.sources)


def _trial(trial: Trial) -> Document:
    return {
        "id": trial.id,
        "when": ago(time.time() - trial.ended_at),
        "at": trial.created_at,
        "objective": of_metric(trial.objective),
        "status": trial.status.value,
        "seconds": trial.wall_s,
    }


def _run(run: Run, *, working: bool, same_files: bool) -> Document:
    state = run.state
    if state is RunState.RUNNING and not working:  # its job was killed
        state = RunState.STOPPED
    best = run.best
    return {
        "id": run.id,
        "strategy": run.terms.strategy,
        "proposer": run.terms.proposer,
        "model": run.terms.model,
        "state": state.value,
        "when": ago(time.time() - run.created_at),
        "at": run.created_at,
        "cost": spent_words(run.spent, run.limits),
        "best": of_metric(best.objective) if best else None,
        "job": run.job if working else "",
        "resumable": state is RunState.STOPPED and same_files,
        "bestSoFar": best_so_far(run),
        "nodes": [_node(run, node) for node in run.nodes],
    }


def _node(run: Run, node: Node) -> Document:
    return {
        "order": node.order,
        "parent": _parent(run, node),
        "title": node.idea.title if node.idea else "your version",
        "status": node.status.value,
        "objective": of_metric(node.objective),
        "verified": node.verified.value,
        "why": node.why,
        "proposal": node.proposal,
        "trial": node.trial,
        "byLlm": node.idea is not None and node.idea.by_llm,
    }


def _parent(run: Run, node: Node) -> int:
    """The order of the parent program's first node; -1 for the user's own version."""
    orders = (other.order for other in run.nodes if node.parent and other.program == node.parent)
    return next(orders, -1)
