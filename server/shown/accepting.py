"""Accepting a finding for a team, by a code that a finding can have: a misspelt one would accept nothing, and say nothing."""

from difflib import get_close_matches
from pathlib import Path

from diagnosis.catalogue import CATALOGUE
from evolution.base.errors import UsageError
from evolution.repo.baseline import Accepted, accept
from evolution.repo.user_probes import read_user_probes
from evolution.store.store import Store
from simulator.messages import MESSAGES


def accept_known(repo: Path, entry: Accepted) -> bool:
    """As `accept`, for a code that is known. Raises UsageError for another one, with what may be meant, and as `accept` does."""
    known = {*CATALOGUE, *MESSAGES}
    if entry.code not in known and entry.code not in (here := _codes_of(repo)):
        close = get_close_matches(entry.code, known | here, n=1)
        hint = f"did you mean {close[0]}?" if close else "expected one such as popularity-bias;"
        raise UsageError(
            f"{entry.code[:80]!r} is no code of a finding; {hint} `evolverec diagnose` tells the codes of what it found"
        )
    return accept(repo, entry)


def _codes_of(repo: Path) -> set[str]:
    """Codes that this repo alone has: of its own probes, and of all that was found here, by evolved probes too."""
    known = {probe.code for probe in read_user_probes(repo)}
    store = Store.open_existing(repo)
    if store is None:
        return known
    with store:
        told = [one for trial in store.trials() if (one := store.feedback(trial.id)) is not None]
    return known | {
        one.code for feedback in told for one in (*feedback.all_findings(), *feedback.critiques())
    }
