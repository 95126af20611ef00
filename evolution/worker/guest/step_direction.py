"""Which way does a kept step move the scores of what its users chose? A small step against the gradient is tried and taken back.

Whatever the loss is, and whatever scoring computes, learning must raise the scores of a user's next events above others'.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .step_candidates import joined_at
from .step_future import histories_of
from .step_kept import Call, KeptStep
from .step_rows import Asked, Events, asked_rows, index_lookups
from .step_terms import ADDING, SCALING, SUBTRACTING, gradient_of, ranking_terms

STEP = 0.001  # of the norm of all weights that move
MOVED = 1e-5  # of the spread of the scores: less than that is rounding
LEAST_ROWS = 10
OF_EACH = ADDING | SUBTRACTING | SCALING | {
    "softplus", "logsigmoid", "log_sigmoid", "sigmoid", "log", "exp", "relu", "clamp", "clamp_min", "view", "reshape", "squeeze",
    "flatten", "unsqueeze", "masked_select", "__getitem__", "rsub", "__rsub__", "pow", "__pow__", "square", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "split", "chunk", "cat",
}  # fmt: skip
# Shares of a row's scores: to raise one is to lower the others.
SHARES = {"log_softmax", "softmax", "logsumexp", "cross_entropy", "nll_loss"}
SETTING_AGAINST = {
    "sub", "__sub__", "sub_", "subtract", "__rsub__", "rsub", "add", "__add__", "__radd__",
}  # fmt: skip
ADDING = {"add", "__add__", "__radd__"}
SUMS = frozenset({"sum", "mean"})
REDUCING = SUMS | {"einsum", "matmul", "__matmul__"}
LOSING = {"detach", "detach_", "data"}
MOST_PLACES = 3
MOST_ROWS = 199


def direction(step: KeptStep, candidate: Any, data: Any) -> dict[str, Any]:
    """What a small step against the gradient of the loss does to the scores of the event that follows each history, of which the user
    of the row is known: {"rows", "gain": how far they rise above items that the user never chose, in standard deviations of a row,
    "error": its standard error, "lifted": the share of the others that rise, "above": of those that score below it by now, "one_way": whether the loss
    falls with every single score, "places": where it compares scores, "cut": where scores that it takes are made without a graph, or lose it}.

    Penalties are left out of the loss. {} where rows cannot be asked for.
    """
    events = Events(data)
    asked = asked_rows(step, events, MOST_ROWS)
    if asked is None:
        return {}
    if histories_of(step, events.n_items) is not None:
        asked = _with_beginnings(asked)
    before = _scores(candidate, asked)
    with _stepped(step):
        after = _scores(candidate, asked)
    if np.array_equal(before, after) and candidate.has_state():
        before, after = _without_cache(step, candidate, asked)
    if before.shape != after.shape:
        return {}
    found = [
        _of_row(after[row] - before[row], before[row], goals, events.of(user))
        for row, (user, goals) in enumerate(_goals(asked, events))
    ]
    known = np.array([one for one in found if one is not None])  # (R, 3)
    if len(known) < LEAST_ROWS or np.abs(known[:, 0]).max() < MOVED:
        return {}
    gain, lifted, above = known.mean(0)
    error = float(known[:, 0].std(ddof=1) / np.sqrt(len(known)))
    return {
        "rows": len(known),
        "gain": float(gain),
        "error": error,
        "lifted": float(lifted),
        "above": float(above),
        "one_way": _goes_one_way(step, events.n_items),
        "places": [call.told() for call in _makers(step, events.n_items)],
        "cut": [call.told() for call in _cut(step)],
    }


def _without_cache(step: KeptStep, candidate: Any, asked: Asked) -> tuple[Any, Any]:
    """The scores before and after the step of a recommender that answers from what it has computed before: a state that is loaded
    makes it compute anew.
    """
    kept = candidate.state()
    candidate.load(kept)
    before = _scores(candidate, asked)
    try:
        with _stepped(step):
            candidate.load(candidate.state())
            after = _scores(candidate, asked)
    finally:
        candidate.load(kept)
    return before, after


def _with_beginnings(asked: Asked) -> Asked:
    """Where the step aims at the event after each place: halves and thirds of the histories as well."""
    users, histories = list(asked.users), [row[row > 0] for row in asked.histories]
    for user, whole in zip(asked.users, list(histories)):
        for length in {len(whole) // 2, len(whole) // 3, 2 * len(whole) // 3} - {0, 1}:
            users.append(user)
            histories.append(whole[:length])
    return Asked([0] * len(users), users, histories)


def _goes_one_way(step: KeptStep, n_items: int) -> bool:
    """Whether all scores that the loss is made of move it the same way: no item is pushed away from a user."""
    scores: dict[int, Any] = {}
    todo = [term.call for term in ranking_terms(step)]
    while todo:
        call = todo.pop()
        for one, source in zip(call.inputs, call.sources):
            if one.requires_grad and source >= 0 and _is_of_each(step.calls[source]):
                todo.append(step.calls[source])
            elif one.requires_grad:
                scores[id(one)] = one
    if any(_compares(step, one, n_items) or _shared_out(step, one) for one in scores.values()):
        return False
    given = gradient_of(ranking_terms(step), list(scores.values()))
    signs = {float(sign) for slope in given if slope is not None for sign in torch.sign(slope).unique()} - {
        0.0
    }
    return len(signs) == 1


def _compares(step: KeptStep, scores: Any, n_items: int) -> bool:
    """Whether each of these numbers is of two rows of one table, as a difference of two scores is."""
    numbers = {call.number for call in _near(step, scores)}
    looked_up: dict[int, set[int]] = {}
    for call, one in index_lookups(step, n_items):
        if call.number in numbers and one.ids.numel() == scores.numel():
            looked_up.setdefault(id(one.of), set()).add(id(one.ids))
    return any(len(ids) > 1 for ids in looked_up.values())


def _shared_out(step: KeptStep, scores: Any) -> bool:
    """Whether these numbers are what a softmax made of scores, summed or weighed at most: one rises at the cost of the others."""
    return any(call.function in SHARES for call in _near(step, scores))


def _near(step: KeptStep, scores: Any) -> list[Call]:
    """The calls that these numbers are made of, back to what does more than weigh and sum: layers, norms, look-ups."""
    found: dict[int, Call] = {}
    todo = [step.maker(scores)]
    while todo:
        call = todo.pop()
        if call is None or call.number in found:
            continue
        found[call.number] = call
        if call.function in REDUCING or _is_of_each(call):
            todo += [step.calls[source] for source in call.sources if source >= 0]
    return list(found.values())


def _is_of_each(call: Call) -> bool:
    """Whether a call takes each number by itself, or sums all of them."""
    return call.function in OF_EACH or (call.function in SUMS and call.outputs[0].numel() == 1)


def _scores(candidate: Any, asked: Asked) -> Any:
    with candidate.at_rest(0):
        answer = candidate.model.score(asked.users, asked.histories)
    plain = answer.detach().float().cpu().numpy() if isinstance(answer, torch.Tensor) else np.asarray(answer)
    return np.array(plain, np.float64)


def _goals(asked: Asked, events: Events) -> Iterator[tuple[int, Any]]:
    """The user of each row, and the event after its history; all his events where the history is all of them."""
    for user, history in zip(asked.users, asked.histories):
        own = events.of(user)
        last = history[history > 0][-1:]
        ends = np.flatnonzero(own[:-1] == last) if len(last) else np.zeros(0, np.int64)
        yield int(user), own[ends[-1:] + 1] if len(ends) else own


def _of_row(moved: Any, before: Any, goals: Any, own: Any) -> tuple[float, float, float] | None:
    """How far goals rise above other items, in standard deviations; the share of the others that rise; of those below the goals."""
    usable = np.isfinite(moved) & (np.abs(before) < 1e6)
    usable[0] = False
    others = usable.copy()
    others[own] = False
    goals = goals[usable[goals]]
    spread = before[others].std() if others.sum() >= LEAST_ROWS else 0.0
    if not len(goals) or spread == 0:
        return None
    gain = (moved[goals].mean() - moved[others].mean()) / spread
    above = np.mean([(before[others] < before[goal]).mean() for goal in goals])
    return float(gain), float((moved[others] > 0).mean()), float(above)


@contextlib.contextmanager
def _stepped(step: KeptStep) -> Iterator[None]:
    """The weights a little further against the gradient of the loss; as they were afterwards, to the bit."""
    held = {
        id(one): one
        for call in step.upstream(step.loss)
        for one in call.inputs
        if one.is_leaf and one.requires_grad
    }
    weights = [one for one in held.values() if one.layout is torch.strided]
    given = gradient_of(ranking_terms(step), weights)
    pairs = [(one, slope) for one, slope in zip(weights, given) if slope is not None]
    kept = [one.detach().clone() for one, _ in pairs]
    size = float(torch.stack([one.norm() for one in kept]).norm()) if kept else 0.0
    steep = (
        float(
            torch.stack(
                [slope.to_dense().norm() if slope.is_sparse else slope.norm() for _, slope in pairs]
            ).norm()
        )
        if pairs
        else 0.0
    )
    try:
        with torch.no_grad():
            for one, slope in pairs:
                one.data.add_(
                    slope.to_dense() if slope.is_sparse else slope, alpha=-STEP * size / max(steep, 1e-12)
                )
        yield
    finally:
        with torch.no_grad():
            for (one, _), copy in zip(pairs, kept):
                one.data.copy_(copy)


def _cut(step: KeptStep) -> list[Call]:
    """Where numbers that the loss is made of lose their graph: under `no_grad`, or by `detach`."""
    found: list[Call] = []
    for call in _near(step, step.loss):
        made = [step.cut(one) for one in call.inputs if not one.requires_grad]
        found += [one for one in made if one is not None]
        if call.function in LOSING and any(one.requires_grad for one in call.inputs):
            found.append(call)
    return list({call.place: call for call in found}.values())[:MOST_PLACES]


def _makers(step: KeptStep, n_items: int) -> list[Call]:
    """Where the loss compares scores, and where the ids of what it compares are joined."""
    terms = ranking_terms(step)[:1]
    return [
        *[_comparison(step, term.tensor, n_items) or term.call for term in terms],
        *joined_at(step, n_items)[:2],
    ]


def _comparison(step: KeptStep, term: Any, n_items: int) -> Call | None:
    """The last sum or difference of two sets of scores before the loss: a sign is wrong there, where it is one."""
    found = [
        call
        for call in _near(step, term)
        if call.function in SETTING_AGAINST
        and _are_alike(step, call)
        and (
            call.function not in ADDING or _compares(step, call.outputs[0], n_items) or _parts_one(step, call)
        )
    ]
    return max(found, key=lambda call: call.number, default=None)


def _parts_one(step: KeptStep, call: Call) -> bool:
    """Whether both of what a call adds were cut out of one tensor of scores, as columns of several items for a row."""
    both = [one for one in call.inputs if one.requires_grad and one.numel() > 1]
    whole = [
        {id(each.inputs[0]) for each in _near(step, one) if each.function == "__getitem__"} for one in both
    ]
    return len(whole) == 2 and bool(whole[0] & whole[1])


def _are_alike(step: KeptStep, call: Call) -> bool:
    """Whether a call takes two sets of scores that one line made, and not scores and what is added to each of them."""
    both = list({id(one): one for one in call.inputs if one.requires_grad and one.numel() > 1}.values())
    if len(both) != 2 or call.outputs[0].numel() < 2:
        return False
    one, other = ({(each.place, each.function) for each in _near(step, part)} for part in both)
    return bool(one & other)
