"""The retriever as the user's settings want it. By default the library alone: nothing leaves the machine unasked."""

from collections.abc import Sequence

from evolution.errors import UsageError
from evolution.literature.arxiv import ARXIV, ArxivSource
from evolution.literature.library import LIBRARY, builtin_library
from evolution.literature.retriever import Retriever
from evolution.literature.semantic_scholar import SEMANTIC_SCHOLAR, SemanticScholarSource
from evolution.literature.source import AnswerCache, Cached, Recorded, Source, SourceFailed
from evolution.literature.web import WEB, WebAnswer, WebSearch, WebSource

SOURCES = (LIBRARY, ARXIV, SEMANTIC_SCHOLAR, WEB)
DEFAULT_SOURCES = (LIBRARY,)


def open_retriever(
    names: Sequence[str], cache: AnswerCache, *, web: WebSearch | None = None, semantic_scholar_key: str = ""
) -> Retriever:
    """names: of SOURCES, as in the setting `[literature] sources`. web: None where the endpoint has no web search,
    which is then a note in every answer. Raises UsageError for a name that is none."""
    check_names(names)

    def source(name: str) -> Source:
        if name == LIBRARY:
            return builtin_library()
        if name == ARXIV:
            return Cached(ArxivSource(), cache)
        if name == SEMANTIC_SCHOLAR:
            return Cached(SemanticScholarSource(key=semantic_scholar_key), cache)
        return Cached(WebSource(web or _no_web_search), cache)

    return Retriever([source(name) for name in names])


def open_recorded(names: Sequence[str], cache: AnswerCache) -> Retriever:
    """For a replay: the library, and of every other source what it once answered. Raises UsageError."""
    check_names(names)
    return Retriever([builtin_library() if name == LIBRARY else Recorded(name, cache) for name in names])


def check_names(names: Sequence[str]) -> None:
    for name in names:
        if name not in SOURCES:
            raise UsageError(f"{name!r} is no source of literature; expected of {', '.join(SOURCES)}")


def _no_web_search(request: str) -> WebAnswer:
    raise SourceFailed("no endpoint with a web search is set up")
