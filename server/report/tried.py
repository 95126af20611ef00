"""The patches tried on one version of the user's code, as rows: a run's nodes, or proposals without a run. Pure.

A row is a run's node (evolution/store/run_document.py) with `parent_order` (-1 for none), `effect` against the user's
version (null if not fully measured) and the number of `seeds` that it was trained with.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from evolution.domain.proposal import Proposal
from evolution.domain.run import Node, NodeStatus, Run
from evolution.domain.trial import Trial, TrialStatus
from evolution.store.documents import corrected_document, proposal_document
from evolution.store.run_document import node_document

STATUS = {
    TrialStatus.COMPLETE: NodeStatus.COMPLETE,
    TrialStatus.PRUNED: NodeStatus.PRUNED,
    TrialStatus.FAILED: NodeStatus.FAILED,
}


def rows_of_run(run: Run, proposals: Mapping[str, Proposal]) -> list[dict[str, Any]]:
    """Rows in the run's order, the user's version first. proposals: by id."""
    orders: dict[str, int] = {}
    rows = []
    for node in run.nodes:
        rows.append(_row(node, orders.get(node.parent, -1), proposals.get(node.proposal)))
        if node.program:
            orders.setdefault(node.program, node.order)
    return rows


def rows_of_proposals(
    version: Trial, proposals: Sequence[Proposal], trials: Mapping[str, Trial]
) -> list[dict[str, Any]]:
    """Rows in the order of training, below the user's version. trials: by id, those of the proposals."""
    known = [(trials[p.trials[0]], p) for p in proposals if p.trials and p.trials[0] in trials]
    in_order = sorted(known, key=lambda pair: (pair[0].created_at, pair[1].id))
    rows = [_row(_node(0, version, None), -1, None)]
    rows += [_row(_node(order, *pair), 0, pair[1]) for order, pair in enumerate(in_order, start=1)]
    return rows


def _node(order: int, trial: Trial, proposal: Proposal | None) -> Node:
    return Node(
        order=order,
        generation=min(order, 1),
        program=trial.key.program,
        parent=proposal.parent if proposal else "",
        trial=trial.id,
        status=STATUS.get(trial.status, NodeStatus.NOT_MADE),
        idea=proposal.idea if proposal else None,
        objective=trial.objective if trial.status is TrialStatus.COMPLETE else None,
        proposal=proposal.id if proposal else "",
        **({"verified": proposal.verified, "why": proposal.why_not} if proposal else {}),
    )


def _row(node: Node, parent_order: int, proposal: Proposal | None) -> dict[str, Any]:
    return {
        **node_document(node),
        "parent_order": parent_order,
        "effect": proposal_document(proposal)["effect"] if proposal else None,
        "corrected": corrected_document(proposal.corrected if proposal else None),
        "seeds": len(proposal.trials) if proposal else int(bool(node.trial)),
    }
