"""A server on this machine that speaks as arXiv and Semantic Scholar do: what it answers next is the test's business.

What the fixtures cost: a thread and a port, milliseconds.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from evolution.literature.fetching import Fetcher
from tests.evolution.literature.papers import Asked, PaperServer, Waits, send


@pytest.fixture
def papers() -> Iterator[PaperServer]:
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            single = {name: values[0] for name, values in parse_qs(parts.query).items()}
            server.asked.append(Asked(path=parts.path, parameters=single, headers=dict(self.headers)))
            send(self, server.next_reply(), stop)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append(Asked(path=self.path, parameters=body, headers=dict(self.headers)))
            send(self, server.next_reply(), stop)

        def log_message(self, format: str, *args: object) -> None:
            pass

    http_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http_server.daemon_threads = True
    server = PaperServer(base_url=f"http://127.0.0.1:{http_server.server_port}")
    thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    stop.set()
    http_server.shutdown()
    http_server.server_close()
    thread.join()


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def fetcher(waits: Waits) -> Fetcher:
    return Fetcher(timeout_s=5.0, sleep=waits)
