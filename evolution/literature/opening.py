"""Opens the retriever with the sources that the user's settings name."""

from collections.abc import Callable

from evolution.literature.arxiv import ArxivSource
from evolution.literature.library import builtin_library
from evolution.literature.retriever import Retriever
from evolution.literature.semantic_scholar import SemanticScholarSource
from evolution.literature.settings import ARXIV, LIBRARY, SEMANTIC_SCHOLAR, WEB, LiteratureSettings
from evolution.literature.source import AnswerCache, Cached, LiteratureSource, Recorded, SourceFailed
from evolution.literature.web import WebAnswer, WebSearch, WebSource


def open_retriever(
    settings: LiteratureSettings, cache: AnswerCache, *, web: WebSearch | None = None
) -> Retriever:
    """A retriever that asks the sources.

    web: the endpoint's search, which keeps its own record; None if there is no endpoint, which becomes a note.
    """
    made: dict[str, Callable[[], LiteratureSource]] = {
        LIBRARY: builtin_library,
        ARXIV: lambda: Cached(ArxivSource(), cache),
        SEMANTIC_SCHOLAR: lambda: Cached(SemanticScholarSource(key=settings.semantic_scholar_key), cache),
        WEB: lambda: WebSource(web or _no_endpoint),
    }
    return Retriever([made[name]() for name in settings.sources])


def open_recorded(
    settings: LiteratureSettings, cache: AnswerCache, *, web: WebSearch | None = None
) -> Retriever:
    """A retriever for a replay: it asks the library, and answers for all other sources from the record.

    web: the search of a client that replays.
    """
    made: dict[str, Callable[[], LiteratureSource]] = {
        LIBRARY: builtin_library,
        ARXIV: lambda: Recorded(ARXIV, cache),
        SEMANTIC_SCHOLAR: lambda: Recorded(SEMANTIC_SCHOLAR, cache),
        WEB: lambda: WebSource(web or _no_endpoint),
    }
    return Retriever([made[name]() for name in settings.sources])


def _no_endpoint(query: str) -> WebAnswer:
    raise SourceFailed("no LLM endpoint is set up, so there is no web search")
