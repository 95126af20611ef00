"""Sends one request to the endpoint with the `openai` package; returns its answer, or raises how it failed. It never
retries.

The body is read piece by piece, with one deadline for all of it and a limit to its size. The request runs in a thread
of its own, so that the caller can stop waiting for it.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from evolution.base.plain_text import plain_text
from evolution.llm.prompt import SHORTEST_SECRET
from evolution.llm.settings import LlmSettings
from evolution.llm.usage import Usage, claimed_usage

if TYPE_CHECKING:
    import ssl

    from openai import OpenAI

MAX_BODY_BYTES = 4 << 20
GRACE_S = 5.0  # how long a cancelled request may still be answered, as the answer was probably paid for
LONGEST_FINISH = 40  # characters kept of the reason why a model ended; known reasons are shorter
NO_KEY = "none"  # sent to endpoints that need no key, because the header must hold something
_BEGIN_OF_JSON = (b"{", b"[", b"\xef")  # the last of a byte order mark
_LOOKED_AT = 4096  # bytes; some endpoints send white space until they have an answer
_LOOK_EVERY_S = 0.05  # how often a waiting thread checks for a cancel


class Remedy(StrEnum):
    """What to do after a failure."""

    AGAIN = "again"  # try again
    PAUSE = "pause"  # all threads wait, then try again
    OTHERWISE = "otherwise"  # the endpoint does not take the request: send it in another form
    HOPELESS = "hopeless"  # give up


class Failed(Exception):
    """A request failed.

    kind: what to do about it.
    wait_s: the pause that the endpoint asks for; None if it asks for none.
    billed: whether the request reached a model, so that it may have been paid for.
    received: bytes of the answer that had come.
    status: of the HTTP answer; 0 if there was none, or it was a success.
    is_slow: whether it failed only by taking too long.
    """

    def __init__(
        self,
        kind: Remedy,
        message: str,
        *,
        wait_s: float | None = None,
        billed: bool = False,
        received: int = 0,
        status: int = 0,
        is_slow: bool = False,
    ) -> None:
        super().__init__(plain_text(message))  # it quotes the endpoint, and goes into logs as well
        self.kind, self.wait_s, self.billed, self.received = kind, wait_s, billed, received
        self.status, self.is_slow = status, is_slow


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The answer to one request.

    finish: why the model ended.
    refusal: the model's text if it declines, else "".
    usage: None if the endpoint does not report it, or reports impossible figures.
    """

    text: str
    finish: str
    refusal: str
    usage: Usage | None


