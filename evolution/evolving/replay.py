"""Compares a replayed run with the stored one. A replay uses stored results only: no network, no training."""

from typing import Any

from evolution.domain.run import Run, decisions


def replay_document(stored: Run, again: Run, ended: str = "") -> dict[str, Any]:
    """Whether the replay came to the same nodes, and where the two first differ.

    ended: what was missing from the store, if that ended the replay.
    """
    before, after = decisions(stored), decisions(again)[: len(stored.nodes)]
    difference = next(
        (
            {"order": order, "stored": _at(before, order), "again": _at(after, order)}
            for order in range(max(len(before), len(after)))
            if _at(before, order) != _at(after, order)
        ),
        None,
    )
    return {
        "run": stored.id,
        "same": difference is None,
        "nodes": len(after),
        "first_difference": difference,
        "ended": ended or None,
        "spent": dict(again.spent),
    }


def _at(nodes: list[dict[str, Any]], order: int) -> dict[str, Any] | None:
    return nodes[order] if order < len(nodes) else None
