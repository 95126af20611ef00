"""Whether a code that a team wants to accept is one that a finding can have: a misspelt one would accept nothing, and say nothing. Pure."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from evolution.base.errors import UsageError
from evolution.domain.feedback import Feedback

EVOLVED = "evolved-"  # as diagnosis/catalogue.py has it, which loads numpy
SLIP = 0.9  # of two codes that are alike but for a slip of the finger


def check_code(code: str, known: Collection[str]) -> None:
    """Raises UsageError for a code that is not known, with the one that may be meant.

    An evolved probe may have been admitted on another machine, as in a fresh clone that CI reads: unless it looks like one that is known
    here with a slip of the finger, it is believed.
    """
    if code in known:
        return
    if code.removeprefix(EVOLVED) != code and not get_close_matches(code, known, n=1, cutoff=SLIP):
        return
    close = get_close_matches(code, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "expected one such as popularity-bias;"
    raise UsageError(
        f"{code[:80]!r} is no code of a finding; {hint} `evolverec diagnose` tells the codes of what it found"
    )


def codes_found(feedback: Iterable[Feedback]) -> set[str]:
    """The codes of all that was found, by evolved probes too, and that users said."""
    return {one.code for said in feedback for one in (*said.all_findings(), *said.critiques())}
