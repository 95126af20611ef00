"""Texts that are cut for a prompt say so, and end with a whole line."""

from evolution.base.plain_text import first_lines


def test_a_text_that_fits_is_whole():
    assert first_lines("one\ntwo\n", 100) == "one\ntwo"
    assert first_lines("", 0) == ""


def test_a_longer_one_ends_with_a_whole_line_and_says_what_is_left_out():
    assert first_lines("one\ntwo\nthree", 8) == "one\ntwo\n(1 further line not shown)"
    assert first_lines("a line that is too long", 5) == "(1 further line not shown)"
