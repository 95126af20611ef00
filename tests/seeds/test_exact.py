"""Sums without rounding error: in whatever order, and with whatever values and users."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seeds.metrics.exact import exactly_summable, without_noise

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@settings(deadline=None)
@given(values=VALUES, seed=st.integers(0, 2**32))
def test_a_resample_has_the_same_sum_in_every_order(values: list[float], seed: int) -> None:
    exact = exactly_summable(np.array(values))
    drawn = np.random.default_rng(seed).choice(exact, len(exact))
    orders = (drawn, drawn[::-1], np.sort(drawn), drawn[np.argsort(-np.abs(drawn))])
    assert {sum(order.tolist()) for order in orders} == {math.fsum(drawn)}


@settings(deadline=None)
@given(values=VALUES)
def test_no_value_changes_by_more_than_is_said(values: list[float]) -> None:
    before = np.array(values)
    most = len(before) * np.abs(before).max() * 3e-16 + 2.0**-1000
    assert (np.abs(exactly_summable(before) - before) <= most).all()


def test_a_matrix_product_is_the_same_from_either_end() -> None:
    rng = np.random.default_rng(0)
    table = exactly_summable(rng.random((501, 3)) * [1.0, 1e-9, 1e6])
    counts = rng.multinomial(501, np.full(501, 1 / 501), size=20)
    means: NDArray[np.float64] = counts @ table
    assert np.array_equal(means, np.ascontiguousarray(counts[:, ::-1]) @ np.ascontiguousarray(table[::-1]))
    assert means[0].tolist() == [math.fsum(np.repeat(table[:, m], counts[0])) for m in range(3)]


def test_a_column_of_large_values_leaves_a_small_one_alone() -> None:
    small = np.array([0.1, 0.2, 0.3])
    assert np.allclose(exactly_summable(np.stack([small, small * 1e12], axis=1))[:, 0], small, rtol=1e-14)


@pytest.mark.parametrize(
    "values", [np.zeros(0), np.zeros(3), np.array([np.inf, 1.0]), np.array([np.nan, 1.0])]
)
def test_values_that_have_no_sum_to_speak_of_stay(values: NDArray[np.float64]) -> None:
    assert np.array_equal(exactly_summable(values), values, equal_nan=True)


def test_the_smallest_numbers_that_there_are_are_nothing() -> None:
    assert exactly_summable(np.array([5e-324, 1e-310])).tolist() == [0.0, 0.0]


def test_k_of_n_is_k_over_n_and_what_cancels_out_is_nothing() -> None:
    tenths = exactly_summable(np.array([0.1] * 23 + [0.7] * 16 + [0.0] * 1))
    assert without_noise(tenths.mean()) == 135 / 400
    assert [f"{mean:+.1f}" for mean in without_noise([0.3 - 0.1 - 0.2, 0.1 + 0.2 - 0.3])] == ["+0.0", "+0.0"]
