"""Contract checks of calls: the same question gets the same answer, whatever was asked before.

Where it does not, what differs between the two calls is told apart: with the same random seed the answers agree if only
random numbers differ, and do not if something is carried from call to call.
"""

from evolution.domain.trial import ContractCheck
from evolution.trials.asked import CANDIDATES_FAULT, Asked, said
from evolution.trials.failing import TrialFailed
from evolution.trials.partings import Changed

TWICE, CARRIED = "same-answer-twice", "state-carried"
NAMES = 3  # attributes that a message names


def check_calls(asked: Asked) -> list[ContractCheck]:
    """Whether the same question gets the same answer, and whether something is carried from call to call."""
    changed = asked.differ(asked.answer, asked.score(asked.users, asked.histories))
    if not changed.any():
        return [
            said(TWICE, True, "warning", "the same question gets the same answer"),
            said(CARRIED, True, "warning", "an answer does not depend on earlier calls"),
        ]
    counts = f"{int(changed.sum())} of {len(changed)} users"
    if not _moved_by_others(asked):
        return [_random(asked, counts), said(CARRIED, True, "warning", "with the same seed answers agree")]
    changes = _changes(asked)
    if any(not change.generator for change in changes):
        words = "answers depend on earlier calls, so no two can be compared"
        return [said(TWICE, None, "warning", words), carried(counts, changes)]
    return [_unseeded(asked, counts, changes), said(CARRIED, None, "warning", "nothing else changes")]


def _moved_by_others(asked: Asked) -> bool:
    """Whether an answer changes with the question before it, both with the same random seed.

    The same question over and over might settle on an answer; another one in between, with other items and other lengths
    in each row, unsettles it.
    """
    one = asked.score(asked.users, asked.histories, seed=1)
    asked.score(asked.other_users(), asked.other_histories[::-1].copy(), seed=1)
    return bool(asked.differ(one, asked.score(asked.users, asked.histories, seed=1)).any())


def check_order(asked: Asked) -> ContractCheck | None:
    """The question once more, after all others. None where its answer is still the first one."""
    changed = asked.differ(asked.answer, asked.score(asked.users, asked.histories))
    return (
        carried(f"{int(changed.sum())} of {len(changed)} users", _changes(asked)) if changed.any() else None
    )


def carried(counts: str, changes: tuple[Changed, ...]) -> ContractCheck:
    """counts: of how many users the answers differ."""
    state = [change for change in changes if not change.generator]
    names = ", ".join(f"`{change.name}`" for change in state[:NAMES])
    what = f"{names} changes while scoring" if names else "something is kept while scoring"
    return said(
        CARRIED,
        False,
        "warning",
        f"{counts} get different answers to the same question depending on what was asked before, with the same random "
        f"seed too: {what}; start each call afresh",
        tuple(dict.fromkeys(place for change in state for place in change.places)),
    )


def _random(asked: Asked, counts: str) -> ContractCheck:
    batch = asked.few(asked.histories)
    parting = asked.located(batch, batch, seeds=(1, 2))
    what = f"`{parting.function}` draws random numbers" if parting.function else "random numbers are drawn"
    return said(
        TWICE,
        False,
        "warning",
        f"{counts} get different answers to the same question, and the same ones with the same random seed: {what} "
        "while scoring",
        parting.parts,
    )


def _unseeded(asked: Asked, counts: str, changes: tuple[Changed, ...]) -> ContractCheck:
    batch = asked.few(asked.histories)
    places = tuple(dict.fromkeys(place for change in changes for place in change.places))
    name = f" `{changes[0].name}`" if changes else ""
    return said(
        TWICE,
        False,
        "warning",
        f"{counts} get different answers to the same question: random numbers of a generator of its own{name} are drawn "
        "while scoring",
        places or asked.located(batch, batch).parts,
    )


def _changes(asked: Asked) -> tuple[Changed, ...]:
    try:
        return asked.session.changes(*asked.few(asked.histories))
    except TrialFailed as failed:
        if failed.failure.reason not in CANDIDATES_FAULT:
            raise
        return ()
