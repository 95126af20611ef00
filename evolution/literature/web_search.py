"""The web search of endpoints that have one (the tool `web_search` of the Responses API).

A search is an exchange like any other: reserved, retried, recorded, charged and replayed. Only jobs may import this
module, because it loads pydantic, and openai once it is used. A provider's fee for each search, beside the tokens, is
not in the prices that the user gives, so it is not charged.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pydantic
from pydantic import Field

from evolution.base import serial
from evolution.literature.web import WebAnswer, WebCitation, answer_of
from evolution.llm.client import LlmClient
from evolution.llm.endpoint import Completion, Endpoint, Failed, Remedy
from evolution.llm.settings import LlmSettings
from evolution.llm.usage import Usage, claimed_usage

PROMPT = "web-search"


# One citation of a SearchReply; no docstring, because the schema would hold it as its description.
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
    """An LlmClient that searches the web, with the same budget and log as the run's own client. Its `search` is a
    WebSearch.
    """

    def __init__(self, settings: LlmSettings, **shared: Any) -> None:
        super().__init__(settings, endpoint=SearchEndpoint(settings), **shared)

    def search(self, query: str) -> WebAnswer:
        """The answer to a web search. Raises LlmError, Cancelled."""
        reply = self.ask(PROMPT, {"query": query}, SearchReply)
        citations = tuple(
            WebCitation(title=c.title, url=c.url, start=c.start, end=c.end) for c in reply.citations
        )
        return WebAnswer(text=reply.text, citations=citations)


class SearchEndpoint(Endpoint):
    """Sends POST /responses with the web search switched on, and returns the answer in the form of `SearchReply`."""

    def complete(self, body: Mapping[str, Any], *, prompt: str, cancelled: Callable[[], bool]) -> Completion:
        """The completion of a search. Raises Failed.

        body: of a chat completion; it is translated.
        """
        wanted = _search_body(body)
        try:
            text = self.fetch(lambda client: client.responses, wanted, prompt=prompt, cancelled=cancelled)
        except Failed as failure:
            if failure.kind is Remedy.OTHERWISE:  # there is no other form to send it in
                raise Failed(Remedy.HOPELESS, f"has it a web search? {failure}") from None
            raise
        return _completion(text)


def _search_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of POST /responses, from that of a chat completion, but without its schema: with one, answers cite
    nothing.
    """
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


def _completion(content: str) -> Completion:
    """The response as a completion. Raises Failed if the content is no response."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("output"), list):
        raise Failed(Remedy.AGAIN, "its answer is no response", billed=True, received=len(content))
    return Completion(
        text=serial.dumps(answer_of(document)), finish="stop", refusal="", usage=_usage(document.get("usage"))
    )


def _usage(document: Any) -> Usage | None:
    """The usage of a response, whose figures have other names than those of a chat completion."""
    if not isinstance(document, Mapping):
        return None
    return claimed_usage(
        {
            "prompt_tokens": document.get("input_tokens"),
            "completion_tokens": document.get("output_tokens"),
            "prompt_tokens_details": document.get("input_tokens_details"),
        }
    )
