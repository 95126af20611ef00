"""A fuzzed client at one server for an hour: does it die, is each request answered once, does its memory stay flat?

python tests/bench/wire_soak.py                an hour
python tests/bench/wire_soak.py --minutes 3    a short form; writes the figure only with --record

hypothesis draws what the client sends (tests/server/fuzzing.py) anew each round. Every SESSION_EVERY bursts a whole session
with a start that is mutated too runs at a server of its own. Writes docs/results/wire-soak.json: `alone_ms` are the answers
to single correct hovers between the bursts, `burst_ms` those to requests sent at once with others (without commands, which
wait for a person). Resident memory is the long-lived server's.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from figures import record
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.server.fuzzing import introductions, traffics
from tests.server.soaking import FuzzedClient, Tally, fuzzed_repo, whole_session

ROUND = 200  # bursts
SESSION_EVERY = 50
SAMPLE_S = 300.0
WARM_ROUNDS = 2  # before memory is called the start's: until then, caches and libraries are filled
DRAWN = settings(
    max_examples=ROUND,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EVOLVEREC_CONFIG_HOME"] = os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "config")
        figures = soak(Path(folder), asked.minutes * 60)
    if asked.record or asked.minutes >= 60:
        record("wire-soak", figures)
    else:
        print(figures)


def soak(folder: Path, long_s: float) -> dict[str, Any]:
    places, tally = fuzzed_repo(folder), Tally()
    client = FuzzedClient(places, folder, tally)
    began = time.monotonic()
    memory: list[dict[str, float]] = []
    rounds = 0
    while time.monotonic() - began < long_s:
        _round(rounds, client, folder, began + long_s)
        rounds += 1
        if client.server.process.poll() is not None:
            client.close()
            client = FuzzedClient(places, folder, tally)
        passed = time.monotonic() - began
        if rounds == WARM_ROUNDS or (memory and passed - 60 * memory[-1]["minute"] >= SAMPLE_S):
            memory.append({"minute": round(passed / 60, 2), "rss_mb": round(client.resident_mb(), 1)})
            print(memory[-1], tally.messages, len(tally.faults), flush=True)
    memory.append(
        {"minute": round((time.monotonic() - began) / 60, 2), "rss_mb": round(client.resident_mb(), 1)}
    )
    code = client.server.end() if client.server.process.poll() is None else client.server.process.returncode
    client.close()
    return {
        "minutes": round(long_s / 60, 1),
        "rounds": rounds,
        "exit_code": code,
        **_figures(tally),
        "memory": memory,
    }


def _round(number: int, client: FuzzedClient, folder: Path, end: float) -> None:
    """One round of bursts, and a few whole sessions."""

    @seed(number)
    @settings(DRAWN)
    @given(traffics(client.places))
    def exchange(traffic: Any) -> None:
        if time.monotonic() < end and client.server.process.poll() is None:
            client.exchange(traffic)

    @seed(number)
    @settings(DRAWN, max_examples=ROUND // SESSION_EVERY)
    @given(introductions(client.places))
    def hold(messages: Any) -> None:
        whole_session(messages, folder, client.tally)

    known = len(client.tally.faults)
    exchange()
    hold()
    for fault in client.tally.faults[known:]:
        print(fault, flush=True)
    for log in folder.glob("whole-*.log"):
        log.unlink()


def _figures(tally: Tally) -> dict[str, Any]:
    return {
        "messages": tally.messages,
        "requests": tally.requests,
        "answers": tally.answers,
        "of_which_errors": tally.refused,
        "deaths": tally.deaths,
        "tracebacks": tally.tracebacks,
        "faults": len(tally.faults),
        "alone_ms": _spread(tally.waits_ms),
        "burst_ms": _spread(tally.burst_ms),
    }


def _spread(values: list[float]) -> dict[str, float]:
    parts = statistics.quantiles(values, n=100)
    return {"p50": round(parts[49], 1), "p99": round(parts[98], 1), "max": round(max(values), 1)}


if __name__ == "__main__":
    main()
