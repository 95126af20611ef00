"""What stands in the menu of a line with several diagnostics."""

from lsprotocol import types

from server.lsp.actions import merged


def diagnostic(code: str) -> types.Diagnostic:
    at = types.Position(line=3, character=0)
    return types.Diagnostic(range=types.Range(start=at, end=at), message=code, code=code)


def test_the_same_offer_for_several_diagnostics_stands_once_and_dismissals_stand_last() -> None:
    offers = [
        types.CodeAction(title=title, diagnostics=[diagnostic(code)])
        for code in ("overconfidence", "weaker-than-markov")
        for title in ("Propose patches", f"Dismiss {code}")
    ]
    found = merged(offers)
    assert [a.title for a in found] == [
        "Propose patches",
        "Dismiss overconfidence",
        "Dismiss weaker-than-markov",
    ]
    assert [d.code for d in found[0].diagnostics or []] == ["overconfidence", "weaker-than-markov"]
