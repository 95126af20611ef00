"""Semantic Scholar as a source, by the paper search of its Graph API, which answers with JSON."""

import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from evolution.literature.fetching import Fetcher
from evolution.literature.passage import Passage, arxiv_id, passage_of
from evolution.literature.settings import SEMANTIC_SCHOLAR
from evolution.literature.source import SourceFailed

BASE_URL = "https://api.semanticscholar.org"
INTERVAL_S = 1.0
FIELDS = "title,year,abstract,externalIds,url"
LONGEST_QUERY = 300


class SemanticScholarSource:
    """Searches Semantic Scholar's papers."""

    kind = SEMANTIC_SCHOLAR

    def __init__(self, fetcher: Fetcher | None = None, base_url: str = BASE_URL, key: str = "") -> None:
        """key: the user's own API key, which raises the rate limit; "" sends none."""
        self._fetcher = fetcher or Fetcher(interval_s=INTERVAL_S)
        self._headers = {"x-api-key": key} if key else {}
        self._base_url = base_url.rstrip("/")

    def search(self, query: str, limit: int) -> list[Passage]:
        """Passages by Semantic Scholar's relevance, at most `limit`. Raises SourceFailed."""
        plain = " ".join(query.replace("-", " ").split())[
            :LONGEST_QUERY
        ]  # their search finds nothing for hyphenated words
        if not plain:
            return []
        parameters = urllib.parse.urlencode({"query": plain, "limit": limit, "fields": FIELDS})
        address = f"{self._base_url}/graph/v1/paper/search?{parameters}"
        return parse_papers(self._fetcher.get(address, self._headers))[:limit]


def parse_papers(document: bytes) -> list[Passage]:
    """The papers of an answer. Raises SourceFailed if the answer does not have the form of a paper search."""
    try:
        answer = json.loads(document)
    except (ValueError, RecursionError):
        raise SourceFailed("the answer is no JSON") from None
    if not isinstance(answer, dict):
        raise SourceFailed("the answer is no JSON object")
    papers = answer.get("data", [] if answer.get("total") == 0 else None)
    if not isinstance(papers, list):
        said = answer.get("message") or answer.get("error") or "it holds no list of papers"
        raise SourceFailed(f"the answer cannot be used ({str(said)[:200]})")
    found = [_passage(paper, place) for place, paper in enumerate(papers) if isinstance(paper, dict)]
    return [passage for passage in found if passage.title]


def _passage(paper: Mapping[str, Any], place: int) -> Passage:
    ids = paper.get("externalIds")
    identifier = _identifier(ids if isinstance(ids, dict) else {})
    year = paper.get("year")
    return passage_of(
        source=SEMANTIC_SCHOLAR,
        title=_string(paper.get("title")),
        year=year if isinstance(year, int) else None,
        identifier=identifier,
        url=f"https://arxiv.org/abs/{identifier}"
        if arxiv_id(identifier) == identifier != ""
        else _string(paper.get("url")),
        text=_string(paper.get("abstract")),
        score=1 / (1 + place),
    )


def _identifier(ids: Mapping[str, Any]) -> str:
    return arxiv_id(_string(ids.get("ArXiv"))) or _string(ids.get("DOI"))


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
