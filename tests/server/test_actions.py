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
            "question": "Dismiss: which?",
            "choices": {code: {"repo": "r", "id": code} for code in ("overconfidence", "weaker-than-markov")},
        }
    ]
    assert [a.title for a in merged(offers[:2])] == ["Propose patches", "Dismiss overconfidence"]
    assert [d.code for d in found[0].diagnostics or []] == ["overconfidence", "weaker-than-markov"]


def test_to_look_and_to_explain_come_first_and_several_of_a_kind_are_one_that_asks() -> None:
    def offer(title: str, command: str, **about: Any) -> types.CodeAction:
        run = types.Command(title=title, command=f"evolverec.{command}", arguments=[{"repo": "r", **about}])
        return types.CodeAction(title=title, command=run, diagnostics=[diagnostic("c")])

    def of_line(code: str, *patches: str) -> list[types.CodeAction]:
        return [
            *(offer(f"Show diff: {patch}", "preview", proposal=patch) for patch in patches),
            offer(f"Explain {code}", "explain", code=code),
            *(offer(f"Verify again: {patch}", "verify", proposal=patch) for patch in patches),
            *(offer(f"Dismiss patch: {patch}", "dismiss", proposal=patch) for patch in patches),
            offer("Allow its cost and verify: gBCE (2.8x slower)", "verify", proposal="gBCE", allowCost=True),
            offer(f"Accept {code} for the team…", "ui.accept", code=code),
            offer(f"Dismiss {code}", "dismiss", id=code),
        ]

    titles = ["Show diff…", "Explain…", "Allow its cost and verify: gBCE (2.8x slower)", "Verify again…"]
    found = merged([*of_line("missed-category", "A", "B"), *of_line("overused-store", "B")])
    assert [action.title for action in found] == [*titles, "Accept for the team…", "Dismiss…"]
    arguments = [
        action.command.arguments[0] for action in found if action.command and action.command.arguments
    ]
    assert [list(one.get("choices", ())) for one in arguments] == [
        ["A", "B"], ["missed-category", "overused-store"], [], ["A", "B"], ["missed-category", "overused-store"],
        ["patch: A", "patch: B", "missed-category", "overused-store"],
    ]  # fmt: skip
    assert (
        arguments[0]["choices"]["B"] == {"repo": "r", "proposal": "B"}
        and arguments[0]["question"] == "Show diff: which?"
    )
    assert [action.title for action in merged(of_line("a", "A"))][:2] == ["Show diff: A", "Explain a"]


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
