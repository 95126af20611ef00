"""An OpenAI-compatible endpoint on 127.0.0.1 that answers as its script says: well, badly, slowly or not at all.

It speaks real HTTP: POST /v1/chat/completions and GET /v1/models. A script is a function of the request; what it
returns is an `Answer`, or anything else, which is then answered as JSON. The client tells the name of its prompt
in the header X-Evolverec-Prompt, so whole runs can be scripted with `by_prompt`.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

MODEL = "scripted-1"
SCHEMA, JSON = "json_schema", "json_object"


@dataclass(frozen=True, kw_only=True)
class Request:
    """number: how many requests came before. key: what was sent as the bearer's token."""

    number: int
    prompt: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def model(self) -> str:
        return self.body["model"]

    @property
    def text(self) -> str:
        """All messages, one after the other."""
        return "\n\n".join(message["content"] for message in self.body["messages"])

    @property
    def format(self) -> str:
        """`json_schema`, `json_object` or `text`."""
        return self.body.get("response_format", {"type": "text"})["type"]

    @property
    def is_repair(self) -> bool:
        return any(message["role"] == "assistant" for message in self.body["messages"])


@dataclass(frozen=True, kw_only=True)
class Answer:
    """usage: (input, output) tokens to claim, "own" for the server's own count, None to say nothing. cached: of
    the input, in the provider's own cache.
    raw: a body in place of a completion. drip_s: seconds between the single bytes of the body."""

    text: str | None = ""
    finish: str = "stop"
    refusal: str | None = None
    usage: tuple[Any, Any] | Literal["own"] | None = "own"
    cached: int = 0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    delay_s: float = 0.0
    drip_s: float = 0.0
    hangs_up: bool = False


Script = Callable[[Request], Any]


def reply(value: Any, **more: Any) -> Answer:
    """A good answer: a text as it is, anything else as JSON."""
    return Answer(text=value if isinstance(value, str) else json.dumps(value), **more)


def slow(seconds: float, then: Any) -> Answer:
    return replace(as_answer(then), delay_s=seconds)


def dripping(then: Any, seconds: float = 0.05) -> Answer:
    """Byte after byte, so that no single read ever takes long."""
    return replace(as_answer(then), drip_s=seconds)


def status(code: int, message: str = "scripted", *, retry_after: str = "", kind: str = "scripted") -> Answer:
    headers = {"Retry-After": retry_after} if retry_after else {}
    error = {"error": {"message": message, "type": kind, "code": kind}}
    return Answer(status=code, headers=headers, raw=json.dumps(error).encode())


