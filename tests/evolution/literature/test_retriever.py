"""The retriever merges what its sources say, cites each paper once, and goes on when a source does not."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from evolution.base.errors import UsageError
from evolution.literature import source
from evolution.literature.arxiv import ArxivSource
from evolution.literature.fetching import Fetcher
from evolution.literature.library import builtin_library
from evolution.literature.opening import open_recorded, open_retriever
from evolution.literature.passage import Passage
from evolution.literature.retriever import Retriever, merge
from evolution.literature.semantic_scholar import SemanticScholarSource
from evolution.literature.settings import LiteratureSettings, literature_settings
from evolution.literature.source import Cached, LiteratureSource, Recorded, SourceFailed, StoredAnswers
from evolution.literature.web import WebAnswer, WebCitation
from evolution.repo.settings import user_settings
from evolution.store.store import Store
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
def store(tmp_path: Path):
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
    sources: list[LiteratureSource] = [builtin_library(), Fixed("arxiv", [passage("B"), passage("A")])]
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
    replayed = open_recorded(named("library", "arxiv", "semantic-scholar"), store)
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


def test_an_answer_that_an_older_version_read_is_asked_for_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    answers = StoredAnswers(store=store, lock=threading.RLock())
    answers.put_literature("arxiv", "x", 5, [passage("A")])
    assert answers.literature("arxiv", "x", 5) == [passage("A")]
    monkeypatch.setattr(source, "version_of", lambda *_: "newer")
    assert answers.literature("arxiv", "x", 5) is None


def test_by_default_only_the_library_is_asked(store: Store):
    retrieved = open_retriever(LiteratureSettings(), store).retrieve(["loss"], ["overconfidence"], 5)
    assert {p.source for p in retrieved.passages} == {"library"}
    assert retrieved.notes == ()


def test_the_web_is_asked_through_what_was_handed_in_and_else_said_to_be_missing(store: Store):
    page = WebCitation(title="Page", url="https://example.org", start=0, end=4)

    def ask(query: str) -> WebAnswer:
        return WebAnswer(text=f"Page {query}", citations=(page,))

    for opening in (open_retriever, open_recorded):
        found = opening(named("web"), store, web=ask).retrieve(["price levels"], [], 5)
        assert [p.title for p in found.passages] == ["Page"]
        without = opening(named("web"), store).retrieve(["another"], [], 5)
        assert without.notes == ("web: no LLM endpoint is set up, so there is no web search",)


def test_answers_can_be_kept_by_several_threads_of_one_connection(store: Store):
    shared = StoredAnswers(store=store, lock=threading.RLock())
    shared.put_literature("arxiv", "x", 5, [passage("A")])
    assert shared.literature("arxiv", "x", 5) == [passage("A")]


def named(*sources: str) -> LiteratureSettings:
    return LiteratureSettings(sources=sources)


def test_the_settings_name_the_sources_and_the_key_is_not_shown():
    settings = literature_settings({"sources": ["arxiv", "library", "arxiv"], "semantic_scholar_key": "k123"})
    assert settings.sources == ("arxiv", "library")
    assert settings.semantic_scholar_key == "k123"
    assert "k123" not in repr(settings)
    assert literature_settings({}) == LiteratureSettings()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"sources": ["library", "google"]}, "expected a list of library, arxiv, semantic-scholar, web"),
        ({"sources": "library"}, "expected a list of library"),
        ({"source": []}, "unknown key 'source'"),
        ({"semantic_scholar_key": 3}, "semantic_scholar_key"),
    ],
)
def test_a_wrong_setting_is_named(table: dict[str, object], said: str):
    with pytest.raises(UsageError, match=said):
        literature_settings(table)


def test_the_settings_are_read_from_the_users_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EVOLVEREC_CONFIG_HOME", str(tmp_path))
    assert user_settings().literature == LiteratureSettings()
    (tmp_path / "config.toml").write_text('[literature]\nsources = ["library", "arxiv"]\n')
    assert user_settings().literature.sources == ("library", "arxiv")
