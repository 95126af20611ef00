"""The retriever as the user's settings want it."""

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
    """web: the endpoint's search, which keeps its own record; None where there is no endpoint, which is then a note."""
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
    """For a replay: the library, and of the services what they once answered. web: of a client that replays."""
    made: dict[str, Callable[[], LiteratureSource]] = {
        LIBRARY: builtin_library,
        ARXIV: lambda: Recorded(ARXIV, cache),
        SEMANTIC_SCHOLAR: lambda: Recorded(SEMANTIC_SCHOLAR, cache),
        WEB: lambda: WebSource(web or _no_endpoint),
    }
    return Retriever([made[name]() for name in settings.sources])


def _no_endpoint(query: str) -> WebAnswer:
    raise SourceFailed("no LLM endpoint is set up, so there is no web search")
