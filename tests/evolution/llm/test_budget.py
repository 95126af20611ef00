"""A budget counts what is in flight, exactly, and charges every exchange once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from evolution.base.errors import BudgetSpent, Cancelled
from evolution.domain.limits import Limits
from evolution.llm.budget import NOTHING, Budget, Charge


def usd(amount: str, tokens: int = 0) -> Charge:
    return Charge(usd=Decimal(amount), tokens=tokens)


def spend(budget: Budget, exchange: str, cost: Charge, *, most: Charge | None = None) -> None:
    with budget.reserve(exchange, most or cost) as reserved:
        reserved.settle(cost, paid=cost)


def test_charges_add_up_exactly():
    budget = Budget(Limits(usd=1))
    for n in range(1000):
        spend(budget, str(n), usd("0.0000001", 3))
    assert budget.charged == budget.paid == usd("0.0001", 3000)
    assert budget.figures() == {"usd": 0.0001, "tokens": 3000.0}


def test_a_limit_can_be_used_to_its_last_cent_and_no_further():
    budget = Budget(Limits(usd=0.3))
    for n in range(3):
        spend(budget, str(n), usd("0.1"))
    assert budget.is_spent() and budget.share_spent() == 1 and budget.left().usd == 0
    with pytest.raises(BudgetSpent, match=r"\$0.3001, and the limit is \$0.30"):
        budget.reserve("next", usd("0.0001"))


def test_what_cannot_fit_is_refused_and_the_budget_is_spent_then():
    budget = Budget(Limits(tokens=100))
    with pytest.raises(BudgetSpent, match="101 tokens, and the limit is 100"):
        budget.reserve("a", usd("0", 101))
    assert budget.is_spent() and budget.charged == NOTHING


def test_an_exchange_is_charged_once_in_a_run_and_its_newest_cost_counts():
    budget = Budget(Limits(tokens=100))
    spend(budget, "a", usd("0", 60))
    with budget.reserve("a", usd("0", 60)) as reserved:
        reserved.settle(usd("0", 70), paid=NOTHING)
    assert budget.charged.tokens == 70 and budget.paid.tokens == 60


def test_what_is_in_flight_counts_until_it_is_settled():
    budget = Budget(Limits(tokens=100))
    with budget.reserve("a", usd("0", 60)) as reserved:
        assert budget.left().tokens == 40
        reserved.settle(usd("0", 10), paid=NOTHING)
    assert budget.left().tokens == 90


def test_a_reservation_waits_for_others_that_may_turn_out_cheaper():
    budget = Budget(Limits(tokens=100))
    first = budget.reserve("a", usd("0", 60))
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(budget.reserve, "b", usd("0", 60))
        assert not second.done()
        with first:
            first.settle(usd("0", 10), paid=NOTHING)
        with second.result(timeout=5):
            pass
    assert not budget.is_spent() and budget.charged.tokens == 10


def test_a_cancel_ends_that_wait():
    stop = threading.Event()
    stop.set()
    budget = Budget(Limits(tokens=100))
    with budget.reserve("a", usd("0", 60)), pytest.raises(Cancelled):
        budget.reserve("b", usd("0", 60), stop.is_set)


def test_an_exchange_that_ends_in_an_error_frees_what_it_reserved():
    budget = Budget(Limits(tokens=100))
    with pytest.raises(RuntimeError), budget.reserve("a", usd("0", 100)):
        raise RuntimeError("anything")
    spend(budget, "b", usd("0", 100))


def test_many_threads_never_break_the_limit():
    budget = Budget(Limits(usd=0.5))
    most_seen: list[Decimal] = []

    def ask(n: int) -> bool:
        try:
            with budget.reserve(str(n), usd("0.1")) as reserved:
                reserved.settle(usd("0.03"), paid=usd("0.03"))
        except BudgetSpent:
            return False
        most_seen.append(budget.charged.usd)
        return True

    with ThreadPoolExecutor(8) as pool:
        had = sum(pool.map(ask, range(40)))
    assert max(most_seen) <= Decimal("0.5") and had == 14  # the 15th could have cost 0.1 on top of 0.42
    assert budget.charged.usd == Decimal("0.42")


def test_without_limits_nothing_is_refused():
    budget = Budget(Limits())
    spend(budget, "a", usd("1000", 10**9))
    assert not budget.is_spent() and budget.share_spent() == 0 and budget.left() == Limits()


def test_a_limit_of_nothing_is_spent_from_the_start():
    assert Budget(Limits(usd=0)).is_spent() and Budget(Limits(tokens=0)).share_spent() == 1
