"""Patches that change nothing, by an LLM over HTTP: back to the debugger, no evidence."""

import pytest

from evolution.domain.job import JobState
from evolution.domain.run import NodeStatus, candidates
from evolution.store.store import Store
from tests.evolution.evolving.colleague import RETURNED, coded, colleague, debugged, edit, idea_in
from tests.evolution.evolving.truth import untrue

pytestmark = [pytest.mark.training, pytest.mark.process, pytest.mark.timeout(1000)]
VOID = "        return 1.0 * positive_loss + 1.0 * negative_loss"
FIRST, SECOND = "full-cross-entropy", "misspelt-loss"
SAME_DIM = [edit("    dim: int = 50", "    dim: int = 100 // 2")]


def nothing_at_first(request):
    """Patches that run, are live, and change no bit."""
    said = coded(request)
    edits = {FIRST: [edit(RETURNED, VOID)], SECOND: SAME_DIM}
    return {**said, "edits": edits.get(idea_in(request), said["edits"])}


def mended(request):
    """The first idea is mended once it is told, the second is given up."""
    if "## What failed: no effect" not in request.text:
        return debugged(request)
    better = [edit(VOID, "        return 1.2 * positive_loss + negative_loss")]
    return {
        "cause": "A factor of 1.",
        "edits": better if idea_in(request) == FIRST else [],
        "patch": "",
    }


def test_a_void_patch_goes_to_the_debugger_and_is_no_evidence(grounds, with_llm):
    server = with_llm(colleague(code=nothing_at_first, debug=mended))
    ended = grounds.finish(grounds.start(trials=4, strategy="research"), timeout_s=900)
    assert ended.state is JobState.DONE, ended.error
    run = grounds.run()
    nodes = {node.idea.code: node for node in run.nodes if node.idea}
    told = [request.text for request in server.requests if "## What failed: no effect" in request.text]
    assert len(told) == 2 and "to the bit, in losses and in scores" in told[0]
    first = nodes[FIRST]
    assert first.status not in (NodeStatus.VOID, NodeStatus.NOT_MADE) and first.trial
    assert any("no effect" in words for words in first.rounds)
    void = nodes[SECOND]
    assert void.status is NodeStatus.VOID and "to the bit" in void.why and not void.proposal
    assert void not in candidates(run)
    with Store.open(grounds.repo) as store:
        assert len(store.trial(void.trial).epochs) == 2
        assert [said for request in server.requests for said in untrue(request, run, store)] == []
