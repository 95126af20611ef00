"""While somebody types, the rules speak on the functions that are whole."""

import pytest

from diagnosis.rules.broken import mended
from diagnosis.rules.check import check_source

WHOLE = """import torch.nn.functional as F


class Tower:
    def forward(self, x):
        return F.dropout(x, 0.5)

    def other(self, x):
        try:
            y = x + 1
        except ValueError:
            y = 0
        return F.dropout(y, 0.1)


def fit(batches):
    for b in batches:
        step(b)
    return 1
"""
HITS = [6, 13]


def lines_hit(text: str) -> list[int]:
    return [hit.start_line for hit in check_source("m.py", text, {})]


@pytest.mark.parametrize(
    "typed",
    [
        "    x = foo(",
        "    for u in ",
        "    opt.",
        "    return [a for",
        "    s = 'abc",
        "    if x",
        "    with a(",
        "    def g(self, a",
    ],
)
def test_a_line_that_is_being_typed_silences_its_own_function_alone(typed):
    assert lines_hit(WHOLE) == HITS
    assert lines_hit(WHOLE.replace("    for b in batches:", f"{typed}\n    for b in batches:")) == HITS
    inside = WHOLE.replace("            y = x + 1", f"        {typed}\n            y = x + 1")
    assert lines_hit(inside) == HITS[:1]


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("def fit(batches):", "def fit(batches"),
        ("        except ValueError:", "        except Val"),
        ("    for b in batches:", "    for b in"),
        ("        step(b)", ""),
        ("    return 1", "      return 1"),
    ],
)
def test_a_broken_header_or_block_leaves_the_other_functions_their_hits(line, typed):
    assert lines_hit(WHOLE.replace(line, typed))[0] == HITS[0]


def test_lines_keep_their_numbers_and_what_was_left_out_is_known():
    parts = mended("a = 1\nb = (\nc = 3\n")
    assert parts is not None and parts.broken == {2}
    assert [node.lineno for node in parts.tree.body] == [1, 3]


def test_what_may_stand_in_the_broken_part_is_not_missed():
    """`zero_grad` is missing from what can be read, and is being typed in a function that the loop calls."""
    text = """def fit(net, optimizer, batches):
    for b in batches:
        clear(optimizer)
        net(b).backward()
        optimizer.step()


def clear(optimizer):
    """
    assert [hit.code for hit in check_source("m.py", text + "pass\n", {})] == ["zero-grad-misplaced"]
    assert check_source("m.py", text + "optimizer.zero_gr(\n", {}) == []


@pytest.mark.parametrize("text", ["(" * 50 + "\n" + "x = = 1\n" * 50, '"""' + "\nx y z" * 20])
def test_a_text_with_too_many_faults_has_no_hits(text):
    assert mended(text) is None
