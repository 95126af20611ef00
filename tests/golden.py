"""Golden texts: words as they were, measured figures within a unit of their last printed digit.

A figure that was computed differs in its last digit between processors, BLAS libraries and thread counts; where it
lies between two printed values, so does the text. Counts, ids and versions are no such figures and must be equal.
"""

import re
from decimal import Decimal
from difflib import unified_diff
from pathlib import Path

import pytest

# Measured: with a decimal point, a percentage, or an end of the interval behind one, "48 % [42, 55]". A second point makes it a
# version, a letter or "-" before it a name.
FIGURE = re.compile(
    r"(?<![\w.])[+-]?(?:\d+\.\d+(?![\w.]*\.\d)|\.\d+|\d+(?= ?%)"
    r"|(?<=% \[)\d+|(?<=% \[\d, )\d+|(?<=% \[\d\d, )\d+|(?<=% \[\d\d\d, )\d+)"
)


def difference(text: str, golden: str) -> str:
    """ "" where `text` says what `golden` says, else the lines that differ, as a unified diff."""
    if FIGURE.split(text) == FIGURE.split(golden) and all(
        map(_near, FIGURE.findall(text), FIGURE.findall(golden))
    ):
        return ""
    return "\n".join(unified_diff(golden.splitlines(), text.splitlines(), "golden", "now", lineterm=""))


def assert_as_golden(text: str, path: Path) -> None:
    """To renew a golden text: delete it, run the test, read what it wrote."""
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path} was missing and is written; read it and run again")
    found = difference(text, path.read_text(encoding="utf-8"))
    assert not found, found


def _near(one: str, other: str) -> bool:
    """Whether two figures are printed with as many decimals and differ by one unit of the last at most."""
    places = [len(figure.partition(".")[2]) for figure in (one, other)]
    return places[0] == places[1] and abs(Decimal(one) - Decimal(other)) <= Decimal(1).scaleb(-places[0])
