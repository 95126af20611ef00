"""A page is held against pages of the user's own choice: which losses and which surplus he complains of."""

import numpy as np
import pytest

from simulator.opinions import form_opinions
from simulator.viewpoint import OwnPages, PageStatistics, Viewpoint

SIGNALS = ("popularity", "sequence", "price")
NONE = np.zeros(0, dtype=np.int64)


def statistics(*worth: float) -> PageStatistics:
    """A page whose signals are worth this to a user who weighs them as everybody does."""
    return PageStatistics(worth=np.array([worth]), amount=np.array([worth]), sameness=np.zeros((1, 2)))


@pytest.fixture
def view() -> Viewpoint:
    """Own pages are worth 1 more than random ones, of which the price brings .1; the best page is worth 2."""
    return Viewpoint(
        user=1,
        history=NONE,
        items=NONE,
        features=np.zeros((0, 3)),
        weights=np.ones(3),
        utility=np.zeros(0),
        grouping=np.eye(3),
        emphasis=np.ones(3),
        signals=SIGNALS,
        own_pages=OwnPages(
            mean=statistics(0.3, 0.6, 0.1), low=statistics(0.2, 0.4, 0.06), high=statistics(0.4, 0.8, 0.14)
        ),
        best_page=statistics(0.5, 1.3, 0.2),
        best_items=NONE,
        typical_worth=np.zeros(3),
        fitting_utility=0.0,
    )


def complaints(view: Viewpoint, *worth: float) -> set[str]:
    return {opinion.code for opinion in form_opinions(view, statistics(*worth)) if not opinion.positive}


def test_a_page_without_what_one_small_reason_brings_is_missed_in_it(view):
    assert complaints(view, 0.3, 0.6, 0.0) == {"missed-price"}


def test_a_loss_too_small_to_matter_is_not_complained_of(view):
    assert complaints(view, 0.3, 0.6, 0.071) == set()
    assert complaints(view, 0.3, 0.6, 0.055) == {"missed-price"}


def test_much_of_a_signal_at_the_cost_of_the_others_is_too_much(view):
    assert "overused-sequence" in complaints(view, 0.1, 1.35, 0.0)


def test_a_page_near_the_users_best_is_not_too_much_of_anything(view):
    assert "overused-sequence" not in complaints(view, 0.21, 1.8, 0.07)
    assert "overused-sequence" in complaints(view, 0.1, 1.31, 0.07)
