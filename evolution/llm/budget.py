"""What a run may spend on the LLM, and what it has spent, in exact dollars and in tokens.

Before it is sent, an exchange reserves the most that it can cost; afterwards it is settled at its real cost.
Reservations count as spent: one that would fit only if others turn out cheaper waits for them. An exchange that was
found in the store is charged like a fresh one, once per run, so that equal budgets can be compared and a run that is
started again is charged the same. What was really paid is counted apart. The run's ledger counts trials and seconds.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from evolution.base.errors import BudgetSpent, Cancelled
from evolution.domain.limits import Limits

TOKENS_OF, USD_OF = "tokens:", "usd:"  # before a role's name in `figures`
_LOOK_EVERY_S = 0.05  # how often a waiting thread checks for a cancel


@dataclass(frozen=True, kw_only=True)
class Charge:
    """An amount of dollars and tokens.

    tokens: input and output together.
    """

    usd: Decimal = Decimal(0)
    tokens: int = 0

    def __add__(self, other: "Charge") -> "Charge":
        return Charge(usd=self.usd + other.usd, tokens=self.tokens + other.tokens)

    def __sub__(self, other: "Charge") -> "Charge":
        return Charge(usd=self.usd - other.usd, tokens=self.tokens - other.tokens)


NOTHING = Charge()


class Budget:
    """The budget of one run. Threads may share it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._changed = threading.Condition()
        self._by_exchange: dict[str, Charge] = {}
        self._roles: dict[str, str] = {}  # by exchange
        self._charged = self._paid = self._in_flight = NOTHING
        self._refused = False

    def reserve(
        self,
        exchange: str,
        most: Charge,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        role: str = "",
    ) -> "Reservation":
        """Reserve the most that an exchange can cost; the reservation is settled when its block ends.

        exchange: its key. One that was charged before costs nothing more. role: what its tokens are told under, "" for none.

        Raises BudgetSpent if it cannot fit, Cancelled if the run is cancelled while it waits for others to be settled.
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
            self._roles[exchange] = role
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
        """The limit that a total of `wanted` would break, in words; "" if it breaks none."""
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
        """What the run is charged so far, found exchanges included."""
        with self._changed:
            return self._charged

    @property
    def paid(self) -> Charge:
        """What was really paid to the endpoint."""
        with self._changed:
            return self._paid

    def left(self) -> Limits:
        """The dollars and tokens that are left, reservations taken off; never below 0."""
        usd, tokens = self.limits.usd, self.limits.tokens
        with self._changed:
            used = self._charged + self._in_flight
        return Limits(
            usd=None if usd is None else max(0.0, float(Decimal(str(usd)) - used.usd)),
            tokens=None if tokens is None else max(0, tokens - used.tokens),
        )

    def is_spent(self) -> bool:
        """Whether an exchange was refused, or a limit is reached."""
        with self._changed:
            return self._refused or self._share() >= 1

    def share_spent(self) -> float:
        """The used share of the tighter limit, 0 to 1; 0 if there is no limit."""
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
        """The charge, by name, with the tokens and dollars of each role as `tokens:planner` and `usd:planner`. It is the same
        whenever the run is started again.
        """
        with self._changed:
            charged, by_role = self._charged, dict[str, Charge]()
            for exchange, cost in self._by_exchange.items():
                if role := self._roles.get(exchange):
                    by_role[role] = by_role.get(role, NOTHING) + cost
        found = {"usd": float(charged.usd), "tokens": float(charged.tokens)}
        for role, cost in sorted(by_role.items()):
            found[f"{TOKENS_OF}{role}"] = float(cost.tokens)
            if cost.usd:
                found[f"{USD_OF}{role}"] = float(cost.usd)
        return found


class Reservation:
    """A reserved exchange. When its block ends it is settled, at nothing unless `settle` was called."""

    def __init__(self, budget: Budget, exchange: str, most: Charge) -> None:
        self._budget, self._exchange, self._most = budget, exchange, most
        self._cost = self._paid = NOTHING

    def settle(self, cost: Charge, *, paid: Charge) -> None:
        """Say what the exchange cost. paid: what was really paid for it just now."""
        self._cost, self._paid = cost, paid

    def __enter__(self) -> "Reservation":
        return self

    def __exit__(self, *_: object) -> None:
        self._budget._settle(self._exchange, self._most, self._cost, self._paid)
