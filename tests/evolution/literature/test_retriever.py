"""The retriever merges what its sources say, cites each paper once, and goes on when a source does not."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from evolution.errors import UsageError
from evolution.literature.arxiv import ArxivSource
from evolution.literature.fetching import Fetcher
from evolution.literature.library import builtin_library
from evolution.literature.opening import DEFAULT_SOURCES, open_recorded, open_retriever
from evolution.literature.passage import Passage
from evolution.literature.retriever import Retriever, merge
from evolution.literature.semantic_scholar import SemanticScholarSource
from evolution.literature.source import Cached, Recorded, Source, SourceFailed
from evolution.literature.web import WebAnswer, WebCitation
from evolution.store import Store
from tests.evolution.literature.papers import (
    GSASREC,
    GSASREC_PAPER,
    OTHER,
    PaperServer,
    Reply,
    as_json,
    feed,
    found,
)


def passage(title: str, source: str = "arxiv", identifier: str = "", text: str = "text") -> Passage:
    return Passage(source=source, title=title, year=2020, identifier=identifier, url="", text=text, score=1.0)


class Fixed:
    """A source that says the same to every query and counts how often it is asked."""

    def __init__(self, kind: str, passages: Sequence[Passage]) -> None:
        self.kind, self.passages, self.asked = kind, list(passages), 0

    def search(self, query: str, limit: int) -> list[Passage]:
        self.asked += 1
        return self.passages[:limit]


class Failing(Fixed):
    def search(self, query: str, limit: int) -> list[Passage]:
        self.asked += 1
        raise SourceFailed("no answer within 15 s")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "repo").mkdir()
    with Store.open(tmp_path / "repo") as opened:
        yield opened


def test_one_paper_of_three_sources_is_one_passage_and_stands_first():
    paper = "gSASRec: Reducing Overconfidence in Sequential Recommendation Trained with Negative Sampling"
    arxiv = Fixed("arxiv", [passage("First"), passage(paper, identifier="2308.07192")])
    scholar = Fixed(
        "semantic-scholar", [passage("Second", "semantic-scholar"), passage(paper.upper(), text="")]
    )
    retrieved = Retriever([builtin_library(), arxiv, scholar]).retrieve(
        ["overconfidence"], ["overconfidence"], 8
    )
    assert retrieved.notes == ()
    assert retrieved.passages[0].identifier == "2308.07192"
    assert retrieved.passages[0].source == "library"  # which says most: mechanism, harm, sketch
    assert [p.title.casefold() for p in retrieved.passages].count(paper.casefold()) == 1
    assert {"First", "Second"} <= {p.title for p in retrieved.passages}


def test_titles_that_differ_meet_by_their_arxiv_id():
    merged = merge(
        [[passage("A (v1)", identifier="2001.00001", text="")], [passage("A", identifier="2001.00001")]]
    )
    assert [(p.title, p.text) for p in merged] == [("A", "text")]


def test_codes_alone_bring_techniques_of_the_library():
    retrieved = Retriever([builtin_library()]).retrieve([], ["missed-price", "overused-price"], 3)
    assert {p.identifier for p in retrieved.passages[:2]} == {"2003.03975", "2205.04181"}
    assert "When it hurts" in retrieved.passages[0].text
    assert "Sketch" in retrieved.passages[0].text


def test_without_the_library_among_the_sources_nothing_of_it_is_said():
    retrieved = Retriever([Fixed("arxiv", [passage("Only")])]).retrieve(["x"], ["missed-price"], 5)
    assert [p.title for p in retrieved.passages] == ["Only"]


def test_a_failed_source_is_a_note_and_is_not_asked_again():
    failing = Failing("arxiv", [])
    retrieved = Retriever([failing, builtin_library()]).retrieve(["loss", "order", "price"], [], 5)
    assert retrieved.notes == ("arxiv: no answer within 15 s",)
    assert failing.asked == 1
    assert len(retrieved.passages) == 5


def test_the_same_question_has_the_same_answer():
    sources: list[Source] = [builtin_library(), Fixed("arxiv", [passage("B"), passage("A")])]
    first = Retriever(sources).retrieve(["order ignored", "markov"], ["order-ignored"], 10)
    assert Retriever(sources).retrieve(["order ignored", "markov"], ["order-ignored"], 10) == first


def test_both_services_over_http_are_merged_kept_and_replayed_without_a_network(
    papers: PaperServer, fetcher: Fetcher, store: Store
):
    papers.replies = [Reply(body=feed(GSASREC, OTHER)), as_json(found(GSASREC_PAPER))]
    live = Retriever(
        [
            builtin_library(),
            Cached(ArxivSource(fetcher, papers.base_url), store),
            Cached(SemanticScholarSource(fetcher, papers.base_url), store),
        ]
    )
    first = live.retrieve(["overconfidence"], [], 6)
    assert {p.source for p in first.passages} == {"library", "arxiv"}
    assert len(papers.asked) == 2
    assert live.retrieve(["overconfidence"], [], 6) == first
    assert len(papers.asked) == 2
    replayed = open_recorded(["library", "arxiv", "semantic-scholar"], store)
    assert replayed.retrieve(["overconfidence"], [], 6) == first
    assert len(papers.asked) == 2


def test_what_was_never_asked_is_a_note_in_a_replay(store: Store):
    retrieved = Retriever([Recorded("arxiv", store)]).retrieve(["new"], [], 5)
    assert retrieved.passages == ()
    assert retrieved.notes == ("arxiv: no answer to 'new' is recorded",)


def test_failures_are_not_kept_and_empty_answers_are(store: Store):
    failing, empty = Failing("arxiv", []), Fixed("web", [])
    for _ in range(2):
        with pytest.raises(SourceFailed):
            Cached(failing, store).search("x", 5)
        assert Cached(empty, store).search("x", 5) == []
    assert (failing.asked, empty.asked) == (2, 1)


def test_answers_are_kept_apart_by_source_query_and_limit(store: Store):
    store.put_literature("arxiv", "x", 5, [passage("A")])
    assert store.literature("arxiv", "x", 5) == [passage("A")]
    for other in (("web", "x", 5), ("arxiv", "y", 5), ("arxiv", "x", 6)):
        assert store.literature(*other) is None


def test_by_default_only_the_library_is_asked(store: Store):
    retrieved = open_retriever(DEFAULT_SOURCES, store).retrieve(["loss"], ["overconfidence"], 5)
    assert {p.source for p in retrieved.passages} == {"library"}
    assert retrieved.notes == ()


def test_the_web_is_asked_through_what_was_handed_in_and_else_said_to_be_missing(store: Store):
    page = WebCitation(title="Page", url="https://example.org", start=0, end=4)

    def ask(request: str) -> WebAnswer:
        assert "price levels" in request
        return WebAnswer(text="Page", citations=(page,))

    assert [
        p.title for p in open_retriever(["web"], store, web=ask).retrieve(["price levels"], [], 5).passages
    ] == ["Page"]
    without = open_retriever(["web"], store).retrieve(["another"], [], 5)
    assert without.notes == ("web: no endpoint with a web search is set up",)


def test_an_unknown_source_is_named(store: Store):
    for opening in (open_retriever, open_recorded):
        with pytest.raises(UsageError, match="'google' is no source of literature"):
            opening(["library", "google"], store)
