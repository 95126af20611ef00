"""Settings from the client: who may name the interpreter, and what a wrong value does."""

import asyncio

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import client_capabilities

from server.lsp.settings import INTERPRETER_IGNORED, ClientSettings, from_configuration, from_options

NO_PYTHON = "/nowhere/python"


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"trusted": True}, "trusted", True),
        ({"python": "/a"}, "interpreter", "/a"),
        ({"interpreter": "/a"}, "interpreter", "/a"),
        ({"inlayHints": True}, "inlay_hints", True),
        ({"machineSettings": True}, "machine_settings", True),
    ],
)
def test_each_option_changes_one_setting(given, field, value):
    found, wrong = from_options(given)
    assert wrong == [] and getattr(found, field) == value != getattr(ClientSettings(), field)


def test_a_wrong_option_is_told_and_its_default_stands():
    found, wrong = from_options(
        {"trusted": "yes", "inlayHints": 1, "python": ["x"], "trace": {"server": "off"}}
    )
    assert found == ClientSettings()
    assert "initializationOptions.trusted is 'yes'; expected true or false" in wrong and len(wrong) == 3
    assert from_options(None) == from_options([]) == (ClientSettings(), [])


@pytest.mark.parametrize("python", [".venv/bin/python", "./python", "../x/python"])
def test_an_interpreter_relative_to_nothing_is_told(python):
    """The editor starts the server where it likes, often in the repo."""
    found, wrong = from_options({"python": python})
    assert found == ClientSettings() and "expected the absolute path of a Python" in wrong[0]
    assert from_options({"python": "python3"})[0].interpreter == "python3"


def test_a_folder_cannot_name_the_interpreter_or_give_trust():
    start = ClientSettings(interpreter="/mine")
    given = {"interpreter": "/theirs", "trusted": True, "machineSettings": True, "inlayHints": True}
    found, wrong = from_configuration(start, given)
    assert found == ClientSettings(interpreter="/mine", inlay_hints=True)
    assert wrong == [INTERPRETER_IGNORED]


def test_a_client_whose_folders_cannot_set_it_may_name_the_interpreter():
    start = ClientSettings(interpreter="/mine", machine_settings=True)
    assert from_configuration(start, {"interpreter": "/new"})[0].interpreter == "/new"
    assert from_configuration(start, {"interpreter": None})[0] == start
    assert from_configuration(start, {"interpreter": ""})[0] == start


def asked_for(name="visual-studio-code", **configuration):
    capabilities = client_capabilities(name)
    for key, value in configuration.items():
        setattr(capabilities.workspace, key, value)
    return capabilities


def registering():
    return asked_for(
        configuration=True,
        did_change_configuration=types.DidChangeConfigurationClientCapabilities(dynamic_registration=True),
    )


def tell(editor, settings):
    editor.client.set_configuration(settings)
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))


async def hints(editor, uri):
    whole = types.Range(types.Position(0, 0), types.Position(1000, 0))
    return await editor.client.text_document_inlay_hint_async(
        types.InlayHintParams(types.TextDocumentIdentifier(uri), whole)
    )


async def until(editor, uri, shown):
    """Hints come and go once the server has asked for the settings."""
    for _ in range(200):
        if bool(await hints(editor, uri)) is shown:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"hints were expected to be {'there' if shown else 'gone'}")


async def test_the_client_is_asked_at_the_start_and_after_each_change(connect, records):
    records.trial()
    records.feedback()
    editor = await connect(registering())
    uri = editor.open("model.py")
    assert not await hints(editor, uri)
    tell(editor, {"evolverec": {"inlayHints": True}})
    await until(editor, uri, shown=True)
    tell(editor, {"evolverec": {"inlayHints": "on"}})
    await until(editor, uri, shown=False)
    assert (
        editor.client.messages[0].message == "evolverec: evolverec.inlayHints is 'on'; expected true or false"
    )


async def test_a_client_that_cannot_be_asked_sends_its_settings(connect, records):
    records.trial()
    records.feedback()
    editor = await connect(asked_for("emacs", configuration=None))
    uri = editor.open("model.py")
    changed = types.DidChangeConfigurationParams(settings={"evolverec": {"inlayHints": True}})
    editor.client.workspace_did_change_configuration(changed)
    await until(editor, uri, shown=True)


@pytest.mark.process
@pytest.mark.parametrize("machine", [True, False])
async def test_the_interpreter_of_the_configuration_runs_the_next_job_where_no_folder_can_set_it(
    connect, records, machine
):
    editor = await connect(registering(), trusted=True, options={"machineSettings": machine})
    editor.open("model.py")
    (records.repo / "evolverec.toml").write_text(
        '[recommender]\nentry = "model:build"\n[data]\nsource = "no"\n'
    )
    tell(editor, {"evolverec": {"interpreter": NO_PYTHON}})
    if not machine:
        await editor.wait(lambda: editor.client.messages)
        assert "evolverec.interpreter was not used" in editor.client.messages[0].message
    else:
        await asyncio.sleep(0.3)
    if machine:
        with pytest.raises(JsonRpcException, match=f"{NO_PYTHON}' does not exist"):
            await editor.command("train")
    else:
        job = await editor.command("train")
        await editor.wait(lambda: records.store.job(job["job"]).state.ended, timeout_s=60)
        assert NO_PYTHON not in records.store.job(job["job"]).error