class Endpoint:
    """The endpoint of the user's settings. Threads may share it."""

    def __init__(self, settings: LlmSettings) -> None:
        self.settings = settings
        self._making = threading.Lock()

    @cached_property
    def _client(self) -> "OpenAI":
        from openai import DefaultHttpxClient, OpenAI

        client = OpenAI(
            base_url=self.settings.base_url,
            api_key=self.settings.key or NO_KEY,
            timeout=self.settings.timeout_s,
            max_retries=0,
            http_client=DefaultHttpxClient(verify=_certificates()),
        )
        client.organization = client.project = (
            None  # the package reads them from the environment, but they are not meant for every endpoint
        )
        return client

    def client(self) -> "OpenAI":
        """The client of the `openai` package, made on first use."""
        with self._making:
            return self._client

    def close(self) -> None:
        """Close the connections."""
        if "_client" in self.__dict__:
            self._client.close()

    def models(self, *, cancelled: Callable[[], bool] = lambda: False) -> list[str]:
        """Names of the endpoint's models. Raises Failed, after one try."""
        text = self.fetch(_listing, {}, prompt="models", cancelled=cancelled)
        try:
            return [str(model["id"]) for model in json.loads(text)["data"]]
        except (ValueError, RecursionError, LookupError, TypeError):
            said = "its answer is no list of models; is the address right? Most end in /v1"
            raise Failed(Remedy.HOPELESS, said) from None

    def complete(self, body: Mapping[str, Any], *, prompt: str, cancelled: Callable[[], bool]) -> Completion:
        """The answer to a chat completion. Raises Failed.

        body: of POST /chat/completions.
        """
        text = self.fetch(lambda client: client.chat.completions, body, prompt=prompt, cancelled=cancelled)
        return _understand(text)

    def fetch(
        self,
        resource: Callable[["OpenAI"], Any],
        body: Mapping[str, Any],
        *,
        prompt: str,
        cancelled: Callable[[], bool],
    ) -> str:
        """The answer to a POST of `body`, as text without the key. Raises Failed.

        resource: chooses the resource of the `openai` package whose `create` posts it.
        """
        create = resource(self.client()).with_streaming_response.create
        deadline = time.monotonic() + self.settings.timeout_s
        content = bytearray()
        task = _Task(lambda: self._read(create, body, prompt, deadline, content))
        try:
            task.result(deadline, cancelled)
        except Failed as failure:
            if failure.is_slow and content[:_LOOKED_AT].strip():
                raise _broken("its answer was not complete in time", len(content)) from None
            raise
        return hide_key(content.decode("utf-8", "replace"), self.settings.key)

    def _read(
        self,
        create: Callable[..., Any],
        body: Mapping[str, Any],
        prompt: str,
        deadline: float,
        content: bytearray,
    ) -> None:
        """Adds to `content` what comes, for as long as it may become JSON: a page or noise may never end."""
        with self._failures():
            with create(**body, extra_headers={"X-Evolverec-Prompt": prompt}) as response:
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > MAX_BODY_BYTES:
                        said = f"its answer is larger than {MAX_BODY_BYTES >> 20} MiB"
                        raise Failed(Remedy.HOPELESS, said, billed=True, received=len(content))
                    if time.monotonic() > deadline:
                        raise _broken("its answer was not complete in time", len(content))
                    begin = content[:_LOOKED_AT].lstrip()[:1]
                    if begin and bytes(begin) not in _BEGIN_OF_JSON:
                        return

    def _failures(self) -> "_Failures":
        return _Failures(self.settings)


class _Listed:
    """`models.list` of the `openai` package, in the shape of a resource that posts."""

    def __init__(self, client: "OpenAI") -> None:
        self.with_streaming_response = self
        self.create = client.models.with_streaming_response.list


def _listing(client: "OpenAI") -> Any:
    return _Listed(client)


@cache
def _certificates() -> "ssl.SSLContext":
    """The authorities that this machine trusts. Reading them takes a twentieth of a second, so all clients share them."""
    import httpx2

    return httpx2.create_ssl_context()


def _understand(content: str) -> Completion:
    """The completion in an answer's text. Raises Failed if the text is none."""
    try:
        document = json.loads(content)
        choice = document["choices"][0]
        message = choice["message"]
        text, refusal = _text(message.get("content")), _text(message.get("refusal"))
        finish = str(choice.get("finish_reason") or "")[:LONGEST_FINISH]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise _broken("its answer is no chat completion", len(content)) from None
    return Completion(text=text, finish=finish, refusal=refusal, usage=claimed_usage(document.get("usage")))


def _broken(message: str, received: int) -> Failed:
    return Failed(Remedy.AGAIN, message, billed=True, received=received)


