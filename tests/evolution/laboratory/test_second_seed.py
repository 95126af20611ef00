"""The user's version with a further seed is trained where a slot would stand idle, and ends where it is not needed."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from evolution.laboratory.second_seed import SecondSeed

WAIT_S = 30.0


class Asked:
    """A laboratory whose trial goes on, epoch after epoch, until it is pruned or `ends`."""

    def __init__(self, capacity: int) -> None:
        self.executor = SimpleNamespace(capacity=capacity)
        self.config = SimpleNamespace(training=SimpleNamespace(seed=3))
        self.begun, self.ends = threading.Event(), threading.Event()
        self.asked: list[tuple[str, int, str]] = []
        self.pruned = False

    def trial(self, program: str, *, seed: int, label: str, accept: Any, prune: Any) -> None:
        self.asked.append((program, seed, label))
        self.begun.set()
        while not self.ends.wait(0.001):
            if prune(()):
                self.pruned = True
                return


def beside(laboratory: Any) -> SecondSeed:
    return SecondSeed(laboratory, "tree")


def test_it_is_trained_once_beside_the_first():
    laboratory = Asked(2)
    with beside(laboratory) as second:
        assert second.begin(()) is False
        assert second.begin(()) is False
        assert laboratory.begun.wait(WAIT_S)
        laboratory.ends.set()
    assert laboratory.asked == [("tree", 4, "your version, seed 4")]
    assert not laboratory.pruned


def test_without_a_slot_to_spare_nothing_is_trained():
    laboratory = Asked(1)
    with beside(laboratory) as second:
        second.begin(())
    assert laboratory.asked == []


@pytest.mark.parametrize("fails", [False, True])
def test_it_ends_with_the_job_that_needed_it(fails):
    laboratory = Asked(2)
    try:
        with beside(laboratory) as second:
            second.begin(())
            assert laboratory.begun.wait(WAIT_S)
            if fails:
                raise ValueError
    except ValueError:
        pass
    assert laboratory.pruned


def test_it_ends_where_it_would_not_be_asked_for():
    laboratory = Asked(2)
    with beside(laboratory) as second:
        second.begin(())
        assert laboratory.begun.wait(WAIT_S)
        second.drop()
        second._pool.shutdown(wait=True)
        assert laboratory.pruned
