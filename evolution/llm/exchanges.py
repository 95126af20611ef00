"""Every exchange as a record: what was asked, what came, what it cost. The record answers when it is asked again."""

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
    """What makes an exchange the same one again. attempt: 0, then one more for each repair."""

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
        """64 hex digits. In which way the endpoint takes the schema is no part of it."""
        identity = [
            self.prompt, self.version, self.model, self.effort, list(map(dict, self.messages)), self.schema,
            self.max_output_tokens, self.attempt,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """form: in which way the schema was sent. finish: why the model ended. refusal: what it said in place of an answer.
    failure: why no answer came; such a record is paid for, perhaps, but only a replay is answered from it.
    lost: estimated, of tries that broke off after they were sent. usd: what it cost in all, "" without a price.
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
        used = self.usage + self.lost
        return Charge(usd=Decimal(self.usd or "0"), tokens=used.input + used.output)


class ExchangeLog(Protocol):
    """Where exchanges are kept. Threads share it."""

    def find(self, key: str) -> Exchange | None: ...

    def keep(self, exchange: Exchange) -> None:
        """In place of an earlier record of the same key; on disk when it returns, where there is one."""
        ...


class _Store(Protocol):
    def exchange(self, key: str) -> Exchange | None: ...

    def put_exchange(self, exchange: Exchange) -> None: ...


@dataclass(frozen=True, kw_only=True)
class StoredExchanges:
    """In the repo's store. lock: the one that all users of its connection share."""

    store: _Store
    lock: threading.RLock

    def find(self, key: str) -> Exchange | None:
        with self.lock:
            return self.store.exchange(key)

    def keep(self, exchange: Exchange) -> None:
        with self.lock:
            self.store.put_exchange(exchange)
