"""Makes the JSON documents of evolution runs. Users' scripts read them, so keys must stay."""

from typing import Any

from evolution.base import serial
from evolution.domain.run import Node, Run
from evolution.store.documents import corrected_document


def run_document(run: Run) -> dict[str, Any]:
    """The document of `evolve`: terms, limits, spending and all nodes of a run; proposals lists ids of verified ones."""
    best = run.best
    return {
        "run": run.id,
        "strategy": run.terms.strategy,
        "proposer": run.terms.proposer,
        "model": run.terms.model or None,
        "seed": run.terms.seed,
        "gate": run.terms.gate,
        "state": run.state.value,
        "root": run.terms.root,
        "limits": dict(run.limits),
        "spent": dict(run.spent),
        "probes": dict(run.probes),
        "notes": list(run.notes),
        "best": node_document(best) if best is not None else None,
        "nodes": [node_document(node) for node in run.nodes],
        "proposals": [node.proposal for node in run.nodes if node.verified.value != "no"],
    }


def node_document(node: Node) -> dict[str, Any]:
    """One version of a run. Keys about the idea are null or empty for the root, which is the user's version."""
    idea = node.idea
    return serial.finite(
        {
            "order": node.order,
            "generation": node.generation,
            "program": node.program or None,
            "parent": node.parent or None,
            "trial": node.trial or None,
            "status": node.status.value,
            "title": idea.title if idea else "your version",
            "idea": idea.code if idea else None,
            "proposer": idea.proposer if idea else None,
            "addresses": list(idea.addresses) if idea else [],
            "rests_on": list(idea.rests_on) if idea else [],
            "objective": serial.plain(node.objective) if node.objective else None,
            "seeds": node.seeds if node.objective else 0,
            "corrected": corrected_document(node.corrected),
            "verified": False if node.verified.value == "no" else node.verified.value,
            "proposal": node.proposal or None,
            "findings": list(node.findings) if node.findings is not None else None,
            "critiques": list(node.critiques) if node.critiques is not None else None,
            "moved": [{**serial.plain(moved), "words": moved.words} for moved in node.moved],
            "why": node.why or None,
            "rounds": list(node.rounds),
            "spent": dict(node.spent),
        }
    )
