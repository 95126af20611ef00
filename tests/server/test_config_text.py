"""Where a place in evolverec.toml is, in text that is still being typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeds.loading import built_in
from server.lsp.config_offers import SPECIAL
from server.lsp.config_schema import key_of, schema
from server.lsp.config_text import PlaceKind, place_at, scan
from server.lsp.positions import lines_of


def place(text):
    """The place where `|` stands."""
    before, _, after = text.partition("|")
    lines = lines_of(before + after)
    row = before.count("\n")
    return place_at(lines, row, len(before.rpartition("\n")[2]))


@pytest.mark.parametrize(
    ("text", "kind", "section", "key", "typed"),
    [
        ("[tr|", PlaceKind.SECTION, "tr", "", "tr"),
        ("[training|]", PlaceKind.SECTION, "training", "", "training"),
        ("[training]\n|", PlaceKind.KEY, "training", "", ""),
        ("[training]\nmax|", PlaceKind.KEY, "training", "", "max"),
        ("[training]\nmax_ep|ochs = 3", PlaceKind.KEY, "training", "max_epochs", "max_ep"),
        ("[training]\ndevice = |", PlaceKind.VALUE, "training", "device", ""),
        ('[training]\ndevice = "c|', PlaceKind.VALUE, "training", "device", "c"),
        ('[training]\ndevice = "c|" # a "comment"', PlaceKind.VALUE, "training", "device", "c"),
        ('training.device = "|"', PlaceKind.VALUE, "training", "device", ""),
        ('[objective]\nguardrails = ["a", "b|', PlaceKind.VALUE, "objective", "guardrails", "b"),
        ('[objective]\nguardrails = [\n  "a",\n  "b|",\n]', PlaceKind.VALUE, "objective", "guardrails", "b"),
        ("[objective]\nguardrails = [\n[training]\nde|", PlaceKind.KEY, "training", "", "de"),
        ("[objective]\nguardrails = [\nexpression = |", PlaceKind.VALUE, "objective", "expression", ""),
        ("[data]\nsource = 'it\\'|", PlaceKind.VALUE, "data", "source", ""),
    ],
)
def test_it_is_known_while_the_text_is_no_valid_toml(text, kind, section, key, typed):
    found = place(text)
    assert (found.kind, found.section, found.key, found.typed) == (kind, section, key, typed)


@pytest.mark.parametrize("text", ["# a comment |", '[data]\nsource = "x" # |', "[data] |"])
def test_comments_and_what_follows_a_header_are_no_places(text):
    assert place(text) is None


@given(st.text(st.sampled_from("ab[]=\"'#., \\\n\r😀"), max_size=60), st.integers(0, 60))
def test_any_text_has_places_inside_its_line(text, column):
    lines = lines_of(text)
    assert len(scan(lines)) == len(lines)
    for row, line in enumerate(lines):
        found = place_at(lines, row, min(column, len(line)))
        if found is not None:
            assert 0 <= found.start <= found.end <= len(line)
            assert found.text == line[found.start : found.end]
            assert found.text.startswith(found.typed)


def test_the_schema_knows_the_shops():
    assert key_of("data", "source").examples == tuple(built_in())
    assert all(key_of(*key) for key in SPECIAL)


def test_every_key_says_what_it_is_for():
    assert all(key.description and key.type for keys in schema().values() for key in keys.values())
    assert key_of("training", "max_epochs").type == "whole number, at least 1, at most 100,000"
    assert key_of("training", "nothing") is None
