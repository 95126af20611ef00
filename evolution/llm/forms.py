"""The forms in which an answer's schema can be sent: as a schema, in words with JSON mode, or in words alone.

A refusal shows that an endpoint does not take a form. What works is remembered for each model, so that the next
exchange starts with it. An answer that does not fit shows nothing of the kind: the schema is sent on, and for this prompt it is
also told in words, once in each request.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any

from evolution.llm.exchanges import Question

FORMS = ("json_schema", "json_object", "text")
LIMITS = ("max_completion_tokens", "max_tokens")  # names of one parameter; newer endpoints take the first
SCHEMA_NOTE = """

Answer with one JSON object and nothing else, valid against this JSON Schema:
{schema}"""


class Forms:
    """The forms that work, by model. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, str]] = {}
        self._in_words: set[tuple[str, str]] = set()  # (model, prompt)

    def of(self, model: str) -> tuple[str, str]:
        """(form, name of the parameter that limits output tokens) to use for a model."""
        with self._lock:
            return self._known.get(model, (FORMS[0], LIMITS[0]))

    def learn(self, model: str, form: str, limit: str) -> None:
        """Remember a form that has just worked."""
        with self._lock:
            self._known[model] = (form, limit)

    def distrust(self, question: Question) -> None:
        """An answer to this prompt did not follow the schema that was sent: from now on it is also told in words."""
        with self._lock:
            self._in_words.add((question.model, question.prompt))

    def in_words(self, question: Question) -> bool:
        """Whether the schema is told in words even where it is sent as a schema."""
        with self._lock:
            return question.attempt > 0 or (question.model, question.prompt) in self._in_words


def other_form(form: str, limit: str, refusal: str) -> tuple[str, str] | None:
    """The form and limit to try after a refusal with this text; None if nothing is left."""
    if limit == LIMITS[0] and limit in refusal:
        return form, LIMITS[1]
    below = FORMS.index(form) + 1
    return (FORMS[below], limit) if below < len(FORMS) else None


def request_body(question: Question, form: str, limit: str, *, in_words: bool) -> dict[str, Any]:
    """The body of POST /chat/completions. in_words: tell the schema also where it is sent as one."""
    messages = [dict(message) for message in question.messages]
    if in_words or form != FORMS[0]:
        note = SCHEMA_NOTE.format(schema=json.dumps(question.schema, separators=(",", ":")))
        messages[-1]["content"] += note
    body: dict[str, Any] = {
        "model": question.model,
        "messages": messages,
        limit: question.max_output_tokens,
    }
    if question.effort:
        body["reasoning_effort"] = question.effort
    return {**body, **_format(question, form)}


def _format(question: Question, form: str) -> Mapping[str, Any]:
    if form == "text":
        return {}
    if form == "json_object":
        return {"response_format": {"type": form}}
    schema = {"name": question.schema_name, "strict": True, "schema": question.schema}
    return {"response_format": {"type": form, "json_schema": schema}}
