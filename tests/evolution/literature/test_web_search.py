"""An endpoint's web search is an exchange like any other: recorded, charged, replayed; and its absence is said."""

import threading
from decimal import Decimal
from pathlib import Path

import pytest

from evolution.base.errors import BudgetSpent, LlmUnavailable, NotRecorded
from evolution.domain.limits import Limits
from evolution.literature.web import WebSource
from evolution.literature.web_search import SearchClient
from evolution.llm.budget import Budget
from evolution.llm.exchanges import StoredExchanges
from evolution.llm.price_list import Price
from evolution.llm.settings import LlmSettings
from evolution.store.store import Store
from tests.evolution.literature.papers import RESPONSE, PaperServer, Reply, as_json
from tests.llm.scripted import ScriptedLlm

USAGE = {"input_tokens": 1000, "output_tokens": 200, "input_tokens_details": {"cached_tokens": 400}}
PRICE = Price(input=Decimal(2), output=Decimal(10), cached=Decimal(1))
COST = Decimal("0.0036")  # 600 x 2 + 400 x 1 + 200 x 10, in millionths


@pytest.fixture
def log(tmp_path: Path):
    (tmp_path / "repo").mkdir()
    with Store.open(tmp_path / "repo") as store:
        yield StoredExchanges(store=store, lock=threading.RLock())


def client(
    url: str, log: StoredExchanges, *, usd: float = 1.0, replay: bool = False, timeout_s: float = 5.0
) -> SearchClient:
    settings = LlmSettings(
        base_url=f"{url}/v1", key="key-of-the-endpoint", model="m", prices={"m": PRICE}, efforts={"researcher": "low"},
        timeout_s=timeout_s, retries=1,
    )  # fmt: skip
    return SearchClient(settings, log=log, budget=Budget(Limits(usd=usd)), replay=replay, first_wait_s=0.01)


def test_a_search_is_asked_for_and_becomes_passages(papers: PaperServer, log: StoredExchanges):
    papers.replies = [as_json(RESPONSE | {"usage": USAGE})]
    with client(papers.base_url, log) as searching:
        first, second = WebSource(searching.search).search("overconfidence", 5)
    assert (first.identifier, second.url) == ("2308.07192", "https://example.org/logq")
    asked = papers.asked[0]
    assert asked.path == "/v1/responses"
    assert asked.parameters["tools"] == [{"type": "web_search"}]
    assert asked.parameters["reasoning"] == {"effort": "low"}
    assert asked.parameters["max_output_tokens"] == 16_000
    assert "overconfidence" in asked.parameters["input"][-1]["content"]


def test_it_is_charged_to_the_cent_and_once_more_from_the_record(papers: PaperServer, log: StoredExchanges):
    papers.replies = [as_json(RESPONSE | {"usage": USAGE})]
    with client(papers.base_url, log) as first:
        answer = first.search("overconfidence")
        assert (first.budget.charged.usd, first.budget.paid.usd) == (COST, COST)
    with client("http://127.0.0.1:9", log, replay=True) as again:
        assert again.search("overconfidence") == answer
        assert (again.budget.charged.usd, again.budget.paid.usd) == (COST, Decimal(0))
        with pytest.raises(NotRecorded):
            again.search("another question")
    assert len(papers.asked) == 1


def test_an_endpoint_without_a_search_is_said_once(scripted_llm: ScriptedLlm, log: StoredExchanges):
    with client(scripted_llm.base_url.removesuffix("/v1"), log) as searching:
        with pytest.raises(LlmUnavailable, match="404"):
            searching.search("overconfidence")


def test_an_endpoint_that_does_not_know_the_tool_is_not_asked_otherwise(
    papers: PaperServer, log: StoredExchanges
):
    papers.replies = [Reply(status=400, body=b'{"error": {"message": "unknown tool web_search"}}')]
    with client(papers.base_url, log) as searching:
        with pytest.raises(LlmUnavailable, match="has it a web search"):
            searching.search("overconfidence")
    assert len(papers.asked) == 1


def test_a_rate_limit_is_obeyed(papers: PaperServer, log: StoredExchanges):
    papers.replies = [Reply(status=429, headers=(("Retry-After", "0.01"),)), as_json(RESPONSE)]
    with client(papers.base_url, log) as searching:
        assert searching.search("overconfidence").citations
    assert len(papers.asked) == 2


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(body=b"<html>"), "its answer is no response"),
        (Reply(body=b'{"output": 3}'), "its answer is no response"),
        (Reply(body=b'{"output": []', hang_up=True), "broke off"),
        (Reply(pieces=(b" ",) * 100, pause_s=0.05), "in time"),
    ],
)
def test_a_broken_answer_is_said_and_what_it_may_have_cost_is_charged(
    reply: Reply, said: str, papers: PaperServer, log: StoredExchanges
):
    papers.replies = [reply]
    with client(papers.base_url, log, timeout_s=0.3) as searching:
        with pytest.raises(LlmUnavailable, match=said):
            searching.search("overconfidence")
        assert searching.budget.charged.usd > 0


def test_a_search_that_the_budget_cannot_bear_is_not_made(papers: PaperServer, log: StoredExchanges):
    papers.replies = [as_json(RESPONSE)]
    with client(papers.base_url, log, usd=0.0001) as searching:
        with pytest.raises(BudgetSpent):
            searching.search("overconfidence")
    assert papers.asked == []
