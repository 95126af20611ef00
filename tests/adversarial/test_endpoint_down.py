"""An LLM endpoint that cannot be used is noticed before anything is trained, in seconds, whatever is wrong with it."""

import socket
import time
from collections.abc import Iterator

import pytest

from evolution.base.errors import Cancelled, LlmUnavailable
from evolution.domain.job import JobKind, JobState
from evolution.llm import reaching
from evolution.llm.settings import LlmSettings
from tests.evolution.jobs.conftest import Bench, bench
from tests.llm.scripted import Answer, ScriptedLlm, huge, malformed, reply, slow, status, without_usage

pytestmark = pytest.mark.slow

MODEL = "scripted-1"
SOON_S = 30.0  # on a busy machine; every case takes a second or two, and what is never waited for would take longer
bench = bench
PAGE = Answer(raw=b"<!doctype html><html><body>Sign in to the network</body></html>")


def reach(base_url: str, model: str = MODEL) -> float:
    """How long it takes. Raises LlmUnavailable."""
    started = time.monotonic()
    settings = LlmSettings(base_url=base_url, key="key-of-the-scripted-endpoint", model=model)
    try:
        reaching.reach(settings, [model], cancelled=lambda: False)
    finally:
        taken_s = time.monotonic() - started
    return taken_s


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "TIMEOUT_S", 1.0)
    monkeypatch.setattr(reaching, "AGAIN_S", 0.05)


@pytest.fixture
def port() -> Iterator[int]:
    """Somebody listens there and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("http://127.0.0.1:{closed}/v1", "no connection"),
        ("http://nowhere.invalid/v1", "no connection"),
        ("http://127.0.0.1:{silent}/v1", "did not answer in time"),
        ("https://127.0.0.1:{silent}/v1", "time|no connection"),
    ],
)
def test_an_endpoint_that_is_not_there_is_named_with_what_to_do(where: str, said: str, port: int):
    address = where.format(closed=closed_port(), silent=port)
    started = time.monotonic()
    with pytest.raises(LlmUnavailable, match=f"{address} cannot be used: .*({said}).*EVOLVEREC_LLM_BASE_URL"):
        reach(address)
    assert time.monotonic() - started < SOON_S


def test_plain_http_behind_https_is_no_endpoint(scripted_llm: ScriptedLlm):
    with pytest.raises(LlmUnavailable, match="no connection"):
        reach(scripted_llm.base_url.replace("http:", "https:"))


BAD = {
    "no key": (status(401, "who?"), None, "401: who\\?; set EVOLVEREC_LLM_KEY"),
    "forbidden": (status(403, "not you"), None, "403: not you"),
    "page for models and answers": (PAGE, PAGE, "no chat completion"),
    "wrong path": (status(404), status(404), "is the address right"),
    "overloaded": (status(503, "busy"), None, "503: busy"),
    "endless noise": (Answer(raw=b"x" * 400, drip_s=0.05), Answer(raw=b"x" * 400, drip_s=0.05), "no chat completion"),
    "endless models": (Answer(raw=b'{"data": [' + b" " * 400, drip_s=0.05), None, "not complete in time"),
    "lists the model, refuses the key": (None, status(401, "who?"), "401: who\\?; set EVOLVEREC_LLM_KEY"),
    "lists the model, answers a page": (None, PAGE, "no chat completion"),
    "lists the model, answers noise": (None, Answer(raw=b"\x00\xff\x1b[2J" * 9), "no chat completion"),
    "lists the model, never ends its answer": (None, Answer(raw=b'{"choices": "' + b"x" * 400, drip_s=0.05), "not complete in time"),
    "lists the model, answers noise for ever": (None, Answer(raw=b"x" * 400, drip_s=0.05), "no chat completion"),
    "lists the model, fails": (None, status(500, "oh"), "500: oh"),
    "huge body": (huge(), status(404), "is the address right"),
    "a list of nothing": (reply("null"), status(404), "is the address right"),
    "other json": (Answer(raw=b'{"data": [1, 2]}'), status(404), "is the address right"),
    "deep json": (Answer(raw=b"[" * 50_000), status(404), "is the address right"),
    "redirects for ever": (Answer(status=307, headers={"Location": "/v1/models"}, raw=b""), None, "redirect|no connection|in time"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_an_endpoint_that_answers_wrongly_is_named_by_what_is_wrong(name: str, scripted_llm: ScriptedLlm):
    scripted_llm.is_tried = True
    scripted_llm.listing, scripted_llm.script, said = BAD[name]
    with pytest.raises(LlmUnavailable, match=f"cannot be used: .*({said})"):
        reach(scripted_llm.base_url)


def test_a_model_that_it_does_not_have_is_told_with_those_that_it_has(scripted_llm: ScriptedLlm):
    scripted_llm.is_tried = True
    scripted_llm.models, scripted_llm.script = ["good-1", "good-2"], status(404, "no such model")
    with pytest.raises(
        LlmUnavailable, match=r"asked for scripted-1, it answers 404.*it lists good-1, good-2"
    ):
        reach(scripted_llm.base_url)


GOOD = {
    "lists the model": (None, reply("OK")),
    "lists the model, takes its time": (None, slow(2.0, reply("OK"))),
    "sends white space first": (None, Answer(raw=b" " * 1200, drip_s=0.05)),
    "lists no models": (status(404), reply("OK")),
    "lists a page": (PAGE, reply("OK")),
    "without usage": (status(405), without_usage(reply("OK"))),
    "answers in its own way": (status(404), malformed()),
    "wants another form": (status(404), status(400, "max_completion_tokens is not supported")),
    "is asked too often": (status(429), status(429, "slowly")),
    "takes its time": (status(404), slow(2.0, reply("OK"))),
}


@pytest.mark.parametrize("name", GOOD)
def test_an_endpoint_that_may_well_work_is_believed(name: str, scripted_llm: ScriptedLlm):
    scripted_llm.is_tried = True
    scripted_llm.listing, scripted_llm.script = GOOD[name]
    assert reach(scripted_llm.base_url) < SOON_S
    assert (
        len(scripted_llm.requests) <= 2
    )  # one; one more where a busy machine let the wait for the first run out


def test_a_cancel_meanwhile_is_a_cancel(port: int):
    settings = LlmSettings(base_url=f"http://127.0.0.1:{port}/v1", key="", model=MODEL)
    with pytest.raises(Cancelled):
        reaching.reach(settings, [MODEL], cancelled=lambda: True)


@pytest.mark.process
@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (JobKind.EVOLVE, {"strategy": "greedy", "trials": 4}),
        (JobKind.SIMULATE, {}),
    ],
)
def test_a_job_that_needs_it_ends_before_it_trains(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, kind: JobKind, params: dict
):
    monkeypatch.setenv("EVOLVEREC_LLM_MODEL", MODEL)
    monkeypatch.setenv("EVOLVEREC_LLM_BASE_URL", f"http://127.0.0.1:{closed_port()}/v1")
    ended = bench.run(kind, **params)
    assert ended.state is JobState.FAILED and "cannot be used: no connection" in ended.error
    assert bench.trials() == {}