def _text(content: Any) -> str:
    """The text of a message's content, which some endpoints send in parts."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content if isinstance(content, str) else ""


def hide_key(text: str, key: str) -> str:
    """The text with every occurrence of the key replaced; keys too short to be secret are left."""
    return text.replace(key, "[key]") if len(key) >= SHORTEST_SECRET else text


class _Task:
    """Runs a function in a thread that may be left behind; keeps its failure."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do, self._done = do, threading.Event()
        self._failure: Failed | None = Failed(
            Remedy.HOPELESS, "the request broke off; its traceback is in the log"
        )
        threading.Thread(target=self._run, daemon=True, name="llm-request").start()

    def _run(self) -> None:
        try:
            self._do()
            self._failure = None
        except Failed as failure:
            self._failure = failure
        finally:
            self._done.set()

    def result(self, deadline: float, cancelled: Callable[[], bool]) -> None:
        """Returns when the function has. Raises Failed if it failed, does not end by the deadline, or is cancelled (after
        GRACE_S).
        """
        is_cancelled = False
        while not self._done.wait(_LOOK_EVERY_S):
            if not is_cancelled and cancelled():
                is_cancelled, deadline = True, min(deadline, time.monotonic() + GRACE_S)
            if time.monotonic() > deadline:
                if is_cancelled:
                    raise Failed(Remedy.HOPELESS, "cancelled before it had answered", billed=True)
                raise Failed(Remedy.AGAIN, "it did not answer in time", billed=True, is_slow=True)
        if self._failure is not None:
            raise self._failure


class _Failures:
    """A block that turns the exceptions of the `openai` package into Failed."""

    def __init__(self, settings: LlmSettings) -> None:
        self._settings = settings

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        import httpx2
        import openai

        if isinstance(error, openai.APIStatusError):
            raise self._status(error) from None
        if isinstance(error, (openai.APITimeoutError, httpx2.TimeoutException)):
            raise Failed(Remedy.AGAIN, "it did not answer in time", billed=True, is_slow=True) from None
        if isinstance(error, openai.APIConnectionError):
            cause = error.__cause__
            sent = isinstance(cause, (httpx2.ReadError, httpx2.RemoteProtocolError))
            said = hide_key(str(cause or error), self._settings.key)[:200]
            raise Failed(Remedy.AGAIN, f"no connection: {said}", billed=sent) from None
        if isinstance(error, httpx2.HTTPError):
            raise Failed(
                Remedy.AGAIN, "the connection broke off in the middle of the answer", billed=True
            ) from None
        if isinstance(error, openai.OpenAIError):
            said = hide_key(str(error), self._settings.key)[:200]
            raise Failed(Remedy.HOPELESS, f"the request could not be made: {said}") from None

    def _status(self, error: Any) -> Failed:
        failure = self._answered(error.status_code, self._said(error), error)
        failure.status = error.status_code
        return failure

    def _answered(self, code: int, said: str, error: Any) -> Failed:
        if code == 429 and "insufficient_quota" in (error.code, error.type):
            return Failed(Remedy.HOPELESS, f"the endpoint's quota is used up: {said}")
        if code == 429:
            return Failed(
                Remedy.PAUSE, f"it is asked too often: {said}", wait_s=retry_after(error.response.headers)
            )
        if code in (408, 409, 425) or code >= 500:
            wait_s = retry_after(error.response.headers)
            return Failed(Remedy.AGAIN, f"it failed with {code}: {said}", wait_s=wait_s)
        if code in (400, 415, 422):
            return Failed(Remedy.OTHERWISE, f"it refuses the request with {code}: {said}")
        if code in (401, 403):
            return Failed(Remedy.HOPELESS, f"it refuses the key with {code}: {said}; set EVOLVEREC_LLM_KEY")
        return Failed(
            Remedy.HOPELESS, f"it answers {code}: {said}; is the address right, and has it this model?"
        )

    def _said(self, error: Any) -> str:
        """The endpoint's message: one line of at most 200 characters, without the key."""
        body = error.body
        said = body.get("message") if isinstance(body, Mapping) else body
        return " ".join(hide_key(str(said or error.message), self._settings.key).split())[:200]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `Retry-After` (a number or a date) or `retry-after-ms`; None if neither can be read."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        try:
            wait_s = float(text) * unit
        except ValueError:
            continue
        if 0 <= wait_s < float("inf"):
            return wait_s
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(until.tzinfo or UTC)).total_seconds()) if until.tzinfo else None
