"""What stands in the menu of a line with several diagnostics."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from lsprotocol import types

from evolution.domain.proposal import TOO_SLOW, Idea, Patch, Proposal, ProposalState, Verified
from server.lsp.actions import merged, only_too_slow


def diagnostic(code: str) -> types.Diagnostic:
    at = types.Position(line=3, character=0)
    return types.Diagnostic(range=types.Range(start=at, end=at), message=code, code=code)


def test_the_same_offer_for_several_diagnostics_stands_once_and_one_dismissal_stands_last() -> None:
    offers = [
        types.CodeAction(
            title=title,
            diagnostics=[diagnostic(code)],
            command=types.Command(
                title=title, command="evolverec.dismiss", arguments=[{"repo": "r", "id": code}]
            ),
        )
        for code in ("overconfidence", "weaker-than-markov")
        for title in ("Propose patches", f"Dismiss {code}")
    ]
    found = merged(offers)
    assert [a.title for a in found] == [
        "Propose patches",
        "Dismiss…",
    ]
    assert found[1].command and found[1].command.arguments == [
        {
            "repo": "r",
            "choices": {code: {"repo": "r", "id": code} for code in ("overconfidence", "weaker-than-markov")},
        }
    ]
    assert [a.title for a in merged(offers[:2])] == ["Propose patches", "Dismiss overconfidence"]
    assert [d.code for d in found[0].diagnostics or []] == ["overconfidence", "weaker-than-markov"]


def test_only_what_its_cost_alone_stands_against_can_be_allowed() -> None:
    def proposal(name: str, **changes: Any) -> Proposal:
        idea = Idea(code=name, title=name, rationale="", addresses=("n1",), rests_on=(), proposer="recipe")
        made = Proposal(
            id=name, idea=idea, patch=Patch(base="a", edits=()), parent="a", child=name, trials=("t",),
            verified=Verified.NO, effect=None, details={TOO_SLOW: True},
        )  # fmt: skip
        return replace(made, **changes)

    slow = proposal("slow")
    others = [
        proposal("poor", details={TOO_SLOW: False}),
        proposal("gain", verified=Verified.GAIN),
        proposal("dismissed", state=ProposalState.DISMISSED),
        proposal("elsewhere", idea=replace(slow.idea, addresses=("n2",))),
        proposal("earlier version", details={}),
    ]
    repo: Any = SimpleNamespace(knowledge=SimpleNamespace(proposals=[*others, slow]))
    assert only_too_slow(repo, "n1") == [slow]
