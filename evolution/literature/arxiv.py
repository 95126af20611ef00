"""arXiv as a source, by its query interface, which answers with an Atom feed."""

import urllib.parse
import xml.etree.ElementTree as ET

from evolution.literature.fetching import Fetcher
from evolution.literature.library import content_words
from evolution.literature.passage import Passage, arxiv_id, passage_of
from evolution.literature.settings import ARXIV
from evolution.literature.source import SourceFailed

BASE_URL = "https://export.arxiv.org"
INTERVAL_S = 3.0  # between two requests, as arXiv asks of programs
MOST_WORDS = 12  # words of a query that are searched
_ATOM = "{http://www.w3.org/2005/Atom}"


class ArxivSource:
    """Searches arXiv's abstracts."""

    kind = ARXIV

    def __init__(self, fetcher: Fetcher | None = None, base_url: str = BASE_URL) -> None:
        self._fetcher = fetcher or Fetcher(interval_s=INTERVAL_S)
        self._base_url = base_url.rstrip("/")

    def search(self, query: str, limit: int) -> list[Passage]:
        """Passages by arXiv's relevance, at most `limit`. Raises SourceFailed."""
        asked = search_query(query)
        if not asked:
            return []
        parameters = urllib.parse.urlencode(
            {"search_query": asked, "start": 0, "max_results": limit, "sortBy": "relevance"}
        )
        return parse_feed(self._fetcher.get(f"{self._base_url}/api/query?{parameters}"))[:limit]


def search_query(query: str) -> str:
    """arXiv's query for any of the words, in the two categories where papers on recommenders appear; "" without a
    word.
    """
    words = list(dict.fromkeys(content_words(query)))[:MOST_WORDS]
    any_word = " OR ".join(f"all:{word}" for word in words)
    return f"(cat:cs.IR OR cat:cs.LG) AND ({any_word})" if words else ""


def parse_feed(document: bytes) -> list[Passage]:
    """The entries of an Atom feed. Raises SourceFailed if the document is none, or says that the query failed."""
    root = _parse(document)
    if root.tag != f"{_ATOM}feed":
        raise SourceFailed("the answer is no Atom feed")
    entries = root.findall(f"{_ATOM}entry")
    for entry in entries:
        if "/api/errors" in _text(entry, "id"):
            raise SourceFailed(f"the query was refused ({_text(entry, 'summary')[:200].strip()})")
    found = [_passage(entry, place) for place, entry in enumerate(entries)]
    return [passage for passage in found if passage.title]


def _parse(document: bytes) -> ET.Element:
    """The XML tree. Documents that declare a document type are refused, so that no entity can be expanded."""
    try:
        text = document.decode("utf-8")
    except UnicodeDecodeError:
        raise SourceFailed("the answer is not UTF-8") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise SourceFailed("the answer declares a document type, which a feed does not need")
    try:
        return ET.fromstring(text)
    except (ET.ParseError, ValueError):
        raise SourceFailed("the answer is no well-formed XML") from None


def _passage(entry: ET.Element, place: int) -> Passage:
    identifier = arxiv_id(_text(entry, "id"))
    published = _text(entry, "published")[:4]
    return passage_of(
        source=ARXIV,
        title=_text(entry, "title"),
        year=int(published) if published.isascii() and published.isdigit() else None,
        identifier=identifier,
        url=f"https://arxiv.org/abs/{identifier}" if identifier else _text(entry, "id"),
        text=_text(entry, "summary"),
        score=1 / (1 + place),
    )


def _text(entry: ET.Element, name: str) -> str:
    return entry.findtext(f"{_ATOM}{name}") or ""
