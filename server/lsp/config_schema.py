"""The keys of evolverec.toml, read from the JSON schema of the config's pydantic models (evolution/repo/config.py).

The first call loads pydantic, so it belongs on a background thread.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "array": "list of texts",
    "boolean": "true or false",
}
BOOLEANS = ("true", "false")


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key of evolverec.toml.

    type: the type in words, with its limits
    default: the default written as TOML, "" for a required key
    values: all permitted values, () if any value of the type is permitted
    examples: some permitted values
    text, many: whether the value is a string, or a list of strings
    """

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
        """Whether the config must set this key, because it has no default."""
        return not self.default


@cache
def schema() -> Mapping[str, Mapping[str, Key]]:
    """section -> key name -> Key, in the order of the models."""
    from evolution.repo.config import Config

    whole = Config.model_json_schema()
    return dict(_tables(whole["properties"], whole["$defs"], ""))


def _tables(
    entries: Mapping[str, Any], models: Mapping[str, Any], around: str
) -> Iterator[tuple[str, Mapping[str, Key]]]:
    """Each table among the entries, and each that stands in it, with its keys."""
    for name, entry in entries.items():
        if not _is_table(entry):
            continue
        section = f"{around}{name}"
        inner = models[_definition(entry)]["properties"]
        yield section, {key: _key(section, key, said) for key, said in inner.items() if not _is_table(said)}
        yield from _tables(inner, models, f"{section}.")


def _is_table(entry: Mapping[str, Any]) -> bool:
    return "$ref" in entry or "allOf" in entry


def key_of(section: str, name: str) -> Key | None:
    """The key's description; None if evolverec.toml has no such key."""
    return schema().get(section, {}).get(name)


def _definition(entry: Mapping[str, Any]) -> str:
    """The name of a section's model. If the section has a default, pydantic puts the reference into `allOf`."""
    reference = entry.get("$ref") or entry["allOf"][0]["$ref"]
    return str(reference).rsplit("/", 1)[-1]


def _key(section: str, name: str, described: Mapping[str, Any]) -> Key:
    values = BOOLEANS if described["type"] == "boolean" else tuple(map(str, described.get("enum", ())))
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
    """The key's examples; for a list-valued key, the strings in its example lists."""
    given = described.get("examples", ())
    return tuple(
        str(text) for example in given for text in (example if isinstance(example, list) else [example])
    )


def _type(described: Mapping[str, Any], values: tuple[str, ...]) -> str:
    if values and values != BOOLEANS:
        return "one of " + ", ".join(json.dumps(value) for value in values)
    limits = (
        ("minimum", "at least"),
        ("exclusiveMinimum", "above"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "below"),
    )
    said = [f"{words} {described[name]:,}" for name, words in limits if name in described]
    return ", ".join([TYPES[described["type"]], *said])
