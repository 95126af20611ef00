"""A worker's message, from bytes to a document. The bytes may be anything: candidate code runs beside the writer.

A message is one line of JSON, bounded in length and depth. What comes out is made of dictionaries, lists, clean text,
integers of 64 bits and floats (NaN and infinities among them), so that it can be stored and shown whatever it says.
"""

import json
import re
from typing import Any

MAX_BYTES = 16 << 20  # the trace of a large model takes one or two MiB
MAX_DEPTH = 32
MAX_TEXT = 100_000  # characters of one text
_LONGEST_INTEGER = 19  # digits and sign; what is longer need not fit in 64 bits
# Characters that a terminal obeys, and halves of surrogate pairs, which no file and no database takes.
_UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class BadMessageError(Exception):
    """The bytes are no message; the text says why, to follow "the worker's reply"."""


def parse_message(line: bytes) -> dict[str, Any]:
    """Raises BadMessageError."""
    if len(line) > MAX_BYTES:
        raise BadMessageError(f"is longer than {MAX_BYTES >> 20} MiB")
    try:
        document = json.loads(line, parse_int=_integer)
    except RecursionError:
        raise BadMessageError(f"is nested deeper than {MAX_DEPTH} levels") from None
    except ValueError:
        raise BadMessageError("is not JSON: the wire was written to") from None
    if not isinstance(document, dict):
        raise BadMessageError("is no JSON object: the wire was written to")
    return _clean(document, MAX_DEPTH)


def clean_text(text: str) -> str:
    """Without control characters other than tab and line feed, and not endless."""
    return _UNCLEAN.sub("\ufffd", text[:MAX_TEXT])


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < _LONGEST_INTEGER else _long_integer(digits)


def _long_integer(digits: str) -> int | float:
    value = float(digits)
    return int(digits) if abs(value) < 2**63 else value


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, (dict, list)) and not depth:
        raise BadMessageError(f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {clean_text(key): _clean(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, depth - 1) for item in value]
    return value
