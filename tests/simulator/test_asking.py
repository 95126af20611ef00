"""Several users are asked at once, and nobody can tell from the result."""

import threading
import time

import pytest

from simulator.asking import AskingStopped, ask_each


class Unanswered(Exception):
    is_llm_failure = True


def never() -> bool:
    return False


def test_results_keep_the_order_of_the_questions():
    def late(number: int) -> int:
        time.sleep(0.002 * (5 - number))
        return 10 * number

    assert ask_each(late, range(5), concurrency=5, cancelled=never) == [0, 10, 20, 30, 40]


def test_no_more_than_the_given_number_are_asked_at_once():
    now, most, lock = 0, 0, threading.Lock()

    def count(_: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.002)
        with lock:
            now -= 1

    ask_each(count, range(12), concurrency=3, cancelled=never)
    assert most == 3


def test_a_failed_exchange_is_none_and_any_other_error_is_an_error():
    def fail(number: int) -> int:
        if number == 1:
            raise Unanswered
        return number

    assert ask_each(fail, range(3), concurrency=2, cancelled=never) == [0, None, 2]
    with pytest.raises(ZeroDivisionError):
        ask_each(lambda number: 1 // number, range(3), concurrency=2, cancelled=never)


def test_after_a_stop_or_an_error_nobody_else_is_asked():
    asked: list[int] = []
    with pytest.raises(AskingStopped):
        ask_each(asked.append, range(50), concurrency=1, cancelled=lambda: len(asked) >= 3)
    assert asked == [0, 1, 2]
    asked.clear()

    def break_down(number: int) -> None:
        asked.append(number)
        raise KeyError(number)

    with pytest.raises(KeyError):
        ask_each(break_down, range(1000), concurrency=1, cancelled=never)
    assert len(asked) < 1000
