"""Reads one message's JSON by JSON-RPC 2.0: a request, a notification, a response, or why it is none of them. Pure."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from evolution.base.plain_text import plain_text

Id = int | float | str

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
NOT_INITIALIZED = -32002
CANCELLED = -32800
REQUEST_FAILED = -32803  # LSP: the request was understood, but could not be done

MAX_DEPTH = 100  # of objects and lists; no parameter of LSP is nested by hundreds, and Python's recursion ends at 1,000
MAX_REASON = 2000  # characters of an error's message; parameters of any length may be quoted in one


@dataclass(frozen=True, kw_only=True)
class Request:
    """A message that must be answered once, under its id."""

    id: Id
    method: str
    params: Any = None


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A message that is not answered."""

    method: str
    params: Any = None


@dataclass(frozen=True, kw_only=True)
class Response:
    """An answer to a request of ours. error: its error object, None if the request succeeded."""

    id: Id
    result: Any = None
    error: Any = None


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A message that is answered with an error at once. id: None where the message has no id that can be told."""

    code: int
    reason: str
    id: Id | None = None

    def document(self) -> dict[str, Any]:
        """The error as the JSON of a response."""
        return error_document(self.id, self.code, self.reason)


Message = Request | Notification | Response | Refusal


def error_document(ident: Id | None, code: int, reason: str) -> dict[str, Any]:
    """An error response as JSON, which most editors show in a popup; a long reason is cut."""
    said = plain_text(reason if len(reason) <= MAX_REASON else f"{reason[:MAX_REASON]} ...")
    return {"jsonrpc": "2.0", "id": ident, "error": {"code": code, "message": said}}


def messages_of(body: bytes) -> list[Message]:
    """The messages in a body: one, or for a batch, which LSP does not have, a refusal of it and of each request in it."""
    try:
        found = json.loads(body, parse_constant=_no_json)
    except (ValueError, RecursionError) as error:
        return [Refusal(code=PARSE_ERROR, reason=f"the message is no JSON: {error}")]
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_deep(found):
        ident = _id_of(found) if isinstance(found, dict) else None
        reason = f"the message is nested more than {MAX_DEPTH} levels deep"
        return [Refusal(code=INVALID_REQUEST, reason=reason, id=ident)]
    if not isinstance(found, list):
        return [_message(found)]
    reason = "LSP has no batches; send each message by itself"
    ids = [_id_of(part) for part in found if isinstance(part, dict) and "method" in part]
    return [
        Refusal(code=INVALID_REQUEST, reason=reason, id=ident)
        for ident in (None, *(ident for ident in ids if ident is not None))
    ]


def _message(found: Any) -> Message:
    if not isinstance(found, dict):
        return Refusal(code=INVALID_REQUEST, reason=f"a message is a JSON object, not {type(found).__name__}")
    ident, method = _id_of(found), found.get("method")
    if found.get("jsonrpc") != "2.0":
        return Refusal(code=INVALID_REQUEST, reason='"jsonrpc" must be "2.0"', id=ident)
    if isinstance(method, str):
        return _call(found, ident, method)
    if "method" in found:
        return Refusal(code=INVALID_REQUEST, reason='"method" must be a string', id=ident)
    if ident is not None and ("result" in found or "error" in found):
        return Response(id=ident, result=found.get("result"), error=found.get("error"))
    return Refusal(code=INVALID_REQUEST, reason="the message has neither a method nor a result", id=ident)


def _call(found: dict[str, Any], ident: Id | None, method: str) -> Message:
    params = found.get("params")
    if ident is not None:
        return Request(id=ident, method=method, params=params)
    if "id" in found:
        reason = '"id" must be a number or a string'
        return Refusal(code=INVALID_REQUEST, reason=reason)
    return Notification(method=method, params=params)


def _id_of(found: dict[str, Any]) -> Id | None:
    """The id; None where there is none that an answer could carry."""
    ident = found.get("id")
    if isinstance(ident, bool) or not isinstance(ident, int | float | str):
        return None
    return None if isinstance(ident, float) and not math.isfinite(ident) else ident


def _is_deep(found: Any) -> bool:
    level = [found]
    for _ in range(MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
        if not level:
            return False
    return True


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _no_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
