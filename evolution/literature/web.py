"""The endpoint's own web search as a source: its answer, in the form of the Responses API, becomes passages.

`web_search.py` reaches the endpoint; here the search is a function that is handed in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from evolution.base.errors import LlmError
from evolution.literature.passage import Passage, arxiv_id, passage_of
from evolution.literature.settings import WEB
from evolution.literature.source import SourceFailed

LONGEST_QUOTE = 600


@dataclass(frozen=True, kw_only=True)
class WebCitation:
    """A page that the answer rests on.

    start, end: the citation's place in the answer's text, in characters.
    """

    title: str
    url: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class WebAnswer:
    """The answer to one web search."""

    text: str
    citations: tuple[WebCitation, ...]


class WebSearch(Protocol):
    """The function that searches the web; `web_search.SearchClient.search` is one. A call raises LlmError if there is
    no answer.
    """

    def __call__(self, query: str) -> WebAnswer:
        """The answer to a web search. Raises LlmError if there is none."""
        ...


class WebSource:
    """Searches the web by the endpoint."""

    kind = WEB

    def __init__(self, ask: WebSearch) -> None:
        self._ask = ask

    def search(self, query: str, limit: int) -> list[Passage]:
        """One passage for each cited page, in the order of the answer, at most `limit`. Raises SourceFailed."""
        try:
            answer = self._ask(query)
        except LlmError as error:
            raise SourceFailed(str(error)) from None
        return passages_of(answer)[:limit]


def passages_of(answer: WebAnswer) -> list[Passage]:
    """One passage for each page that the answer cites, in the order of its first citation."""
    pages: dict[str, list[WebCitation]] = {}
    for citation in sorted(answer.citations, key=lambda c: c.start):
        pages.setdefault(citation.url, []).append(citation)
    found = [_passage(answer.text, cited, place) for place, cited in enumerate(pages.values())]
    return [passage for passage in found if passage.url and passage.title]


def _passage(text: str, cited: Sequence[WebCitation], place: int) -> Passage:
    first = cited[0]
    identifier = arxiv_id(first.url) if "arxiv.org/" in first.url else ""
    quotes = dict.fromkeys(_quote(text, citation) for citation in cited)
    return passage_of(
        source=WEB,
        title=first.title or first.url,
        year=2000 + int(identifier[:2]) if identifier else None,
        identifier=identifier,
        url=first.url,
        text=" ".join(quotes),
        score=1 / (1 + place),
    )


def _quote(text: str, citation: WebCitation) -> str:
    """The text before a citation, from the beginning of its paragraph, at most LONGEST_QUOTE characters."""
    end = min(max(citation.end, 0), len(text))
    start = text.rfind("\n", 0, max(min(citation.start, end), 0)) + 1
    return text[max(start, end - LONGEST_QUOTE) : end].strip()


def answer_of(response: Mapping[str, Any]) -> WebAnswer:
    """The output text and its `url_citation`s, from a response of the Responses API as plain JSON."""
    texts: list[str] = []
    citations: list[WebCitation] = []
    for part in _parts(response):
        shift = sum(map(len, texts))
        texts.append(part["text"] + "\n")
        notes = part.get("annotations")
        citations += (
            [_citation(note, shift) for note in notes if _is_citation(note)]
            if isinstance(notes, list)
            else []
        )
    return WebAnswer(text="".join(texts), citations=tuple(citations))


def _parts(response: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    output = response.get("output")
    contents = (
        [item.get("content") for item in output if isinstance(item, Mapping)]
        if isinstance(output, list)
        else []
    )
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return [part for part in parts if isinstance(part, Mapping) and isinstance(part.get("text"), str)]


def _is_citation(note: Any) -> bool:
    return (
        isinstance(note, Mapping) and note.get("type") == "url_citation" and isinstance(note.get("url"), str)
    )


def _citation(note: Mapping[str, Any], shift: int) -> WebCitation:
    start, end, title = note.get("start_index"), note.get("end_index"), note.get("title")
    return WebCitation(
        title=title if isinstance(title, str) else "",
        url=note["url"],
        start=shift + (start if isinstance(start, int) else 0),
        end=shift + (end if isinstance(end, int) else 0),
    )
