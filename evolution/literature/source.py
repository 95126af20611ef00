"""The interface of a source of passages, and how its answers are cached and replayed."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from evolution.base.plain_text import plain_text
from evolution.base.versions import version_of
from evolution.literature.passage import Passage


class SourceFailed(Exception):
    """A source could not answer; the message is one sentence for the user, as plain text. It never ends a run."""

    def __init__(self, message: str) -> None:
        super().__init__(plain_text(message))


class LiteratureSource(Protocol):
    """A source of passages."""

    @property
    def kind(self) -> str:
        """One of `settings.SOURCES`."""
        ...

    def search(self, query: str, limit: int) -> list[Passage]:
        """Passages for a query, best first, at most `limit`. Raises SourceFailed."""
        ...


class AnswerCache(Protocol):
    """Keeps answers by (source, query, limit), so that no query is asked twice and a replay needs no network.

    evolution.store.store.Store is one.
    """

    def literature(self, source: str, query: str, limit: int) -> Sequence[Passage] | None:
        """The kept answer, which may be empty; None if the query was never answered."""
        ...

    def put_literature(self, source: str, query: str, limit: int, passages: Sequence[Passage]) -> None:
        """Keep an answer."""
        ...


@dataclass(frozen=True, kw_only=True)
class StoredAnswers:
    """In the repo's store, under the version of our code that read the answer: what an older one made of it is asked
    for anew. lock: the one that all users of the store's connection share."""

    store: AnswerCache
    lock: threading.RLock

    def literature(self, source: str, query: str, limit: int) -> Sequence[Passage] | None:
        """The kept answer, or None."""
        with self.lock:
            return self.store.literature(_read_by_us(source), query, limit)

    def put_literature(self, source: str, query: str, limit: int, passages: Sequence[Passage]) -> None:
        """Keep an answer in the store."""
        with self.lock:
            self.store.put_literature(_read_by_us(source), query, limit, passages)


def _read_by_us(source: str) -> str:
    return f"{source}/{version_of('evolution/literature')}"


class Cached:
    """A source that is asked once for each (query, limit). Failures are not kept."""

    def __init__(self, source: LiteratureSource, cache: AnswerCache) -> None:
        self._source, self._cache = source, cache

    @property
    def kind(self) -> str:
        """The kind of the source that is asked."""
        return self._source.kind

    def search(self, query: str, limit: int) -> list[Passage]:
        """The kept answer, else the source's, which is kept. Raises SourceFailed."""
        known = self._cache.literature(self.kind, query, limit)
        if known is not None:
            return list(known)
        passages = self._source.search(query, limit)
        self._cache.put_literature(self.kind, query, limit, passages)
        return passages


class Recorded:
    """A source in a replay: it gives the answers that were kept, and uses no network."""

    def __init__(self, kind: str, cache: AnswerCache) -> None:
        self._kind, self._cache = kind, cache

    @property
    def kind(self) -> str:
        """The kind of the source that was recorded."""
        return self._kind

    def search(self, query: str, limit: int) -> list[Passage]:
        """The kept answer. Raises SourceFailed if there is none."""
        known = self._cache.literature(self._kind, query, limit)
        if known is None:
            raise SourceFailed(f"no answer to {query!r} is recorded")
        return list(known)
