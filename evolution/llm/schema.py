"""Reply models as strict JSON schemas, and answers' texts as reply models."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from evolution.llm.text import printable

if TYPE_CHECKING:
    import pydantic

R = TypeVar("R", bound="pydantic.BaseModel")

# Keywords that strict structured output takes, beside those that nest schemas. Limits of the length of texts are
# checked when the answer is read.
KEPT = {
    "type", "enum", "const", "description", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minItems", "maxItems",
}  # fmt: skip
STARTS = 64  # opening braces of an answer that are tried as the start of its object
PROBLEMS = 6  # problems of one answer that the model is told
_DECODER = json.JSONDecoder(parse_constant=lambda text: _no_constant(text))


class Unfit(Exception):
    """An answer that does not fit its schema; the message can be shown to the model."""


def strict_schema(reply: "type[pydantic.BaseModel]") -> dict[str, Any]:
    """The JSON schema of a reply, with every object closed and every field required.

    A model's docstring would become the schema's description, and so part of the question; most replies have none.
    Raises TypeError for a model that has no strict schema.
    """
    whole = reply.model_json_schema()
    definitions = {name: _strict(part, whole) for name, part in whole.get("$defs", {}).items()}
    schema = _strict({key: value for key, value in whole.items() if key != "$defs"}, whole)
    return {**schema, **({"$defs": definitions} if definitions else {})}


def _strict(part: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in part:
        if "description" not in part:
            return {"$ref": part["$ref"]}
        target = whole["$defs"][
            part["$ref"].removeprefix("#/$defs/")
        ]  # strict schemas allow no description beside a $ref
        return {**_strict(target, whole), "description": part["description"]}
    if len(part.get("allOf", ())) == 1:
        return _strict({**part["allOf"][0], **{k: v for k, v in part.items() if k != "allOf"}}, whole)
    strict = {key: value for key, value in part.items() if key in KEPT}
    if variants := part.get("anyOf", part.get("oneOf")):
        strict["anyOf"] = [_strict(variant, whole) for variant in variants]
    if part.get("type") == "array":
        if "items" not in part:
            raise TypeError("a strict schema needs lists of one type; a tuple or a bare list has none")
        strict["items"] = _strict(part["items"], whole)
    if part.get("type") == "object":
        if "properties" not in part or part.get("additionalProperties"):
            raise TypeError("a strict schema needs named fields; a free mapping, or an empty model, has none")
        strict["properties"] = {name: _strict(field, whole) for name, field in part["properties"].items()}
        strict |= {"required": list(strict["properties"]), "additionalProperties": False}
    return strict


def read_reply(text: str, reply: type[R]) -> R:
    """The reply in an answer's text, which may hold prose, fences and thoughts around it. Raises Unfit."""
    problem = "it holds no JSON object" if text.strip() else "it is empty"
    for candidate in _objects(text):
        try:
            return reply.model_validate(candidate)
        except ValueError as error:
            problem = _say(error)
        except RecursionError:
            problem = "its JSON is nested too deeply"
    raise Unfit(problem)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a text in order, none inside another."""
    thoughts, end, answer = text.partition("</think>")
    text = answer if end and thoughts.lstrip().startswith("<think>") else text
    place = -1
    for _ in range(STARTS):
        place = text.find("{", place + 1)
        if place < 0:
            return
        try:
            found, end = _DECODER.raw_decode(text, place)
            found = _clean(found)
        except (ValueError, RecursionError):
            continue
        place = end - 1
        yield found


def _clean(value: Any) -> Any:
    """The value with texts that can be stored: an escape such as \\ud800 is valid JSON, but no character."""
    if isinstance(value, dict):
        return {printable(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return printable(value) if isinstance(value, str) else value


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _say(error: ValueError) -> str:
    """What does not fit and where, without repeating the answer."""
    problems = getattr(error, "errors", None)
    if problems is None:
        return str(error)[:300]
    said = [
        f"{'.'.join(map(str, problem['loc'])) or 'the object'}: {problem['msg']}"[:300]
        for problem in problems(include_url=False, include_input=False)
    ]
    return "; ".join(said[:PROBLEMS]) + (
        f"; and {len(said) - PROBLEMS} further problems" if len(said) > PROBLEMS else ""
    )
