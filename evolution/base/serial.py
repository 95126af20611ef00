"""Converts dataclasses to and from JSON by their type annotations.

Unknown keys are ignored, because a newer version may have added them.
"""

import json
import re
from functools import cache
from typing import Any, TypeVar

from cattrs import Converter

from seeds.reading import parse_json

T = TypeVar("T")
_HALF = re.compile("[\ud800-\udfff]")


@cache
def _converter() -> Converter:
    return Converter()


def plain(record: Any) -> Any:
    """The record as dictionaries, lists, strings, numbers, booleans and None only."""
    return _converter().unstructure(record)


def dumps(record: Any) -> str:
    """The record as compact JSON on one line; NaN and infinities are not replaced (see `finite`).

    Bytes of a file that are no text (`diagnosis.encoding`) are halves of pairs, which neither SQLite nor a file takes but as
    JSON writes them.
    """
    text = json.dumps(plain(record), ensure_ascii=False, separators=(",", ":"))
    return _HALF.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def loads(kind: type[T], text: str) -> T:
    """Parse JSON into a record of class `kind`. Raises cattrs.errors.BaseValidationError if the text does not fit."""
    return _converter().structure(parse_json(text), kind)


def load(kind: type[T], value: Any) -> T:
    """As `loads`, from a value that is already parsed JSON."""
    return _converter().structure(value, kind)


def finite(value: Any) -> Any:
    """A copy of the document with None in place of NaN and infinities, which JSON does not have."""
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value
