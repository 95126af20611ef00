"""What a run may cost, and what its exchanges with the LLM have cost: in exact dollars and in tokens.

An exchange is reserved at the most it can cost before it is asked, and settled at what it did cost. What is
reserved counts: a reservation that fits only once others turn out cheaper waits for them. An exchange found in
the store is charged like a fresh one, once in a run, so that equal budgets compare and a run that is done again
is charged the same; what was really paid is kept apart. Trials and seconds are counted by the run's own ledger.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from evolution.base.errors import BudgetSpent, Cancelled
from evolution.domain.limits import Limits

_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Charge:
    """tokens: input and output together."""

    usd: Decimal = Decimal(0)
    tokens: int = 0

    def __add__(self, other: "Charge") -> "Charge":
        return Charge(usd=self.usd + other.usd, tokens=self.tokens + other.tokens)

    def __sub__(self, other: "Charge") -> "Charge":
        return Charge(usd=self.usd - other.usd, tokens=self.tokens - other.tokens)


NOTHING = Charge()


class Budget:
    """Threads may share it. charged: what the run counts. paid: what really went to the endpoint just now."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._changed = threading.Condition()
        self._by_exchange: dict[str, Charge] = {}
        self._charged = self._paid = self._in_flight = NOTHING
        self._refused = False

    def reserve(
        self, exchange: str, most: Charge, cancelled: Callable[[], bool] = lambda: False
    ) -> "Reservation":
        """exchange: its key; one that was charged before costs nothing more.

        Raises BudgetSpent where it cannot fit, Cancelled while it waits for others to be settled.
        """
        with self._changed:
            most = NOTHING if exchange in self._by_exchange else most
            while self._over(self._charged + self._in_flight + most):
                if over := self._over(self._charged + most):
                    self._refused = True
                    raise BudgetSpent(over)
                if cancelled():
                    raise Cancelled("cancelled while an exchange waited for the budget")
                self._changed.wait(_LOOK_EVERY_S)
            self._in_flight += most
        return Reservation(self, exchange, most)

    def _settle(self, exchange: str, most: Charge, cost: Charge, paid: Charge) -> None:
        with self._changed:
            self._in_flight -= most
            if cost != NOTHING:
                self._charged += cost - self._by_exchange.get(exchange, NOTHING)
                self._by_exchange[exchange] = cost
            self._paid += paid
            self._changed.notify_all()

    def _over(self, wanted: Charge) -> str:
        """Which limit `wanted` in all would break, in words; "" where none."""
        usd, tokens = self.limits.usd, self.limits.tokens
        if usd is not None and wanted.usd > Decimal(str(usd)):
            return (
                f"with the next exchange the LLM could cost ${wanted.usd:.4f}, and the limit is ${usd:.2f}; "
                "raise --budget-usd to go on"
            )
        if tokens is not None and wanted.tokens > tokens:
            return (
                f"with the next exchange the LLM could use {wanted.tokens} tokens, and the limit is {tokens}; "
                "raise --budget-tokens to go on"
            )
        return ""

    @property
    def charged(self) -> Charge:
        with self._changed:
            return self._charged

    @property
    def paid(self) -> Charge:
        with self._changed:
            return self._paid

    def left(self) -> Limits:
        """Of dollars and tokens, what is in flight taken off; never below 0."""
        usd, tokens = self.limits.usd, self.limits.tokens
        with self._changed:
            used = self._charged + self._in_flight
        return Limits(
            usd=None if usd is None else max(0.0, float(Decimal(str(usd)) - used.usd)),
            tokens=None if tokens is None else max(0, tokens - used.tokens),
        )

    def is_spent(self) -> bool:
        """An exchange was refused, or a limit is reached."""
        with self._changed:
            return self._refused or self._share() >= 1

    def share_spent(self) -> float:
        """Of the tighter limit, 0 to 1; 0 where there is none."""
        with self._changed:
            return min(1.0, self._share())

    def _share(self) -> float:
        usd, tokens = self.limits.usd, self.limits.tokens
        shares = [0.0]
        if usd is not None:
            shares.append(float(self._charged.usd) / usd if usd > 0 else 1.0)
        if tokens is not None:
            shares.append(self._charged.tokens / tokens if tokens > 0 else 1.0)
        return max(shares)

    def figures(self) -> Mapping[str, float]:
        """What was charged, by name: the same again whenever the run is done again."""
        charged = self.charged
        return {"usd": float(charged.usd), "tokens": float(charged.tokens)}


class Reservation:
    """Settled when its block ends: at nothing, unless `settle` said what it cost. paid: what was paid just now."""

    def __init__(self, budget: Budget, exchange: str, most: Charge) -> None:
        self._budget, self._exchange, self._most = budget, exchange, most
        self._cost = self._paid = NOTHING

    def settle(self, cost: Charge, *, paid: Charge) -> None:
        self._cost, self._paid = cost, paid

    def __enter__(self) -> "Reservation":
        return self

    def __exit__(self, *_: object) -> None:
        self._budget._settle(self._exchange, self._most, self._cost, self._paid)
