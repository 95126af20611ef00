"""`evolverec/users`: the simulated users of the newest trial, their critiques, and each one's page and words."""

from typing import Any

from evolution.base import serial
from evolution.domain.feedback import Feedback
from server.lsp.panels.asking import Document, repo_asked_for
from server.lsp.panels.figures import figure
from server.lsp.panels.snapshot import RepoSnapshot, places, snapshot
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.shown.notes import of_critique
from server.shown.rows import row
from simulator.critiques import Critique, Simulation
from simulator.shown import Shown


async def users(session: Session, params: Any = None) -> Document:
    """Answer `evolverec/users` with one group per kind of simulated users."""
    repo = await repo_asked_for(session, params)
    seen = snapshot(session, repo)
    feedback = seen.knowledge.diagnosed[1] if seen.knowledge.diagnosed else None
    if feedback is None:
        return {"repo": str(repo.root), "trial": "", "groups": []}
    shown = await session.background.store(
        _stored, repo, feedback.trial, [found.kind for found in feedback.simulations]
    )
    groups = await session.background.survey(
        lambda: [
            _group(seen, feedback, simulation, shown[simulation.kind]) for simulation in feedback.simulations
        ]
    )
    return {"repo": str(repo.root), "trial": feedback.trial, "groups": groups}


def _stored(repo: Repo, trial: str, kinds: list[str]) -> dict[str, list[Shown]]:
    store = repo.existing_store()
    return {kind: store.personas(trial, kind) if store else [] for kind in kinds}


def _group(seen: RepoSnapshot, feedback: Feedback, simulation: Simulation, shown: list[Shown]) -> Document:
    fidelity, interpretation = simulation.fidelity, simulation.interpretation
    document = {
        "kind": simulation.kind,
        "model": simulation.model,
        "asked": simulation.asked,
        "failed": simulation.failed,
        "fidelity": figure(fidelity.auc, fidelity.low, fidelity.high, "AUC"),
        "noVote": simulation.no_vote,
        "silent": [one.line for one in simulation.silent],
        "status": interpretation.status.value if interpretation else "",
        "because": interpretation.because if interpretation else "",
        "critiques": [
            _critique(seen, feedback, critique)
            for critique in simulation.critiques
            if critique.id not in seen.knowledge.dismissed
        ],
        "personas": [serial.plain(user) for user in shown],
    }
    return serial.finite(document)


def _critique(seen: RepoSnapshot, feedback: Feedback, critique: Critique) -> Document:
    return {
        "id": critique.id,
        "code": critique.code,
        "positive": critique.positive,
        "message": critique.message,
        "share": figure(critique.share, critique.low, critique.high, "share of users"),
        "row": row(of_critique(critique, ()).finding),
        "quotes": [serial.plain(quote) for quote in critique.quotes],
        "backing": feedback.bearing_on(critique),
        "places": places(seen, feedback.critique_anchors.get(critique.id, ())),
    }
