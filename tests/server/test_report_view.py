"""The report as an editor asks for it: the page of the command line, for the repo as it is stored."""

import re

import pytest
from pygls.exceptions import JsonRpcException

from tests.cli.html_page import Page

EDITOR = "visual-studio-code"


def undated(page: str) -> str:
    """The page without the times that stand on it: it tells when it was made, and two are made one after the other."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "TIME", page)


async def test_the_page_tells_what_is_stored(connect, records, sample):
    records.trial()
    records.feedback(records.finding(), simulation=records.simulation())
    records.proposal("p1", sample.patched)
    editor = await connect(EDITOR)
    page = Page((await editor.ask("report"))["html"])
    assert page.problems == []
    for words in (".142 [.138, .146]", "embedding-collapse", "simulated users", "✓ verified gain"):
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


async def test_the_command_writes_the_page_and_opens_it_where_the_editor_can(connect, records, repo):
    records.trial()
    records.feedback(records.finding())
    editor = await connect(EDITOR)
    told = await editor.command("report")
    page = repo / ".evolverec" / "report.html"
    assert told == {"page": str(page), "shown": True}
    assert undated(page.read_text(encoding="utf-8")) == undated((await editor.ask("report"))["html"])
    (shown,) = editor.client.shown_documents
    assert shown.uri == page.as_uri() and shown.external


async def test_a_page_that_cannot_be_written_is_told_with_what_helps(connect, records, repo):
    records.trial()
    (repo / ".evolverec" / "report.html").mkdir()
    editor = await connect(EDITOR)
    with pytest.raises(JsonRpcException, match="Is a directory; name another file with"):
        await editor.command("report")
