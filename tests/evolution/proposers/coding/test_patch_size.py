"""Patches stay small, and lines that only look different are sent back."""

import pytest

from evolution.proposers.coding.patch_size import changed_lines, complaint

CODE = "import math\n\n\ndef f(a,b):\n    x = 'a'\n    y = a+b\n    z = g(\n        a,\n        b,\n    )\n    return x, y, z\n"


def said(after, before=CODE, path="m.py", limit=10):
    return complaint({path: before}, {path: after}, max_changed_lines=limit)


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        (CODE.replace("a+b", "a + b"), "m.py:6"),
        (CODE.replace("'a'", '"a"'), "m.py:5"),
        (CODE.replace("def f(a,b):", "def f(a, b):"), "m.py:4"),
        (CODE.replace("g(\n        a,\n        b,\n    )", "g(a, b)"), "m.py:7"),
        (CODE.replace("y = a+b", "y = a+b  "), "m.py:6"),
        (CODE.replace("    x = 'a'\n    y = a+b", "    x = 'b'\n    y = a + b"), "m.py:6"),
        (CODE.replace("def f(a,b):", "def f(a, b):").replace("a+b", "a-b"), "m.py:4"),
    ],
)
def test_lines_that_only_look_different_are_named(after, lines):
    assert said(after) == f"these lines change only their looks; put them back as they were:\n{lines}"


@pytest.mark.parametrize(
    "after",
    [
        CODE.replace("a+b", "a-b"),
        CODE.replace("    y = a+b", "    if a:\n        y = a+b"),
        CODE.replace("    y = a+b", "    with g():\n        y = a+b"),
        CODE.replace("y = a+b", "y = a+b  # the sum"),
        CODE.replace("import math\n", "import math\nimport torch\n"),
        CODE.replace("import math\n\n\n", ""),
        CODE.replace("'a'", "'a '"),
        CODE + "\n\ndef g(*a):\n    return a\n",
        CODE.replace("y = a+b", "y = (a"),
    ],
)
def test_lines_that_mean_something_else_pass(after):
    assert said(after) == ""


def test_trailing_spaces_in_another_language_are_looks_and_indentation_is_not():
    assert "c.yaml:1" in said("a: 1 \nb: 3\n", "a: 1\nb: 2\n", "c.yaml")
    assert said("a:\n  b: 1\n", "a:\n    b: 1\n", "c.yaml") == ""


def test_a_patch_over_the_limit_is_sent_back_with_its_size():
    after = CODE.replace("    return", "".join(f"    x{i} = {i}\n" for i in range(12)) + "    return")
    assert said(after).startswith("the patch adds and removes 12 lines, the limit is 10")
    assert said(after, limit=12) == ""


def test_size_counts_removed_and_added_lines_of_all_files():
    assert changed_lines({"a": "1\n2\n", "b": "1\n"}, {"a": "1\n3\n", "b": "1\n", "c": "1\n2\n"}) == 4


def test_a_patch_that_changes_nothing_is_sent_back():
    assert "changes nothing" in said(CODE)
