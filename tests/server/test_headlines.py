"""What Problems and a line's end have room for: one line of a finding, figures and all."""

import pytest

from server.shown.wording import LINE, headline

BESIDE = (
    "list popularity 0.82, real choices 0.50, the most popular items 0.89, the users' own histories at 0.53"
)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("74% of the attention goes to padding.", "74% of the attention goes to padding"),
        (
            "Item embeddings share 2 directions. They cannot be told apart.",
            "Item embeddings share 2 directions",
        ),
        ("IndexError: index 1.5 out of range", "IndexError: index 1.5 out of range"),
        (
            "`.item()` in the training loop waits for the device at every step: keep a tensor, or read it once per epoch",
            "`.item()` in the training loop waits for the device at every step",
        ),
        (
            "of 9 slices, targets with 24 to 44 events (98 questions) are served worst: NDCG@10 0.017 against 0.209 by ease",
            "of 9 slices, targets with 24 to 44 events (98 questions) are served worst",
        ),
        (BESIDE, "list popularity 0.82, real choices 0.50, the most popular items 0.89"),
        ("a " * 60, "a " * 43 + "a…"),
        ("x" * 200, "x" * 89 + "…"),
        ("first line\nsecond line", "first line"),
    ],
)
def test_a_message_is_cut_where_a_clause_ends(message, line):
    assert headline(message) == line and len(line) <= LINE


def test_no_bracket_and_no_code_is_cut_in_two():
    message = "the step gives `f(one, two, three)` (of which the first, the second and the third) another value than before, and more"
    assert headline(message) == "the step gives `f(one, two, three)`"
