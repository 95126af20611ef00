"""Do the answers of a program keep up with its weights, and with what its tables learn? Another recommender is followed over two epochs."""

from collections.abc import Callable, Sequence

from evolution.base.amounts import percent
from evolution.domain.trial import ContractCheck
from evolution.trials.asked import CANDIDATES_FAULT, said
from evolution.trials.failing import TrialFailed
from evolution.trials.partings import Behind

CODE = "scores-frozen"
CODES = {"unread": "table-not-served", "shrunk": "tables-shrink", "backwards": "update-backwards"}


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
    code = CODES.get(behind.what, CODE)
    found = said(code, False, "warning", _words(behind), behind.places)
    return [*(check for check in checks if check.code != code), found]


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
        case "unread":
            return f"training moves `{behind.name}`, and no score changes when its rows are mixed up: scoring leaves it out"
        case "shrunk":
            return (
                f"at most {percent(behind.share)} of its initial length is left of every table that training moves, after two epochs (`{behind.name}`): "
                "regularisation takes more than is learned"
            )
        case "backwards":
            whose = "every table" if behind.share == 1.0 else f"`{behind.name}`"
            return (
                f"what two epochs teach {whose}, put into an untrained model alone, lowers what users chose below other items: its "
                "updates have the wrong sign, or positives and negatives are exchanged"
            )
        case _:
            return (
                f"{percent(behind.share)} of the way of the trained weights is as far as the averaged ones get in an epoch, and scoring reads these "
                f"(`{behind.name}`): the average is too slow for this training, and the initial weights serve"
            )
