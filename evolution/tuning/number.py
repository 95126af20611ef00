"""A number that stands in a program's configuration, and its place."""

from dataclasses import dataclass
from enum import StrEnum


class Where(StrEnum):
    """What kind of place a number stands in."""

    FIELD = "field of a class"
    CONSTANT = "constant of a module"
    OPTION = "default of an option"
    WORDS = "value on a command line"
    ENTRY = "entry of a dict"
    PARAMETER = "default of a parameter"
    ARGUMENT = "argument of a call"
    FALLBACK = "fallback of a look-up"
    VARIABLE = "variable"
    FILE = "settings file"


# Places that hold nothing but configuration, so that a number there is listed even if nobody knows its role.
SETTINGS = frozenset({Where.FIELD, Where.CONSTANT, Where.OPTION, Where.WORDS, Where.FILE})


@dataclass(frozen=True, kw_only=True)
class Number:
    """One literal of a file.

    line, from 1; start, end: columns of the literal in the line, in characters from 0. text: as it is written.
    name: as it is shown, such as `Settings.dropout`; word: the name that says its role, `dropout`.
    owner: the class or function whose field, parameter or argument it is, "" for others.
    position: of a field or parameter among those of its owner, from 0; -1 for others and for keyword-only ones.
    around: the names of the functions around it, the innermost last, and before them the class of a method. lines: the first and last line that show that it is at work.
    whole: whether its place takes whole numbers only.
    """

    path: str
    line: int
    start: int
    end: int
    text: str
    value: int | float
    name: str
    word: str
    where: Where
    owner: str = ""
    position: int = -1
    around: tuple[str, ...] = ()
    lines: tuple[int, int] = (0, 0)
    whole: bool = False

    @property
    def place(self) -> str:
        """`path:line`."""
        return f"{self.path}:{self.line}"


def read_number(text: str) -> int | float | None:
    """The value of a decimal literal such as 50, 1_000, 1e-3 or .2; None for anything else."""
    try:
        return int(text)
    except ValueError:
        try:
            value = float(text)
        except ValueError:
            return None
    return value if abs(value) < float("inf") else None
