"""Fetches a document over HTTP: with pauses between requests, further tries, and limits of time and size."""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from evolution.literature.source import SourceFailed

AGENT = "evolverec (literature search)"
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(kw_only=True)
class Fetcher:
    """Fetches from one host.

    timeout_s: of one request, from its start to the last byte of the answer.
    attempts: tries of one request.
    interval_s: least time between two requests.
    longest_wait_s: if the server asks for a longer pause, the request fails.
    largest_bytes: of an answer.
    sleep: waits so many seconds.
    """

    timeout_s: float = 15.0
    attempts: int = 3
    interval_s: float = 0.0
    longest_wait_s: float = 30.0
    largest_bytes: int = 4_000_000
    sleep: Callable[[float], None] = time.sleep
    _last_s: float = field(default=float("-inf"), init=False)

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        """The body of a 2xx answer. Raises SourceFailed, which says what happened in the last attempt."""
        if not url.startswith(("http://", "https://")):
            raise SourceFailed(f"{url!r} is no web address; expected http:// or https://")
        request = urllib.request.Request(url, headers={"User-Agent": AGENT, **(headers or {})})
        for attempt in range(1, self.attempts + 1):
            try:
                return self._once(request)
            except _Again as again:
                if attempt == self.attempts:
                    raise SourceFailed(f"{again.reason}, {attempt} times") from None
                self._wait(again, attempt)
        raise SourceFailed("no attempt is allowed")

    def _wait(self, again: "_Again", attempt: int) -> None:
        pause_s = 2.0 ** (attempt - 1) if again.wait_s is None else again.wait_s
        if pause_s > self.longest_wait_s:
            raise SourceFailed(f"{again.reason} and asks to wait {pause_s:.0f} s")
        self.sleep(pause_s)

    def _once(self, request: urllib.request.Request) -> bytes:
        early_s = self._last_s + self.interval_s - time.monotonic()
        if early_s > 0:
            self.sleep(early_s)
        self._last_s = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                return self._read(answer, deadline=self._last_s + self.timeout_s)
        except urllib.error.HTTPError as error:
            with error:
                said = f"the server answered {error.code}"
                if error.code in _PASSING:
                    raise _Again(said, _retry_after_s(error.headers.get("Retry-After"))) from None
                raise SourceFailed(said) from None
        except TimeoutError:
            raise _Again(f"no answer within {self.timeout_s:g} s") from None
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
            if isinstance(getattr(error, "reason", None), TimeoutError):
                raise _Again(f"no answer within {self.timeout_s:g} s") from None
            raise _Again(f"the connection failed ({getattr(error, 'reason', error)})") from None

    def _read(self, answer: http.client.HTTPResponse, *, deadline: float) -> bytes:
        """The body, read in pieces so that a server that sends slowly cannot exceed the deadline."""
        pieces: list[bytes] = []
        while piece := answer.read1(65536):
            pieces.append(piece)
            if sum(map(len, pieces)) > self.largest_bytes:
                raise SourceFailed(f"the answer is larger than {self.largest_bytes / 1e6:.0f} MB")
            if time.monotonic() > deadline:
                raise TimeoutError
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        return b"".join(pieces)


class _Again(Exception):
    """A failure that may pass.

    wait_s: the pause that the server asks for; None if it asks for none.
    """

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.wait_s = reason, wait_s


def _retry_after_s(header: str | None) -> float | None:
    """Seconds to wait, from the header Retry-After, which holds seconds or a date; None if it cannot be read."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
