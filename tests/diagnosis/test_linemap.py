"""Lines are found again in a later version, exactly, in order, and fast."""

import time
from difflib import SequenceMatcher

from hypothesis import given
from hypothesis import strategies as st

from diagnosis.linemap import GONE, MOST_PAIRS, matching_blocks, moved_lines

TEXTS = st.lists(st.sampled_from(["a", "b", "", "  x = 1", "  return x", "def f():", "é"]), max_size=30)


@given(TEXTS, TEXTS)
def test_blocks_are_equal_in_order_and_do_not_overlap(old, new):
    at_a = at_b = 0
    for a, b, size in matching_blocks(old, new):
        assert size > 0 and a >= at_a and b >= at_b
        assert old[a : a + size] == new[b : b + size]
        at_a, at_b = a + size, b + size


@given(TEXTS, TEXTS)
def test_every_line_says_where_it_went(old, new):
    places, size = moved_lines(old, new)
    assert len(places) == len(old) and size == len(new)
    assert all(place == GONE or old[i] == new[place] for i, place in enumerate(places))


@given(TEXTS, st.integers(0, 30), TEXTS)
def test_what_stands_before_and_behind_an_insertion_is_kept(old, at, added):
    new = old[:at] + added + old[at:]
    assert sum(size for _, _, size in matching_blocks(old, new)) == len(old)


@given(st.lists(st.integers(0, 40), unique=True, max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_with_lines_that_occur_once_as_many_are_kept_as_by_longest_match(numbers, one, other):
    old = [str(n) for n in numbers]
    new = [*old[:one], "new", *old[one : one + other], *old[one + other + 1 :]]
    kept = sum(size for _, _, size in matching_blocks(old, new))
    longest = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    assert kept == sum(block.size for block in longest)


def test_a_long_file_changed_at_both_ends_takes_milliseconds():
    old = [line for n in range(2500) for line in (f"def f{n}():", "    return x", "", "")]
    new = ["import os", *old[:-6], "    pass", *old[-6:]]
    started = time.process_time()
    assert sum(size for _, _, size in matching_blocks(old, new)) == len(old)
    assert time.process_time() - started < 2.0  # a plain longest-match search takes minutes


def test_a_long_gap_without_a_unique_line_is_given_up_rather_than_waited_for():
    size = int(MOST_PAIRS**0.5) + 1
    old, new = ["x", *["a", "b"] * size, "y"], ["x", *["b", "a"] * size, "z"]
    assert matching_blocks(old, new) == [(0, 0, 1)]


def test_a_line_that_occurs_once_is_found_among_lines_that_are_all_alike():
    old = [*["pass"] * 100, "only", *["pass"] * 100]
    new = ["come", *["pass"] * 99, "only", *["pass"] * 101, "came"]
    places, _ = moved_lines(old, new)
    assert places[100] == 100


def test_what_changed_line_by_line_below_an_insertion_leaves_the_rest_in_place():
    old = [line for n in range(500) for line in (f"def f{n}():", "    return x", "")]
    new = ["import os", *old]
    changed = {101, 102, 700, 1490}
    for row in changed:
        new[row + 1] += " # y"
    places, _ = moved_lines(old, new)
    assert {row for row, place in enumerate(places) if place == GONE} == changed
    assert all(place in (row + 1, GONE) for row, place in enumerate(places))
