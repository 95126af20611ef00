"""Do the answers of a program keep up with its weights? Another recommender is followed over two epochs."""

from collections.abc import Callable, Sequence

from evolution.domain.trial import ContractCheck
from evolution.trials.asked import CANDIDATES_FAULT, said
from evolution.trials.failing import TrialFailed
from evolution.trials.partings import Behind

CODE = "scores-frozen"


def with_followed(
    checks: Sequence[ContractCheck], follow: Callable[[], Behind | None]
) -> list[ContractCheck]:
    """The checks, and in the place of the one on frozen scores what following two epochs says, where it says something.

    Raises TrialFailed for limits and cancelling; a candidate that cannot be followed changes nothing.
    """
    try:
        behind = follow()
    except TrialFailed as failed:
        if failed.failure.reason not in CANDIDATES_FAULT:
            raise
        return list(checks)
    if behind is None:
        return list(checks)
    found = said(CODE, False, "warning", _words(behind), behind.places)
    return [*(check for check in checks if check.code != CODE), found]


def _words(behind: Behind) -> str:
    match behind.what:
        case "cache":
            return (
                f"`{behind.name}` is made by an answer and kept while the weights move: without it the answers after two "
                "epochs are others; make it anew after each epoch"
            )
        case "copy":
            return (
                f"scoring reads `{behind.name}`, a copy of the weights from the first epoch that never changes again; copy "
                "them after each epoch"
            )
        case _:
            return (
                f"scoring reads averaged weights that go {behind.share:.1g} of the way of the trained ones in an epoch "
                f"(`{behind.name}`): the average is too slow for this training, and the initial weights serve"
            )
