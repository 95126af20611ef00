"""Words that are not ours are shown as they are: in Markdown they make nothing but text."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from evolution.domain.proposal import Idea
from server.shown.markdown import escaped
from simulator.critiques import Quote

HOSTILE = [
    "[win](command:workbench.action.terminal.new)",
    "![x](https://example.org/pixel.png)",
    "<img src=x onerror=alert(1)>",
    "<https://example.org> or https://example.org or www.example.org or me@example.org",
    "`code` ``` fence",
    "**bold** _soft_ ~~gone~~ __x__",
    "# heading\n\n- list\n1. one\n> quote\n---\n===",
    "- list",
    "1. first",
    "2) second",
    "a | b\n--- | ---\nc | d",
    "&lt;b&gt; &#35; $x$",
    "    four spaces are code",
    "[ref]\n\n[ref]: https://example.org",
    "\\[escaped\\](x) ends with a backslash\\",
    "right\u202eto left\u200b, a bell\x07",
]
PLAIN = {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}


def kinds_and_text(markdown):
    """What a renderer makes of it: kinds of tokens, and the words that a reader sees."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    inner = [child for token in tokens for child in token.children or ()]
    return {token.type for token in (*tokens, *inner)}, "".join(child.content for child in inner)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words(text):
    kinds, seen = kinds_and_text(escaped(text))
    assert kinds <= PLAIN
    assert seen == " ".join(text.split()).replace("\u202e", "").replace("\u200b", "").replace("\x07", "")


@given(st.text(st.sampled_from("ab1 \n\t\\`*_[]()<>#|~!&$@:/.-+={}w'\"")))
def test_whatever_it_is_it_stays_words(text):
    kinds, seen = kinds_and_text(escaped(text))
    assert kinds <= PLAIN
    assert seen == " ".join(text.split())


@pytest.mark.parametrize(
    "text", ["https://example.org", "see www.example.org", "me@example.org", "ftp://x.y/z"]
)
def test_bare_addresses_are_broken_for_those_who_make_links_of_them(text):
    assert text not in escaped(text)


async def test_a_hover_shows_titles_and_quotes_as_they_are(connect, records, sample):
    trap, seen = "[win](command:evil) <img src=x>", r"\[win\](command:evil) \<img src=x\>"
    records.trial()
    said = records.simulation()
    quote = Quote(user=7, persona=trap, text=f"“{trap}” again\n\n# now")
    critique = replace(said.critiques[0], quotes=(quote,))
    finding = records.finding(message=trap, why=trap, definition=trap, unit=trap, reference_name=trap)
    records.feedback(finding, simulation=replace(said, critiques=(critique,)))
    idea = Idea(
        code="x", title=trap, rationale="", addresses=(finding.id,), rests_on=(trap,), proposer="gpt_x"
    )
    records.proposal("p1", sample.patched, idea=idea)
    editor = await connect("visual-studio-code")
    uri = editor.open("model.py")
    words = [(await editor.hover(uri, line)).contents.value for line in (sample.table, sample.entry)]
    assert not any("[win](" in text or re.search(r"(?<!\\)<img", text) for text in words)
    assert all(seen in text for text in words)
    assert f"““{seen}” again \\# now” (user 7, {seen})" in words[1]
    kinds, _ = kinds_and_text(words[0])
    assert kinds <= PLAIN | {"strong_open", "strong_close", "hardbreak"}
