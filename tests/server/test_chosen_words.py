"""A gain that was the best of several is told with what is left of it, wherever a gain is told."""

import re
from dataclasses import replace

import pytest

from evolution.domain.proposal import Corrected, Effect, Idea, Patch, Proposal, Verified
from evolution.repo.branches import commit_message
from evolution.store.documents import proposal_document
from server.cli.render import gain_words
from server.lsp.panels.figures import of_effect
from server.report.pages import chosen
from server.shown.wording import proposal_title

EFFECT = Effect(metric="0.6*HR@5 + 0.4*NDCG@5", before=0.2, after=0.218, low=0.004, high=0.03)
LEFT = Corrected(candidates=14, change=0.012, low=0.002, high=0.03, p=0.01, rivals=("t2",))
ALONE = Proposal(
    id="p1",
    idea=Idea(
        code="gbce", title="Train with gBCE", rationale="", addresses=(), rests_on=(), proposer="recipe"
    ),
    patch=Patch(base="a", edits=()),
    parent="a",
    child="b",
    trials=("t1",),
    verified=Verified.GAIN,
    effect=EFFECT,
)
AMONG = replace(ALONE, corrected=LEFT)


def test_a_title_tells_the_gain_and_what_is_left_of_it() -> None:
    assert "+9 % [+2, +15] objective, +6 % [+1, +15] corrected for 14 candidates" in proposal_title(AMONG)
    assert "corrected" not in proposal_title(ALONE)


@pytest.mark.parametrize("proposal", [AMONG, ALONE])
def test_terminal_report_panel_and_commit_tell_it_too(proposal: Proposal) -> None:
    document = proposal_document(proposal)
    told = (
        gain_words(document["effect"], document["corrected"]),
        chosen(document["effect"], document["corrected"]),
        str((of_effect(proposal.effect, proposal.corrected) or {})["text"]),
        commit_message(proposal),
    )
    for words in told:
        assert bool(re.search("corrected for 14 candidates", words)) is (proposal is AMONG), words
    assert document["corrected"] is None or "rivals" not in document["corrected"]
