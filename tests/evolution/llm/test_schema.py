"""Reply models as strict schemas, and answers in prose, fences and thoughts."""

from enum import StrEnum
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from evolution.llm.schema import Unfit, read_reply, strict_schema


class Colour(StrEnum):
    RED = "red"


class Part(BaseModel):
    size: Literal[1, 2] | None = Field(description="Its size.", title="Size")
    colour: Colour


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    first: Part = Field(description="The first part.")
    parts: list[Part] = Field(description="All parts.", max_length=3)
    name: str = Field(default="x", description="Its name.", max_length=10)


def test_every_object_is_closed_and_every_field_required():
    part = {
        "type": "object",
        "properties": {
            "size": {
                "anyOf": [{"type": "integer", "enum": [1, 2]}, {"type": "null"}],
                "description": "Its size.",
            },
            "colour": {"$ref": "#/$defs/Colour"},
        },
        "required": ["size", "colour"],
        "additionalProperties": False,
    }
    assert strict_schema(Whole) == {
        "type": "object",
        "properties": {
            "first": {**part, "description": "The first part."},  # a reference has no room for a description
            "parts": {
                "type": "array",
                "items": {"$ref": "#/$defs/Part"},
                "description": "All parts.",
                "maxItems": 3,
            },
            "name": {"type": "string", "description": "Its name."},
        },
        "required": ["first", "parts", "name"],
        "additionalProperties": False,
        "$defs": {"Colour": {"type": "string", "enum": ["red"]}, "Part": part},
    }


class Free(BaseModel):
    values: dict[str, int]


class Mixed(BaseModel):
    pair: tuple[int, str]


@pytest.mark.parametrize("model", [Free, Mixed])
def test_a_model_without_a_strict_schema_is_the_authors_mistake(model):
    with pytest.raises(TypeError, match="a strict schema needs"):
        strict_schema(model)


class Animal(BaseModel):
    name: str
    legs: int


OWL = '{"name": "owl", "legs": 2}'


@pytest.mark.parametrize(
    "text",
    [
        OWL,
        f"```json\n{OWL}\n```",
        f"Of course {{as asked}}: {OWL} Anything else?",
        f"<think>Perhaps {{\"name\": \"cat\", \"legs\": 4}}?</think>\n{OWL}",
        f'{{"thought": "a bird"}}\n{OWL}',
        f"\ufeff \n{OWL}",
    ],
)  # fmt: skip
def test_the_answer_is_found_among_words(text):
    assert read_reply(text, Animal) == Animal(name="owl", legs=2)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("  ", "it is empty"),
        ("I would rather not.", "it holds no JSON object"),
        ('["owl", 2]', "it holds no JSON object"),
        ('{"name": "owl", "legs": 1e999}', "legs: Input should be a finite number"),
        ('{"name": ["owl"]}', "name: Input should be a valid string; legs: Field required"),
        ("{" * 100_000, "it holds no JSON object"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "it holds no JSON object"),
        ('{"name": "owl", "legs": ' + "9" * 9_999 + "}", "it holds no JSON object"),
    ],
)
def test_what_does_not_fit_is_said_without_repeating_it(text, problem):
    with pytest.raises(Unfit) as raised:
        read_reply(text, Animal)
    assert str(raised.value) == problem


class Many(BaseModel):
    a: int; b: int; c: int; d: int; e: int; f: int; g: int; h: int  # fmt: skip # noqa: E702


def test_only_the_first_problems_are_told():
    with pytest.raises(Unfit, match="f: Field required; and 2 further problems"):
        read_reply("{}", Many)
