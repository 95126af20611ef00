"""The JSON documents of a space and of the settings that were tried in it."""

from typing import Any

from evolution.tuning.number import Number
from evolution.tuning.ranges import Range
from evolution.tuning.space import Space, Values


def space_document(space: Space) -> dict[str, Any]:
    """`tuned`: what is tuned, with the place of every number; `left`: what is not, with the reason."""
    return {
        "tuned": [
            {
                "name": one.name,
                "kind": one.kind.value,
                "value": one.value,
                "range": _range_document(one.range),
                "places": [_number_document(number) for number in one.numbers],
            }
            for one in space.dimensions
        ],
        "left": [{**_number_document(one.number), "why": one.why} for one in space.left],
    }


def setting_document(
    space: Space, values: Values, *, trial: str, status: str, objective: float | None, why: str
) -> dict[str, Any]:
    """One setting. values: those that differ from the program's own, by name. why: why it cannot be offered."""
    names = [one.name for one in space.dimensions]
    moved = {
        one.name if names.count(one.name) == 1 else f"{one.name} ({one.numbers[0].place})": value
        for one, value in zip(space.dimensions, values)
        if value != one.value
    }
    return {"trial": trial, "status": status, "objective": objective, "values": moved, "why_not": why or None}


def _number_document(number: Number) -> dict[str, Any]:
    return {
        "path": number.path,
        "line": number.line,
        "name": number.name,
        "where": number.where.value,
        "value": number.value,
    }


def _range_document(found: Range) -> dict[str, Any]:
    if found.choices:
        return {"choices": list(found.choices), "words": found.words()}
    return {"low": found.low, "high": found.high, "log": found.log, "words": found.words()}
