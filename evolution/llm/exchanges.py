"""Records of exchanges: the question, the answer and its cost. A question that is asked again is answered from its
record.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from evolution.llm.budget import Charge
from evolution.llm.usage import Usage


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is sent to a model; equal questions are one exchange.

    attempt: 0, then one more for each repair.
    """

    prompt: str
    version: int
    role: str
    model: str
    effort: str
    messages: tuple[Mapping[str, str], ...]
    schema: Mapping[str, Any]
    schema_name: str
    max_output_tokens: int
    attempt: int

    @property
    def key(self) -> str:
        """64 hex digits. The form in which the endpoint takes the schema does not count."""
        identity = [
            self.prompt, self.version, self.model, self.effort, list(map(dict, self.messages)), self.schema,
            self.max_output_tokens, self.attempt,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One exchange, as it is recorded.

    form: the form in which the schema was sent (see `forms`).
    finish: why the model ended.
    refusal: the model's text if it declined.
    failure: why no answer came. Only a replay takes such a record for an answer; otherwise the question is asked
        again.
    lost: the estimated usage of tries that broke off after they were sent.
    usd: the whole cost, "" without a price.
    """

    key: str
    created_at: float
    prompt: str
    version: int
    role: str
    model: str
    effort: str
    attempt: int
    messages: tuple[Mapping[str, str], ...]
    form: str = ""
    text: str = ""
    finish: str = ""
    refusal: str = ""
    failure: str = ""
    usage: Usage = field(default_factory=Usage)
    lost: Usage = field(default_factory=Usage)
    usd: str = ""
    wall_s: float = 0.0

    @property
    def charge(self) -> Charge:
        """What the exchange costs a run, tries that broke off included."""
        used = self.usage + self.lost
        return Charge(usd=Decimal(self.usd or "0"), tokens=used.input + used.output)


class ExchangeLog(Protocol):
    """Where exchanges are kept. Threads may share it."""

    def find(self, key: str) -> Exchange | None:
        """The record with this key, or None."""
        ...

    def keep(self, exchange: Exchange) -> None:
        """Store the exchange, replacing any record with the same key. If the log is on disk, the write is done on
        return.
        """
        ...


class _Store(Protocol):
    def exchange(self, key: str) -> Exchange | None: ...

    def put_exchange(self, exchange: Exchange) -> None: ...


@dataclass(frozen=True, kw_only=True)
class StoredExchanges:
    """The log in the repo's store.

    lock: shared by all users of the store's connection.
    """

    store: _Store
    lock: threading.RLock

    def find(self, key: str) -> Exchange | None:
        """The record with this key, or None."""
        with self.lock:
            return self.store.exchange(key)

    def keep(self, exchange: Exchange) -> None:
        """Write the record to the store, replacing any record with the same key."""
        with self.lock:
            self.store.put_exchange(exchange)
