"""A probe of the user's is read from its text alone: what it says of itself, and what is wrong, by line."""

import pytest

from diagnosis.findings import Nature, Severity
from diagnosis.user_probes.probe import key_of
from diagnosis.user_probes.reading import defines_measure, read_user_probe

WHOLE = '''"""Long tail: share of the first ten items that hardly anybody takes.

More words.
"""
import numpy as np

UNIT = "share"
WARN_ABOVE: float = 0.5
SEVERITY = "error"
NATURE = "cause"
EXPLAINS = ("weaker-than-ease",)
AT = "model.py:Net.forward"
DAYS = 7  # the probe's own


def measure(view, page=10):
    def inner():
        return 1
    return view.lists[:, :page].mean(axis=1)
'''


def test_what_a_probe_says_of_itself():
    probe = read_user_probe("probes/long_tail.py", WHOLE)
    terms = probe.terms
    assert (probe.code, probe.title, probe.faults) == ("user/long_tail", "Long tail", ())
    assert probe.definition.startswith("Long tail: share") and "More words." in probe.definition
    assert (terms.unit, terms.warn_above, terms.higher_is_better) == ("share", 0.5, False)
    assert (terms.severity, terms.nature) == (Severity.ERROR, Nature.CAUSE)
    assert (terms.explains, terms.at, terms.at_line) == (("weaker-than-ease",), "model.py:Net.forward", 12)
    assert (probe.measure_line, probe.return_line) == (16, 19) and "lists" in probe.needs
    assert probe.kind.nature is Nature.CAUSE and probe.kind.reference == "at most 0.5"


def test_the_docstring_may_be_that_of_measure_and_without_one_the_name_is_the_title():
    inside = 'def measure(view):\n    """Hits. Of all kinds."""\n    return 1.0\n'
    assert read_user_probe("probes/a.py", inside).title == "Hits"
    probe = read_user_probe("probes/some_hits-here.py", "def measure(view):\n    return 1.0\n")
    assert probe.title == "Some hits here"
    assert not probe.judges and probe.kind.nature is Nature.ADVICE


FAULTS = {
    "def measure(view):\n    return (1\n": (2, "never closed"),
    "x = 1\ndef measure():\n    return 1\n": (2, "called with one argument"),
    "def measure(view, k, *, seed):\n    return 1\n": (1, "called with one argument"),
    "def mesure(view):\n    return 1\n": (1, "expected a function `def measure"),
    "UNIT = 3\ndef measure(view): return 1\n": (1, "UNIT is 3; expected a text"),
    'A = 1\nWARN_ABOVE = "x"\ndef measure(view): return 1\n': (2, "expected a number"),
    "WARN_BELOW = 1 / 2\ndef measure(view): return 1\n": (1, "without running the file"),
    'REFERENCE = "itemknn"\ndef measure(view): return 1\n': (1, '"popularity", "markov", "ease", "random"'),
    'SEVERITY = "fatal"\ndef measure(view): return 1\n': (1, '"error", "warning", "information"'),
    "EXPLAINS = (1,)\ndef measure(view): return 1\n": (1, "a code of a finding"),
    "WARN_ABOV = 3\ndef measure(view): return 1\n": (1, "did you mean WARN_ABOVE?"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_what_is_wrong_stands_on_its_line(text):
    line, said = FAULTS[text]
    (fault,) = read_user_probe("probes/a.py", text).faults
    assert fault.line == line and said in fault.message


def test_names_that_are_no_code_are_a_fault():
    (fault,) = read_user_probe("probes/ä b.py", "def measure(view):\n    return 1\n").faults
    assert "letters, digits" in fault.message


def test_a_probe_is_known_before_it_parses_and_helpers_are_none():
    assert defines_measure("import numpy\ndef measure(view\n") and defines_measure("def measure (v): ...")
    assert not defines_measure("class A:\n    def measure(self): ...\n") and not defines_measure(
        "def measured(): ..."
    )


def test_the_key_changes_with_any_text_and_name():
    first, renamed = (read_user_probe(path, WHOLE) for path in ("probes/a.py", "probes/b.py"))
    edited = read_user_probe("probes/a.py", WHOLE + "# more\n")
    keys = {key_of([]), key_of([first]), key_of([renamed]), key_of([edited]), key_of([first, renamed])}
    assert len(keys) == 5 and key_of([]) == ""
