"""A file that only a later Python reads: the editor says once that no rule has looked at it, and calls nothing an error."""

import sys
from dataclasses import replace

import pytest
from lsprotocol import types

from evolution.repo.consents import agree_to_interpreter
from server.lsp.later_python import interpreter_to_ask
from server.lsp.rules import Judged, judge
from server.lsp.settings import ClientSettings
from tests.adversarial.later_python import LATER, stand_in

pytestmark = pytest.mark.process


async def test_it_is_told_once_as_information_and_only_while_it_is_so(connect, records, tmp_path):
    editor = await connect("visual-studio-code", trusted=True, python=str(stand_in(tmp_path)))
    uri = editor.open("model.py", LATER[0] + "x = 1\n")
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert shown.severity is types.DiagnosticSeverity.Information
    assert "No static rule has looked at this file: it uses syntax of Python 3.99" in shown.message
    editor.change(uri, LATER[0] + "x = (\n")  # which nobody reads, as while somebody types
    await editor.wait(lambda: not editor.shown(uri))
    editor.change(uri, LATER[1] + "x = 1\n")
    await editor.wait(lambda: editor.shown(uri))
    editor.change(uri, "x = 1\n")
    await editor.wait(lambda: not editor.shown(uri))


@pytest.mark.parametrize("text", LATER)
async def test_the_interpreter_that_runs_the_repo_decides(tmp_path, text):
    told = await judge("a.py", text, str(stand_in(tmp_path)))
    assert told.is_later and told.unseen.startswith("uses syntax of Python 3.99")
    assert await judge("a.py", f"{text}x = (", str(stand_in(tmp_path))) == Judged(is_later=True)


@pytest.mark.parametrize("python", ["", sys.executable, "/no/python"])
async def test_what_nobody_later_reads_is_an_error_that_the_editor_shows_itself(python):
    assert await judge("a.py", LATER[0], python) == Judged()


def test_an_interpreter_is_not_started_before_the_user_agreed(repo, tmp_path):
    """Neither for a repo that is not trusted, nor where it is the repo's own."""
    outside = ClientSettings(interpreter=str(stand_in(tmp_path)))
    assert interpreter_to_ask(repo, outside) == ""
    assert interpreter_to_ask(repo, replace(outside, trusted=True)) == outside.interpreter
    own = ClientSettings(interpreter=str(stand_in(repo)), trusted=True)
    assert interpreter_to_ask(repo, own) == ""
    agree_to_interpreter(repo / "python3.99", repo)
    assert interpreter_to_ask(repo, own) == own.interpreter
    assert interpreter_to_ask(repo, ClientSettings(interpreter="/no/python", trusted=True)) == ""