def truncate(value: Any) -> Answer:
    """The first half of an answer, cut off at the limit of tokens."""
    text = as_answer(value).text or ""
    return Answer(text=text[: len(text) // 2], finish="length")


def malformed() -> Answer:
    return reply('{"answer": 42, "unasked": [1, 2, ')


def empty() -> Answer:
    return Answer(text=None)


def hang_up() -> Answer:
    """Half of the body, then the connection is gone."""
    return replace(reply({"lost": "x" * 200}), hangs_up=True)


def refuse(message: str = "I cannot help with that.") -> Answer:
    return Answer(text=None, refusal=message)


def filtered() -> Answer:
    return Answer(text="", finish="content_filter")


def without_usage(value: Any) -> Answer:
    return replace(as_answer(value), usage=None)


def in_prose(value: Any) -> Answer:
    return reply(
        f"Sure! Here {{is}} what you asked for:\n```json\n{json.dumps(value, indent=2)}\n```\nAnything else?"
    )


def huge(size_bytes: int = 8 << 20) -> Answer:
    return Answer(raw=b'{"choices": [{"message": {"content": "' + b"x" * size_bytes + b'"}}]}')


def nested(depth: int = 100_000) -> Answer:
    """JSON that is too deep to be read by recursion."""
    return reply("[" * depth + "]" * depth)


def in_turn(*answers: Any) -> Script:
    """One after the other, the last again and again; an answer may be a script. Threads may share it."""
    lock, left = threading.Lock(), list(answers)

    def script(request: Request) -> Any:
        with lock:
            answer = left.pop(0) if len(left) > 1 else left[0]
        return answer(request) if callable(answer) else answer

    return script


def by_prompt(answers: Mapping[str, Any]) -> Script:
    """By the name of the prompt; a name without an answer is a mistake of the test, and answered 404."""

    def script(request: Request) -> Any:
        if request.prompt not in answers:
            return status(404, f"the script has no answer for the prompt {request.prompt!r}")
        answer = answers[request.prompt]
        return answer(request) if callable(answer) else answer

    return script


def as_answer(value: Any) -> Answer:
    return value if isinstance(value, Answer) else reply(value)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of many tests; any other error shows in what it receives."""


class ScriptedLlm:
    """formats: the response formats it knows; others are answered 400, as older endpoints do.

    is_tried: whether the script answers the question by which `evolution/llm/reaching.py` tries an endpoint, too; else it is
    answered "OK" and not noted.
    requests: what came, in order. billed: (model, input, output) of every answer that it would have charged for.
    """

    def __init__(self, script: Any = None, *, models: Iterable[str] = (MODEL,)) -> None:
        self.script: Any = script
        self.models = list(models)
        self.listing: Answer | None = None
        self.formats = {SCHEMA, JSON}
        self.is_tried = False
        self.requests: list[Request] = []
        self.billed: list[tuple[str, int, int]] = []
        self.most_at_once = 0
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self._at_once = 0
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def environment(self) -> dict[str, str]:
        """What a process needs to use it."""
        return {
            "EVOLVEREC_LLM_BASE_URL": self.base_url,
            "EVOLVEREC_LLM_MODEL": MODEL,
            "EVOLVEREC_LLM_KEY": "key-of-the-scripted-endpoint",
        }

    def prompts(self) -> list[str]:
        return [request.prompt for request in self.requests]

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, prompt: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        if prompt == "reach" and not self.is_tried:
            return replace(
                reply("OK"), usage=(0, 0)
            )  # it is asked before a run, whose budget does not pay it
        with self.lock:
            request = Request(number=len(self.requests), prompt=prompt, body=body, headers=headers)
            self.requests.append(request)
        if request.format not in (*self.formats, "text"):
            return status(400, f"'response_format' of type {request.format} is not supported")
        script = self.script
        return as_answer(script(request) if callable(script) else script)

    def bill(self, body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
        """The usage to claim, noted down."""
        own = sum(len(m["content"]) for m in body["messages"]) // 4 + 1, len(answer.text or "") // 4 + 1
        read, written = answer.usage if isinstance(answer.usage, tuple) else own
        if isinstance(read, int) and isinstance(written, int):
            with self.lock:
                self.billed.append((body["model"], read, written))
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": sum(own),
            "prompt_tokens_details": {"cached_tokens": answer.cached},
        }

    def enter(self, step: int) -> None:
        with self.lock:
            self._at_once += step
            self.most_at_once = max(self.most_at_once, self._at_once)


def _handler(server: ScriptedLlm) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.path != "/v1/models":
                return self.send(status(404, f"no such path: {self.path}"))
            if server.listing is not None:
                return self.send(server.listing)
            data = [{"id": name, "object": "model"} for name in server.models]
            return self.send(Answer(raw=json.dumps({"object": "list", "data": data}).encode()))

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/v1/chat/completions":
                return self.send(status(404, f"no such path: {self.path}"))
            server.enter(1)
            try:
                body = json.loads(content)
                answer = server.answer(self.headers.get("X-Evolverec-Prompt", ""), body, dict(self.headers))
                server.closing.wait(answer.delay_s)
                return self.send(answer if answer.raw is not None else completion(server, body, answer))
            finally:
                server.enter(-1)

        def send(self, answer: Answer) -> None:
            content = answer.raw or b""
            try:
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.write(content, answer)
            except (ConnectionError, TimeoutError):
                self.close_connection = True  # the client has given up

        def write(self, content: bytes, answer: Answer) -> None:
            if answer.hangs_up:
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
            elif answer.drip_s:
                for byte in content:
                    self.wfile.write(bytes([byte]))
                    if server.closing.wait(answer.drip_s):
                        return
            else:
                self.wfile.write(content)

    return Handler


def completion(server: ScriptedLlm, body: Mapping[str, Any], answer: Answer) -> Answer:
    """The answer as a chat completion."""
    message = {"role": "assistant", "content": answer.text, "refusal": answer.refusal}
    usage = server.bill(body, answer)
    document = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish}],
        **({} if answer.usage is None else {"usage": usage}),
    }
    return replace(answer, raw=json.dumps(document).encode())
