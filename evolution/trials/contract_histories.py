"""Contract checks of histories: padding, the newest event of a long one, the first and the last id."""

import numpy as np

from evolution.base.amounts import percent
from evolution.domain.trial import ContractCheck
from evolution.trials.answers_compared import movement
from evolution.trials.asked import CANDIDATES_FAULT, LOCATED, Asked, said
from evolution.trials.failing import TrialFailed
from evolution.trials.partings import Parting
from seeds.interactions import Float32, Int64

PADDING, NEWEST, IDS = "more-padding", "newest-kept", "id-round-trip"
EXTRA_PADDING = 7
MATTERS = 0.02  # spreads of the scores: a recurrent model that runs over padding forgets it down to less
LISTED, LISTS_MATTER = 10, 0.05  # share of the best items that are others
UNEXPLAINED = 1e-6  # share of an answer's variance, where it is another answer on another scale
RESCALED = 0.02  # least change of scale
SELECTIONS = ("__getitem__", "select", "narrow", "index_select", "gather")
MEANS = {
    "mean": "a mean counts padding",
    "arange": "positions are counted from the padded end",
    **dict.fromkeys(
        ("softmax", "scaled_dot_product_attention", "multi_head_attention_forward"), "padding is attended to"
    ),
}
SILENT = "the scores do not depend on the history yet, so there is nothing to compare"


def check_padding(asked: Asked) -> ContractCheck:
    """Short histories in wider batches: a few zeros more, and as many as max_history has room for."""
    short = asked.short
    widths = [w for w in {short.shape[1] + EXTRA_PADDING, asked.max_history} if w <= asked.max_history]
    widths = sorted(w for w in widths if w > short.shape[1]) or [asked.max_history]
    if widths[-1] <= short.shape[1]:
        words = f"max_history is {asked.max_history}: there is no room for more padding"
        return said(PADDING, None, "warning", words)
    plain = asked.score(asked.users, short)
    slight = ""
    for width in widths:
        wider = np.pad(short, ((0, 0), (width - short.shape[1], 0)))
        answer = asked.score(asked.users, wider)
        if not asked.differ(plain, answer).any() or not _newest_moves(asked, wider, answer):
            continue
        moved, lists = float(np.median(movement(plain, answer))), _lists_changed(plain, answer)
        if moved >= MATTERS or lists >= LISTS_MATTER:
            return _padding_counts(asked, short, wider, plain, answer)
        slight = f"more padding on the left moves the scores by {percent(moved)} of their spread and {percent(lists)} of the lists"
    return said(PADDING, True, "warning", slight or "more padding on the left changes nothing")


def _lists_changed(plain: Float32, answer: Float32) -> float:
    """Share of the ten best items of one answer that are not among those of the other."""
    lists = [np.argsort(-scores[:, 1:], axis=1, kind="stable")[:, :LISTED] for scores in (plain, answer)]
    kept = (lists[0][:, :, None] == lists[1][:, None, :]).any(axis=2)
    return float(1.0 - kept.mean())


def _newest_moves(asked: Asked, histories: Int64, answer: Float32) -> bool:
    """Where it does not, padding has pushed the events out, which check_newest finds."""
    edited = histories.copy()
    edited[:, -1] = asked.other_items(histories[:, -1])
    return bool(asked.differ(answer, asked.score(asked.users, edited), _newest_of(histories, edited)).any())


def _padding_counts(
    asked: Asked, short: Int64, wider: Int64, plain: Float32, answer: Float32
) -> ContractCheck:
    changed = asked.differ(plain, answer)
    parting = asked.located(asked.few(short), asked.few(wider))
    counts = f"{wider.shape[1] - short.shape[1]} more zeros on the left of a history change the scores of {int(changed.sum())} of {len(changed)} users"
    if parting.function in SELECTIONS and parting.taken:
        words = f"{counts}: a place is counted from the left, where padding and the oldest events stand, and not from the newest"
        return said(PADDING, False, "warning", words, parting.parts)
    words = f"{counts}: {why_padding_counts(parting, plain[changed], answer[changed])}"
    return said(PADDING, False, "warning", words, parting.parts)


def why_padding_counts(parting: Parting, plain: Float32, answer: Float32) -> str:
    """In words, by the call where two answers (n, n_items + 1) to the same histories part, and by how they differ."""
    if _is_scaled(plain, answer):
        return "the same scores on another scale, as of a mean that counts padding"
    return MEANS.get(parting.function, "padding is attended to, or positions are counted from the padded end")


def _is_scaled(plain: Float32, answer: Float32) -> bool:
    """Whether most rows of the two answers are proportional to each other, but for their mean, and not equal."""
    one, other = plain[:, 1:].astype(np.float64), answer[:, 1:].astype(np.float64)
    one, other = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    slope = (one * other).sum(axis=1) / np.maximum((one**2).sum(axis=1), 1e-300)
    rest = ((other - slope[:, None] * one) ** 2).sum(axis=1) / np.maximum((other**2).sum(axis=1), 1e-300)
    return bool(np.median(rest) < UNEXPLAINED and abs(np.median(slope) - 1) > RESCALED)


