"""Writes a setting into the files of a program, and reads the setting of a program that was written so."""

from collections.abc import Mapping

from evolution.tuning.number import Number, Where
from evolution.tuning.ranges import rounded
from evolution.tuning.space import Space, Values, numbers_of


def with_values(sources: Mapping[str, str], space: Space, values: Values) -> dict[str, str]:
    """path -> new text of the files that a setting changes. sources: those that the space was found in."""
    wanted = [
        (number, value)
        for one, value in zip(space.dimensions, values)
        for number in one.numbers
        if value != number.value
    ]
    changed: dict[str, str] = {}
    for path in sorted({number.path for number, _ in wanted}):
        lines = sources[path].split("\n")
        here = [(number, value) for number, value in wanted if number.path == path]
        for number, value in sorted(
            here, key=lambda one: -one[0].start
        ):  # from the right, so that columns stay
            line = lines[number.line - 1]
            lines[number.line - 1] = line[: number.start] + written(number, value) + line[number.end :]
        changed[path] = "\n".join(lines)
    return changed


def values_in(sources: Mapping[str, str], space: Space) -> Values | None:
    """The setting of a program that differs from the space's own in its numbers alone; None for any other program."""
    paths = sorted({number.path for one in space.dimensions for number in one.numbers})
    there = {
        _place(number): number.value for path in paths for number in numbers_of(path, sources.get(path, ""))
    }
    found = [there.get(_place(one.numbers[0])) for one in space.dimensions]
    values = tuple(value for value in found if value is not None)
    return values if len(values) == len(space.dimensions) else None


def written(number: Number, value: float) -> str:
    """A value as it is written in a number's place, in the style of the number."""
    if isinstance(value, int) or float(value) == int(value) == number.value:
        return str(int(value)) if isinstance(number.value, int) else repr(float(value))
    if number.where is Where.FILE:  # YAML reads 1e-05 as a text
        plain = f"{value:.12f}".rstrip("0")
        return f"{plain}0" if plain.endswith(".") else plain
    return repr(rounded(value))


def change_words(space: Space, values: Values, *, most: int = 99) -> str:
    """`dropout 0.2 -> 0.41, lr 0.001 -> 0.0032`; "" for the program's own setting. most: how many are named."""
    moved = [
        f"{one.name} {one.value:g} -> {value:g}"
        for one, value in zip(space.dimensions, values)
        if value != one.value
    ]
    more = f" and {len(moved) - most} more" if len(moved) > most else ""
    return ", ".join(moved[:most]) + more


def _place(number: Number) -> tuple[object, ...]:
    return (number.path, number.line, number.name, number.where)
