"""What a source of passages is, how its answers are kept, and how it says that it has none."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from evolution.base.versions import version_of
from evolution.literature.passage import Passage


class SourceFailed(Exception):
    """A source that could not answer; the message is one sentence for the user. Never the end of a run."""


class LiteratureSource(Protocol):
    @property
    def kind(self) -> str:
        """ "library", "arxiv", "semantic-scholar" or "web"."""
        ...

    def search(self, query: str, limit: int) -> list[Passage]:
        """Best first, at most `limit`. Raises SourceFailed."""
        ...


class AnswerCache(Protocol):
    """Answers by (source, query, limit), so that a question is paid for once and a replay needs no network.
    evolution.store.store.Store is one."""

    def literature(self, source: str, query: str, limit: int) -> Sequence[Passage] | None:
        """None: never answered. An empty answer is an answer."""
        ...

    def put_literature(self, source: str, query: str, limit: int, passages: Sequence[Passage]) -> None: ...


@dataclass(frozen=True, kw_only=True)
class StoredAnswers:
    """In the repo's store, under the version of our code that read the answer: what an older one made of it is asked
    for anew. lock: the one that all users of the store's connection share."""

    store: AnswerCache
    lock: threading.RLock

    def literature(self, source: str, query: str, limit: int) -> Sequence[Passage] | None:
        with self.lock:
            return self.store.literature(_read_by_us(source), query, limit)

    def put_literature(self, source: str, query: str, limit: int, passages: Sequence[Passage]) -> None:
        with self.lock:
            self.store.put_literature(_read_by_us(source), query, limit, passages)


def _read_by_us(source: str) -> str:
    return f"{source}/{version_of('evolution/literature')}"


class Cached:
    """A source that is asked once for each (query, limit); failures are not kept."""

    def __init__(self, source: LiteratureSource, cache: AnswerCache) -> None:
        self._source, self._cache = source, cache

    @property
    def kind(self) -> str:
        return self._source.kind

    def search(self, query: str, limit: int) -> list[Passage]:
        known = self._cache.literature(self.kind, query, limit)
        if known is not None:
            return list(known)
        passages = self._source.search(query, limit)
        self._cache.put_literature(self.kind, query, limit, passages)
        return passages


class Recorded:
    """A source in a replay: it has the answers that were kept, and no network."""

    def __init__(self, kind: str, cache: AnswerCache) -> None:
        self._kind, self._cache = kind, cache

    @property
    def kind(self) -> str:
        return self._kind

    def search(self, query: str, limit: int) -> list[Passage]:
        known = self._cache.literature(self._kind, query, limit)
        if known is None:
            raise SourceFailed(f"no answer to {query!r} is recorded")
        return list(known)
