"""Fetching is patient with what may pass, quick to give up what will not, and never held by a slow server."""

import time
from email.utils import formatdate

import pytest

from evolution.literature.fetching import Fetcher
from evolution.literature.source import SourceFailed
from tests.evolution.literature.papers import PaperServer, Reply, Waits

BUSY = Reply(status=429, headers=(("Retry-After", "7"),))


def test_a_rate_limit_is_obeyed_and_then_the_answer_is_had(
    papers: PaperServer, fetcher: Fetcher, waits: Waits
):
    papers.replies = [BUSY, Reply(body=b"here")]
    assert fetcher.get(papers.base_url) == b"here"
    assert waits.seconds == [7.0]


def test_a_rate_limit_may_be_given_as_a_date(papers: PaperServer, fetcher: Fetcher, waits: Waits):
    papers.replies = [
        Reply(status=503, headers=(("Retry-After", formatdate(time.time() + 20, usegmt=True)),)),
        Reply(body=b"here"),
    ]
    assert fetcher.get(papers.base_url) == b"here"
    assert 15 < waits.seconds[0] <= 20


def test_without_a_pause_asked_for_the_waits_grow(papers: PaperServer, fetcher: Fetcher, waits: Waits):
    papers.replies = [Reply(status=500)]
    with pytest.raises(SourceFailed, match="answered 500, 3 times"):
        fetcher.get(papers.base_url)
    assert waits.seconds == [1.0, 2.0]


def test_a_server_that_asks_for_an_hour_is_given_up(papers: PaperServer, fetcher: Fetcher, waits: Waits):
    papers.replies = [Reply(status=429, headers=(("Retry-After", "3600"),))]
    with pytest.raises(SourceFailed, match="429 and asks to wait 3600 s"):
        fetcher.get(papers.base_url)
    assert waits.seconds == []


def test_a_refusal_is_not_tried_again(papers: PaperServer, fetcher: Fetcher):
    papers.replies = [Reply(status=403)]
    with pytest.raises(SourceFailed, match="answered 403"):
        fetcher.get(papers.base_url)
    assert len(papers.asked) == 1


def test_a_server_that_drips_is_left_at_the_time_limit(papers: PaperServer, waits: Waits):
    papers.replies = [Reply(pieces=(b"a",) * 50, pause_s=0.1)]
    started = time.monotonic()
    with pytest.raises(SourceFailed, match=r"no answer within 0.3 s"):
        Fetcher(timeout_s=0.3, attempts=1, sleep=waits).get(papers.base_url)
    assert time.monotonic() - started < 3


def test_a_server_that_does_not_answer_is_left_at_the_time_limit(papers: PaperServer, waits: Waits):
    papers.replies = [Reply(pieces=(b"", b"late"), pause_s=2.0)]
    with pytest.raises(SourceFailed, match=r"no answer within 0.2 s"):
        Fetcher(timeout_s=0.2, attempts=1, sleep=waits).get(papers.base_url)


def test_half_an_answer_is_none(papers: PaperServer, fetcher: Fetcher):
    papers.replies = [Reply(body=b"half", hang_up=True)]
    with pytest.raises(SourceFailed, match="the connection failed"):
        fetcher.get(papers.base_url)


def test_an_answer_beyond_all_size_is_refused(papers: PaperServer, waits: Waits):
    papers.replies = [Reply(body=b"x" * 2000)]
    with pytest.raises(SourceFailed, match="larger than"):
        Fetcher(largest_bytes=1000, sleep=waits).get(papers.base_url)


def test_requests_keep_their_distance(papers: PaperServer, waits: Waits):
    papers.replies = [Reply(body=b"here")]
    slow = Fetcher(interval_s=3.0, sleep=waits)
    slow.get(papers.base_url)
    slow.get(papers.base_url)
    assert len(waits.seconds) == 1
    assert 2.5 < waits.seconds[0] <= 3.0


def test_nothing_listens(waits: Waits):
    with pytest.raises(SourceFailed, match="the connection failed"):
        Fetcher(sleep=waits).get("http://127.0.0.1:9/none")


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", ""])
def test_only_the_web_is_fetched(url: str, fetcher: Fetcher):
    with pytest.raises(SourceFailed, match="no web address"):
        fetcher.get(url)
