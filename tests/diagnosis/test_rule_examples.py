"""Each rule on its own examples, `rule_examples/CODE.txt`: a bad one has hits on the lines that end with `# here` and on no
others, a good one has none.
"""

from pathlib import Path

import pytest

from diagnosis.rules.check import check_source

FOLDER = Path(__file__).parent / "rule_examples"


def examples() -> list[tuple[str, str, str]]:
    """(code, "bad" or "good", text) of each example of each file."""
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        for part in path.read_text(encoding="utf-8").split("# --- ")[1:]:
            word, _, text = part.partition("\n")
            found.append((path.stem, word.strip(), text))
    return found


@pytest.mark.parametrize(("code", "word", "text"), examples())
def test_a_rule_hits_its_bad_examples_where_they_say_and_no_good_one(code: str, word: str, text: str) -> None:
    hits = {hit.start_line for hit in check_source("m.py", text, {}) if hit.code == code}
    marked = {number for number, line in enumerate(text.split("\n"), 1) if line.endswith("# here")}
    assert hits == marked
    assert bool(marked) == (word == "bad")


def test_each_file_of_examples_has_two_bad_shapes_and_two_good_ones() -> None:
    for path in FOLDER.glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        assert text.count("# --- bad") >= 2, path.name
        assert text.count("# --- good") >= 2, path.name
