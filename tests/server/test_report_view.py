"""The report as an editor asks for it: the page of the command line, for the repo as it is stored."""

import pytest
from pygls.exceptions import JsonRpcException

from tests.cli.html_page import Page

EDITOR = "visual-studio-code"


async def test_the_page_tells_what_is_stored(connect, records, sample):
    records.trial()
    records.feedback(records.finding(), simulation=records.simulation())
    records.proposal("p1", sample.patched)
    editor = await connect(EDITOR)
    page = Page((await editor.ask("report"))["html"])
    assert page.problems == []
    for words in ("0.1420 [0.1380, 0.1460]", "embedding-collapse", "simulated users", "✓ verified gain"):
        assert words in page.text, words


async def test_where_nothing_has_run_the_page_says_so_and_nothing_is_made(connect, repo):
    editor = await connect(EDITOR)
    page = Page((await editor.ask("report", repo=str(repo)))["html"])
    assert "Nothing has run here yet" in page.text
    assert not (repo / ".evolverec").exists()


async def test_a_run_that_is_not_there_is_refused_in_words(connect, records):
    records.trial()
    editor = await connect(EDITOR)
    with pytest.raises(JsonRpcException, match="evolverec runs"):
        await editor.ask("report", run="none")
