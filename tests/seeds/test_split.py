"""What is held out, what is left, and what a question's history holds."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seeds.assembly import user_offsets
from seeds.errors import SplitError
from seeds.interactions import Interactions, Questions
from seeds.split import GlobalTime, LeaveLastTwoOut, scheme_named, split

Build = Callable[..., Interactions]


def asked(questions: Questions) -> dict[int, tuple[list[int], int]]:
    return {
        int(user): (questions.history(q).tolist(), int(questions.targets[q]))
        for q, user in enumerate(questions.users)
    }


def test_the_last_two_events_are_held_out(log_of: Build) -> None:
    log = log_of([(1, 5, 1), (1, 6, 2), (1, 7, 3), (1, 8, 4), (2, 5, 1), (2, 6, 2)])
    parts = split(log, LeaveLastTwoOut())
    assert parts.training.history(1).tolist() == [5, 6]
    assert asked(parts.validation) == {1: ([5, 6], 7)}
    assert asked(parts.test) == {1: ([5, 6, 7], 8)}, "the test history holds the validation event"
    assert parts.training.history(2).tolist() == [5, 6], "two events are too few to hold any out"
    assert (parts.training.n_users, parts.training.n_items) == (log.n_users, log.n_items)


def test_average_ratings_know_training_events_only(log_of: Build) -> None:
    log = log_of([(1, 1, 1), (1, 2, 2), (1, 3, 3), (2, 3, 1)], ratings=[5, 4, 1, 3])
    average = split(log, LeaveLastTwoOut()).training.item_columns.average_rating
    assert log.item_columns.average_rating[3] == 2
    assert average[3] == 3 and average[1] == 5 and np.isnan(average[2])


def test_ties_at_the_held_out_event_are_reported(log_of: Build) -> None:
    log = log_of([(1, 1, 1), (1, 2, 9), (1, 3, 9), (2, 1, 1), (2, 2, 1), (2, 3, 2)])
    ties = split(log, LeaveLastTwoOut()).ties
    assert (ties.users, ties.tied, ties.share, ties.measured) == (2, 1, 0.5, True)
    no_clock = log_of([(1, 1, 1), (1, 2, 1), (1, 3, 1)], clock=False)
    assert not split(no_clock, LeaveLastTwoOut()).ties.measured


def test_a_global_time_cuts_everyone_at_the_same_moments(log_of: Build) -> None:
    log = log_of(
        [(user, time + user, time) for user in (1, 2) for time in range(10)] + [(3, 1, 9), (3, 2, 9)]
    )
    scheme = GlobalTime(validation_share=0.2, test_share=0.2)
    parts = split(log, scheme)
    assert log.timestamps is not None and parts.training.timestamps is not None
    last = int(parts.training.timestamps.max())
    history, target = asked(parts.validation)[1]
    assert history == list(range(1, last + 2)) and target == last + 2
    test_history, _ = asked(parts.test)[1]
    assert test_history[: len(history) + 1] == [*history, target]
    assert 3 not in asked(parts.test), "nothing is known of this user before the cut"


def test_a_global_time_needs_a_clock(log_of: Build) -> None:
    with pytest.raises(SplitError, match="leave-last-two-out"):
        split(log_of([(1, 1, 1), (1, 2, 2), (1, 3, 3)], clock=False), GlobalTime())


def test_histories_too_short_for_any_question_are_an_error(log_of: Build) -> None:
    with pytest.raises(SplitError, match="longer log"):
        split(log_of([(1, 1, 1), (1, 2, 2)]), LeaveLastTwoOut())


def test_schemes_are_named_as_in_the_config() -> None:
    assert isinstance(scheme_named("leave-last-two-out"), LeaveLastTwoOut)
    assert isinstance(scheme_named("global-time"), GlobalTime)
    with pytest.raises(SplitError, match="expected one of leave-last-two-out, global-time"):
        scheme_named("random")


EVENTS = st.lists(
    st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(0, 40)), min_size=1, max_size=60
)


@settings(deadline=None, max_examples=60)
@given(triples=EVENTS, shares=st.tuples(st.floats(0.05, 0.4), st.floats(0.05, 0.4)))
@pytest.mark.parametrize("global_time", [False, True])
def test_nothing_held_out_is_in_training_and_nothing_is_lost(
    global_time: bool, triples: list[tuple[int, int, int]], shares: tuple[float, float]
) -> None:
    log = build_log(triples)
    scheme = (
        GlobalTime(validation_share=shares[0], test_share=shares[1]) if global_time else LeaveLastTwoOut()
    )
    try:
        parts = split(log, scheme)
    except SplitError:
        return
    training = parts.training
    assert np.array_equal(training.offsets, user_offsets(training.users, log.n_users))
    for questions in (parts.validation, parts.test):
        for q, user in enumerate(questions.users):
            own, history = log.history(int(user)).tolist(), questions.history(q).tolist()
            assert history and own[: len(history) + 1] == [*history, int(questions.targets[q])]
            assert (
                history[: len(training.history(int(user)))]
                == training.history(int(user)).tolist()[: len(history)]
            )
    if not global_time:
        assert training.n_events == log.n_events - 2 * len(parts.test)


def build_log(triples: list[tuple[int, int, int]]) -> Interactions:
    from seeds.assembly import Events, assemble, no_facts

    users, items, times = (np.array(column, np.int64) for column in zip(*triples, strict=True))
    events = Events(users=users, items=items, order=times, timestamps=times, ratings=None)
    n_users, n_items = int(users.max()), int(items.max())
    return assemble(
        events, no_facts(n_items), user_names=("u",) * (n_users + 1), item_names=("i",) * (n_items + 1)
    )
