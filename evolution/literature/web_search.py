"""The web search that some endpoints have (the tool `web_search` of the Responses API), as an exchange like any other:
reserved, retried, recorded, charged, replayed. For jobs only: it loads pydantic, and openai once it is used.

What a provider takes for each search, beside the tokens, is not in the prices that the user gives, so not charged.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pydantic
from pydantic import Field

from evolution import serial
from evolution.literature.web import WebAnswer, WebCitation, answer_of
from evolution.llm.client import LlmClient
from evolution.llm.endpoint import MAX_BODY_BYTES, Completion, Endpoint, Failed, Kind, hide_key
from evolution.llm.settings import LlmSettings
from evolution.llm.usage import Usage, claimed_usage

PROMPT = "web-search"


class Citation(pydantic.BaseModel):
    title: str = Field(description="The page's title.")
    url: str = Field(description="Its address.")
    start: int = Field(description="Where in the text it is cited, in characters.")
    end: int = Field(description="Where the citation ends.")


class SearchReply(pydantic.BaseModel):
    """Filled from the response's annotations: the model writes free text."""

    text: str = Field(description="What was found.")
    citations: list[Citation] = Field(description="The pages it rests on.")


class SearchClient(LlmClient):
    """Made like an LlmClient, beside it, with the same budget and log. Its `search` is a WebSearch."""

    def __init__(self, settings: LlmSettings, **shared: Any) -> None:
        super().__init__(settings, **shared)
        self._exchanging = replace(self._exchanging, endpoint=SearchEndpoint(settings))

    def search(self, query: str) -> WebAnswer:
        """Raises LlmError, Cancelled."""
        reply = self.ask(PROMPT, {"query": query}, SearchReply)
        citations = tuple(
            WebCitation(title=c.title, url=c.url, start=c.start, end=c.end) for c in reply.citations
        )
        return WebAnswer(text=reply.text, citations=citations)


class SearchEndpoint(Endpoint):
    """Asks POST /responses with the tool switched on, and answers in the form of `SearchReply`."""

    def complete(self, body: Mapping[str, Any], *, prompt: str, cancelled: Callable[[], bool]) -> Completion:
        try:
            content = self._ask(_search_body(body), prompt, cancelled)
        except Failed as failure:
            if failure.kind is Kind.OTHERWISE:  # there is no other way to say it
                raise Failed(Kind.HOPELESS, f"has it a web search? {failure}") from None
            raise
        return _completion(hide_key(content.decode("utf-8", "replace"), self.settings.key), len(content))

    def _ask(self, body: Mapping[str, Any], prompt: str, cancelled: Callable[[], bool]) -> bytes:
        create, content = self.client().responses.with_streaming_response.create, bytearray()
        deadline = time.monotonic() + self.settings.timeout_s
        with self._failures():
            with create(**body, extra_headers={"X-Evolverec-Prompt": prompt}) as response:
                for piece in response.iter_bytes():
                    content += piece
                    _check(len(content), deadline, cancelled)
        return bytes(content)


def _check(received: int, deadline: float, cancelled: Callable[[], bool]) -> None:
    """Whether reading may go on. Raises Failed."""
    if received > MAX_BODY_BYTES:
        said = f"its answer is larger than {MAX_BODY_BYTES >> 20} MiB"
        raise Failed(Kind.HOPELESS, said, billed=True, received=received)
    if cancelled():
        raise Failed(Kind.HOPELESS, "cancelled before it had answered", billed=True, received=received)
    if time.monotonic() > deadline:
        raise Failed(Kind.AGAIN, "its answer was not complete in time", billed=True, received=received)


def _search_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Of POST /responses, from that of a chat completion. No schema: with one, answers come without citations."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    effort = body.get("reasoning_effort")
    return {
        "model": body["model"],
        "input": list(body["messages"]),
        "tools": [{"type": "web_search"}],
        "store": False,
        **({"max_output_tokens": limit} if limit else {}),
        **({"reasoning": {"effort": effort}} if effort else {}),
    }


def _completion(content: str, size: int) -> Completion:
    """Raises Failed."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("output"), list):
        raise Failed(Kind.AGAIN, "its answer is no response", billed=True, received=size)
    return Completion(
        text=serial.dumps(answer_of(document)), finish="stop", refusal="", usage=_usage(document.get("usage"))
    )


def _usage(document: Any) -> Usage | None:
    """The same figures as of a chat completion, under other names."""
    if not isinstance(document, Mapping):
        return None
    return claimed_usage(
        {
            "prompt_tokens": document.get("input_tokens"),
            "completion_tokens": document.get("output_tokens"),
            "prompt_tokens_details": document.get("input_tokens_details"),
        }
    )
