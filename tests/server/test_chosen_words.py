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
from server.shown.rows import patch_row
from server.shown.wording import MENU, comparison, gain, proposal_title, relative

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


def test_a_title_tells_what_is_left_of_the_gain_and_the_whole_sentence_stands_in_the_detail() -> None:
    assert proposal_title(ALONE) == "Train with gBCE: +9 % [+2, +15] objective, 1 seed"
    assert proposal_title(AMONG) == "Train with gBCE: +6 % [+1, +15] objective, 1 seed, 1 of 14 tried"
    assert (patch_row(AMONG), patch_row(ALONE)) == (
        "+6 % [+1, +15] train with gBCE",
        "+9 % [+2, +15] train with gBCE",
    )
    assert comparison(ALONE) == ""
    assert (
        comparison(AMONG) == "Chosen from 14 candidates: +9 % [+2, +15] before that choice was corrected for."
    )


def test_a_fix_says_that_it_is_one_as_it_claims_no_gain() -> None:
    effect = Effect(metric="objective", before=0.2, after=0.2006, low=-0.0006, high=0.004)
    fix = replace(ALONE, verified=Verified.FIX, effect=effect)
    assert proposal_title(fix) == "Train with gBCE: fix, +.3 % [-.3, +2] objective, 1 seed"


def test_an_end_of_an_interval_that_is_nearly_0_has_its_sign_and_a_digit() -> None:
    effect = Effect(metric="objective", before=0.2, after=0.21, low=0.0006, high=0.02)
    assert gain(effect) == "+5 % [+.3, +10]" and "[+.3, +10] %" in relative(effect)
    assert gain(replace(effect, low=-0.0006)) == "+5 % [-.3, +10]"
    assert gain(replace(effect, low=-1e-9)) == "+5 % [0, +10]"


@pytest.mark.parametrize("title", ["gBCE", "Add category embeddings to the item embeddings", "word " * 40])
@pytest.mark.parametrize(
    "proposer", ["recipe", "an-llm-with-a-name-that-is-longer-than-any-menu-has-room-for"]
)
@pytest.mark.parametrize("terms", ["", "equal steps", "longer training, not converged"])
def test_no_title_is_longer_than_a_menu_and_all_have_gain_interval_and_terms(title, proposer, terms) -> None:
    idea = replace(AMONG.idea, title=title, proposer=proposer)
    effect = Effect(metric="0.6*HR@5 + 0.4*NDCG@5", before=0.01, after=0.03, low=0.011, high=0.032)
    left = replace(LEFT, change=0.0185, low=0.0105, high=0.032)
    found = proposal_title(
        replace(
            AMONG, idea=idea, effect=effect, corrected=left, trials=("a", "b", "c"), details={"terms": terms}
        )
    )
    assert len(found) <= MENU, found
    assert "+185 % [+105, +320] objective" in found and terms in found
    assert found.startswith(title[:12])
    assert found.startswith(title) or "tried" not in found, "the choice is told where the name is whole"


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
