"""The keys of evolverec.toml as its own models describe them (evolution/config.py); nothing is said twice here.

Loads pydantic, so the first call belongs on a background thread.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

TYPES = {"string": "text", "integer": "whole number", "number": "number", "array": "list of texts"}


@dataclass(frozen=True, kw_only=True)
class Key:
    """type: in words, with its limits. default: as TOML, "" for a required key. values: all that it may be, () where it is
    free; examples: some that it may be. text, many: whether it is a text, or a list of them."""

    section: str
    name: str
    description: str
    type: str
    default: str
    values: tuple[str, ...]
    examples: tuple[str, ...]
    text: bool
    many: bool

    @property
    def required(self) -> bool:
        return not self.default


@cache
def schema() -> Mapping[str, Mapping[str, Key]]:
    """section -> key -> what is known of it, in the order of the models."""
    from evolution.repo.config import Config

    whole = Config.model_json_schema()
    return {
        section: {
            name: _key(section, name, described)
            for name, described in whole["$defs"][_definition(entry)]["properties"].items()
        }
        for section, entry in whole["properties"].items()
    }


def key_of(section: str, name: str) -> Key | None:
    return schema().get(section, {}).get(name)


def _definition(entry: Mapping[str, Any]) -> str:
    """The model's name. Where the section has a default, the reference may stand in a list of its own."""
    reference = entry.get("$ref") or entry["allOf"][0]["$ref"]
    return str(reference).rsplit("/", 1)[-1]


def _key(section: str, name: str, described: Mapping[str, Any]) -> Key:
    values = tuple(str(value) for value in described.get("enum", ()))
    return Key(
        section=section,
        name=name,
        description=str(described.get("description", "")),
        type=_type(described, values),
        default=json.dumps(described["default"], ensure_ascii=False) if "default" in described else "",
        values=values,
        examples=_examples(described),
        text=described["type"] == "string",
        many=described["type"] == "array",
    )


def _examples(described: Mapping[str, Any]) -> tuple[str, ...]:
    """Of a list, the texts in its examples."""
    given = described.get("examples", ())
    return tuple(
        str(text) for example in given for text in (example if isinstance(example, list) else [example])
    )


def _type(described: Mapping[str, Any], values: tuple[str, ...]) -> str:
    if values:
        return "one of " + ", ".join(json.dumps(value) for value in values)
    limits = (
        ("minimum", "at least"),
        ("exclusiveMinimum", "above"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "below"),
    )
    said = [f"{words} {described[name]:,}" for name, words in limits if name in described]
    return ", ".join([TYPES[described["type"]], *said])
