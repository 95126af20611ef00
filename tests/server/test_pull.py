"""Diagnostics that are pulled: result ids, the whole workspace, and links to what a code means."""

from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import pytest
from lsprotocol import types
from pytest_lsp import client_capabilities

from diagnosis.catalogue import CATALOGUE
from server.lsp.pages import page

FULL, UNCHANGED = types.DocumentDiagnosticReportKind.Full, types.DocumentDiagnosticReportKind.Unchanged


def pulling(**shown):
    capabilities = client_capabilities("visual-studio-code")
    capabilities.text_document.diagnostic = types.DiagnosticClientCapabilities(**shown)
    capabilities.workspace.diagnostics = types.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    return capabilities


async def pull(editor, uri, before=None):
    params = types.DocumentDiagnosticParams(types.TextDocumentIdentifier(uri), previous_result_id=before)
    return await editor.client.text_document_diagnostic_async(params)


async def pull_all(editor, before=()):
    known = [types.PreviousResultId(uri=uri, value=value) for uri, value in dict(before).items()]
    found = await editor.client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams(known))
    return {report.uri: report for report in found.items}


async def test_a_file_that_says_the_same_is_reported_as_unchanged(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    editor = await connect(pulling())
    uri = editor.open("model.py")
    first = await pull(editor, uri)
    assert first.kind == FULL and len(first.items) == 1
    again = await pull(editor, uri, first.result_id)
    assert (again.kind, again.result_id) == (UNCHANGED, first.result_id)
    editor.change(uri, sample.model + "# behind it all\n")
    assert (await pull(editor, uri, first.result_id)).kind == UNCHANGED
    editor.change(uri, "# before it all\n" + sample.model)
    moved = await pull(editor, uri, first.result_id)
    assert moved.kind == FULL and moved.items[0].range.start.line == sample.table + 1
    assert (await pull(editor, uri, "of another session")).kind == FULL


async def test_result_ids_hold_over_a_restart(connect, records):
    records.trial()
    records.feedback(records.finding())
    first = await connect(pulling())
    known = (await pull(first, first.open("model.py"))).result_id
    second = await connect(pulling())
    assert (await pull(second, second.open("model.py"), known)).kind == UNCHANGED


async def test_the_workspace_is_pulled_with_files_that_are_not_open(connect, records, sample):
    (records.repo / "other.py").write_text("x = 1\n")
    records.trial()
    away = records.anchor("other.py", 0, records.finding().anchors[0].role)
    records.feedback(records.finding(), records.finding("overconfidence", anchors=(away,)))
    editor = await connect(pulling())
    uri = editor.open("model.py")
    found = await pull_all(editor)
    assert set(found) == {uri, editor.uri("other.py")}
    assert (found[uri].version, found[editor.uri("other.py")].version) == (1, None)
    again = await pull_all(editor, {uri: report.result_id for uri, report in found.items()})
    assert {report.kind for report in again.values()} == {UNCHANGED}
    await editor.command("dismiss", id="id-overconfidence")
    after = await pull_all(editor, {uri: report.result_id for uri, report in found.items()})
    assert after[uri].kind == UNCHANGED
    gone = after[editor.uri("other.py")]
    assert gone.kind == FULL and not gone.items
    assert set(await pull_all(editor)) == {uri}


async def test_a_broken_config_is_pulled_too(connect, repo):
    (repo / "evolverec.toml").write_text("[recommender\n")
    editor = await connect(pulling())
    found = await pull_all(editor)
    assert "is not valid TOML" in found[editor.uri("evolverec.toml")].items[0].message


async def test_nothing_is_pushed_to_a_client_that_pulls_the_workspace(connect, records):
    """Until it does so for the first time, files that are not open are pushed: not every client pulls them."""
    records.trial()
    records.feedback(records.finding())
    editor = await connect(pulling())
    uri = editor.uri("model.py")
    await editor.wait(lambda: editor.shown(uri))
    assert (await pull_all(editor))[uri].items
    await editor.wait(lambda: not editor.shown(uri))
    refreshes = editor.client.diagnostic_refresh_count
    await editor.command("dismiss", id="id-embedding-collapse")
    await editor.wait(lambda: editor.client.diagnostic_refresh_count > refreshes)
    assert not editor.shown(uri)


async def test_the_code_links_to_a_document_of_the_servers(connect, records):
    records.trial()
    records.feedback(records.finding())
    capabilities = pulling(code_description_support=True)
    capabilities.workspace.text_document_content = types.TextDocumentContentClientCapabilities()
    editor = await connect(capabilities)
    (shown,) = (await pull(editor, editor.open("model.py"))).items
    href = shown.code_description.href
    assert href.startswith("evolverec-docs:/embedding-collapse.md?")
    params = types.TextDocumentContentParams(uri=href)
    text = (await editor.client.workspace_text_document_content_async(params)).text
    for words in ("# Embedding collapse", "RankMe", "item table", ".120 of the width, 95 % [.100, .140]"):
        assert words in text


async def test_the_code_links_to_a_file_where_the_client_shows_no_such_documents(
    connect, records, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    records.trial()
    evolved = records.finding("evolved-fashion", definition="Share of fashion among the top 10.")
    records.feedback(records.finding(), evolved)
    editor = await connect(pulling(code_description_support=True))
    shown = (await pull(editor, editor.open("model.py"))).items
    texts = [
        Path(url2pathname(urlsplit(item.code_description.href).path)).read_text(encoding="utf-8")
        for item in sorted(shown, key=lambda item: item.code)
    ]
    assert "# Embedding collapse" in texts[0] and "Share of fashion" in texts[1]
    editor.open("evolverec.toml", "[recommender\n")
    (broken,) = (await pull(editor, editor.uri("evolverec.toml"))).items
    assert unquote(broken.code_description.href).endswith("/config.md")


@pytest.mark.parametrize("client", ["neovim@v0.7.0", "emacs"])
async def test_a_client_that_shows_no_links_gets_none(connect, records, client):
    capabilities = client_capabilities(client)
    capabilities.text_document.publish_diagnostics.code_description_support = None
    records.trial()
    records.feedback(records.finding())
    editor = await connect(capabilities)
    uri = editor.open("model.py")
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert shown.code_description is None


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_has_a_page(code):
    text = page(CATALOGUE[code])
    assert text.startswith("# ") and len(text) > 200
