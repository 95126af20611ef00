"""A fuzzed client: whatever it sends, the server lives, answers each request once, and its log has no traceback.

What it costs: some 35 seconds, most of it the server's. tests/bench/wire_soak.py does the same for an hour.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.server.fuzzing import Places, Traffic, introductions, traffics
from tests.server.soaking import FuzzedClient, Tally, fuzzed_repo, whole_session

pytestmark = pytest.mark.wire

GROWTH_MB = 60.0  # of a server whose caches are still being filled
FUZZED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[
        Phase.explicit,
        Phase.generate,
    ],  # the server has a state, so that a smaller example would tell little
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return fuzzed_repo(tmp_path)


@pytest.fixture
def client(places: Places, tmp_path: Path) -> Iterator[FuzzedClient]:
    client = FuzzedClient(places, tmp_path, Tally())
    yield client
    client.close()


def test_a_server_lives_through_anything_and_answers_each_request_once(client: FuzzedClient, places: Places):
    started_mb = client.resident_mb()

    @settings(FUZZED, max_examples=100)
    @given(traffics(places))
    def exchange(traffic):
        client.exchange(traffic)
        assert client.tally.faults == []

    exchange()
    assert client.tally.requests > 200
    assert client.resident_mb() - started_mb < GROWTH_MB
    assert client.server.end() == 0


def test_any_session_ends_with_each_of_its_requests_answered(places: Places, tmp_path: Path):
    tally = Tally()

    @settings(FUZZED, max_examples=8)
    @given(introductions(places))
    def hold(messages):
        whole_session(messages, tmp_path, tally)
        assert tally.faults == []

    hold()
    assert tally.requests > 10


def test_the_fuzz_would_notice_a_server_that_owes_an_answer(places: Places, tmp_path: Path, monkeypatch):
    """A client whose server never answers code lenses, as seen from here."""
    tally = Tally()
    client = FuzzedClient(places, tmp_path, tally)
    monkeypatch.setattr("tests.server.soaking.PATIENCE_S", 0.2)
    taken = client.server._take
    client.server._take = lambda message: None if message.get("result") == [] else taken(message)
    lens = {
        "jsonrpc": "2.0",
        "method": "textDocument/codeLens",
        "id": True,
        "params": {"textDocument": {"uri": "x:y"}},
    }
    client.exchange(Traffic(parts=[lens], reply="nothing chosen"))
    client.close()
    assert "0 answers to textDocument/codeLens" in tally.faults[0]