def check_newest(asked: Asked) -> ContractCheck:
    """The newest event of a short history counts, and still does in one as long as can be."""
    short = asked.short
    edited = short.copy()
    edited[:, -1] = asked.other_items(short[:, -1])
    plain = asked.score(asked.users, short)
    if not asked.differ(plain, asked.score(asked.users, edited), _newest_of(short, edited)).any():
        others = np.where(short > 0, asked.other_items(short), 0)
        if not asked.differ(
            plain, asked.score(asked.users, others), np.concatenate([short, others], 1)
        ).any():
            return said(NEWEST, None, "warning", _what_counts(asked, plain))
        words = "the newest event of a history changes nothing, while older ones do"
        return said(NEWEST, False, "warning", words, asked.located(asked.few(short), asked.few(edited)).loses)
    long = asked.rng.integers(1, asked.n_items + 1, size=(len(asked.users), asked.max_history))
    edited = long.copy()
    edited[:, -1] = asked.other_items(long[:, -1])
    plain = asked.score(asked.users, long)
    changed = asked.differ(plain, asked.score(asked.users, edited), _newest_of(long, edited))
    if changed.any():
        return said(NEWEST, True, "warning", f"of {asked.max_history} events the newest counts")
    return said(
        NEWEST,
        False,
        "warning",
        f"in a history of {asked.max_history} events the newest one changes nothing: a history longer than the model's "
        "own limit loses its newest events; keep them, `history[-limit:]`",
        asked.located(asked.few(long), asked.few(edited)).loses,
    )


def _newest_of(histories: Int64, edited: Int64) -> Int64:
    """The items that come and go, (B, 2): a model may mask the items of a history and yet read nothing of it."""
    return np.stack([histories[:, -1], edited[:, -1]], axis=1)


def _what_counts(asked: Asked, plain: Float32) -> str:
    """What the scores depend on instead of the history."""
    if asked.differ(plain, asked.score(asked.other_users(), asked.short)).any():
        return "the scores go by the user's id alone: the history is not read, so there is nothing to compare"
    return SILENT


def check_ids(asked: Asked) -> ContractCheck:
    """The first and the last id are items of their own: not padding, not each other's neighbour."""
    known = {1, 2, 3, max(1, asked.n_items // 2), asked.n_items - 1, asked.n_items}
    after = _after(asked, sorted(item for item in known if item >= 1))
    middle = [after[item] for item in {2, 3, max(1, asked.n_items // 2)} if item < asked.n_items]
    first, last, before_last = after[1], after[asked.n_items], after[max(1, asked.n_items - 1)]
    try:
        nothing = _after(asked, [0, 2])[0]
    except TrialFailed as failed:
        if failed.failure.reason not in CANDIDATES_FAULT:
            raise
        nothing = None  # a history of padding alone need not be answered
    if len(middle) < 2 or not asked.differ(middle[0], middle[1]).any():
        return said(IDS, None, "warning", SILENT)
    if nothing is not None and _only_padding_like(asked, first, nothing, middle):
        words = (
            "item 1 is treated as padding: ids run from 1, and 0 alone is padding; an id is shifted by one"
        )
        return _wrong_ids(asked, words, 1, 0)
    if not asked.differ(last, before_last).any() and _follows(asked, asked.n_items):
        words = f"item {asked.n_items}, the last id, scores like item {asked.n_items - 1}: ids seem to be cut off at the end"
        return _wrong_ids(asked, words, asked.n_items, asked.n_items - 1)
    words = "the first and the last id are told apart from padding and their neighbours"
    return said(IDS, True, "warning", words)


def _after(asked: Asked, items: list[int]) -> dict[int, Float32]:
    """The answer (1, n_items + 1) to a history of each item alone, by one user."""
    users = np.repeat(asked.users[:1], len(items))
    answers = asked.score(users, np.array(items, np.int64)[:, None])
    return {item: answers[row : row + 1] for row, item in enumerate(items)}


def _wrong_ids(asked: Asked, words: str, item: int, other: int) -> ContractCheck:
    users = np.repeat(asked.users[:1], LOCATED)
    batches = [(users, np.full((LOCATED, 1), i, np.int64)) for i in (item, other)]
    return said(IDS, False, "warning", words, asked.located(batches[0], batches[1]).loses)


def _only_padding_like(asked: Asked, first: Float32, nothing: Float32, middle: list[Float32]) -> bool:
    unlike = all(asked.differ(nothing, scores).any() for scores in middle)
    alike = unlike and not asked.differ(nothing, first).any() and _follows(asked, 1)
    return alike and not _counts_before(asked, 1, 2)


def _counts_before(asked: Asked, item: int, newest: int) -> bool:
    """Whether an item is told from padding before another event: padding alone may be answered as anything."""
    histories = np.array([[item, newest], [0, newest]], np.int64)
    answers = asked.score(np.repeat(asked.users[:1], 2), histories)
    return bool(asked.differ(answers[:1], answers[1:]).any())


def _follows(asked: Asked, item: int) -> bool:
    """Whether anything follows this item in training: only then can a model have something to say of it."""
    training = asked.data.training
    at = np.flatnonzero(training.items[:-1] == item)
    return bool((training.users[at] == training.users[at + 1]).any())
