"""Records to and from JSON, by their type annotations; unknown keys of a newer version are ignored."""

import json
from functools import cache
from typing import Any, TypeVar

from cattrs import Converter

T = TypeVar("T")


@cache
def _converter() -> Converter:
    return Converter()


def plain(record: Any) -> Any:
    """Dictionaries, lists, strings and numbers only."""
    return _converter().unstructure(record)


def dumps(record: Any) -> str:
    return json.dumps(plain(record), ensure_ascii=False, separators=(",", ":"))


def loads(kind: type[T], text: str) -> T:
    """Raises cattrs.errors.BaseValidationError where the text does not fit."""
    return _converter().structure(json.loads(text), kind)


def load(kind: type[T], value: Any) -> T:
    return _converter().structure(value, kind)


def finite(value: Any) -> Any:
    """The same document with null for NaN and infinities, which JSON does not have."""
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value
