"""Makes pygls accept requests beyond LSP: their parameters stay plain JSON, and may be absent."""

from typing import Any

from cattrs import Converter
from pygls.protocol import JsonRPCRequestMessage, default_converter


def converter() -> Converter:
    """pygls' converter, with our way of reading requests beyond LSP."""
    made = default_converter()
    made.register_structure_hook(JsonRPCRequestMessage, _request)
    return made


def _request(message: dict[str, Any], _: type) -> JsonRPCRequestMessage:
    return JsonRPCRequestMessage(
        id=message["id"],
        method=message["method"],
        jsonrpc=message["jsonrpc"],
        params=message.get("params"),
    )
