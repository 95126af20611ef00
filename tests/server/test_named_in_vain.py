"""What evolverec.toml names and no file has: said from files alone, on its line, with fixes in the editor."""

import json
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from evolution.domain.job import EventType, JobState
from server.shown.config_faults import adapter_gaps, config_faults
from server.shown.wording import LINE

EDITOR = "visual-studio-code"


def config(entry: str = "model:build", source: str = "shop-micro") -> str:
    return f'[recommender]\nentry = "{entry}"\n\n[data]\nsource = "{source}"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.py").write_text(
        "def build(data, *, device, seed):\n    return None\n\n\nclass Net:\n    pass\n"
    )
    (tmp_path / "log.csv").write_text("user,item\n")
    return tmp_path


def test_a_right_config_has_no_faults(folder):
    assert config_faults(folder, config()) == []
    assert config_faults(folder, config(source="log.csv")) == []
    assert config_faults(folder, config(entry="model:Net")) == []


@pytest.mark.parametrize(
    ("text", "line", "words", "offers"),
    [
        (config(entry="modle:build"), 2, "there is no modle.py in this repo", ("model:build",)),
        (config(entry="model:biuld"), 2, "model.py has no biuld at its top", ("model:build",)),
        (config(source="logs.csv"), 5, "there is no logs.csv", ("log.csv", "shop-micro")),
    ],
)
def test_each_fault_stands_on_its_line_and_offers_what_there_is(text, line, words, offers, folder):
    (fault,) = config_faults(folder, text)
    assert fault.line == line and words in fault.message and fault.offers == offers


@pytest.mark.parametrize(
    "code",
    [
        "from other import *\n",
        "from other import build\n",
        "build = make()\n",
        "if True:\n    def build(): ...\n",
        "def __getattr__(name): ...\n",
        "def broken(:\n",
        "for build in (): pass\n",
    ],
)
def test_a_name_that_may_be_there_is_no_fault(code, folder):
    (folder / "model.py").write_text(code)
    assert config_faults(folder, config()) == []


def test_a_module_below_another_folder_may_be_installed(folder):
    (folder / "python").mkdir()
    (folder / "python" / "deep.py").write_text("")
    assert config_faults(folder, config(entry="deep:build")) == []


def test_gaps_of_a_drafted_adapter_are_told_with_their_lines(folder):
    (folder / "model.py").write_text(
        'def build(data, *, device, seed):\n    raise NotImplementedError("fill in: the log")\n'
    )
    (gap,) = adapter_gaps(folder, config())
    assert (gap.path, gap.line, gap.message) == ("model.py", 2, "fill in: the log")


async def test_the_editor_shows_and_mends_them(connect, repo):
    (repo / "evolverec.toml").write_text(config(entry="modle:build", source="nothing.csv"))
    editor = await connect(EDITOR)
    uri = editor.open("evolverec.toml")
    shown = await editor.wait(lambda: editor.shown(uri))
    assert sorted(one.range.start.line for one in shown) == [1, 4]
    actions = await _actions(editor, uri, 1)
    titles = [action.title for action in actions]
    assert "Use model:build" in titles and "Create build() in modle.py" in titles
    (edit,) = next(a for a in actions if a.title == "Use model:build").edit.changes[uri]
    assert edit.new_text == "model:build"
    assert (edit.range.start.character, edit.range.end.character) == (9, 20)
    assert any(action.title == "Use shop-micro" for action in await _actions(editor, uri, 4))


async def test_a_misspelt_key_and_a_wrong_value_are_marked_where_they_stand_and_mended(connect, repo):
    text = config() + 'split = "leave-last"  # why\n[training]\npatientce = 3\nmax_epochs = "9"\n'
    (repo / "evolverec.toml").write_text(text)
    editor = await connect(EDITOR, views=True)
    uri = editor.open("evolverec.toml")
    shown = {one.range.start.line: one for one in await editor.wait(lambda: editor.shown(uri))}
    marked = {line: (one.range.start.character, one.range.end.character) for line, one in shown.items()}
    assert marked == {5: (8, 20), 7: (0, 9), 8: (13, 16)}
    assert shown[7].message == "training.patientce: unknown key; did you mean patience?"
    assert all(len(one.message) <= 90 for one in shown.values())
    (key,) = await _actions(editor, uri, 7)
    assert key.title == "Did you mean `patience`?"
    mended = editor.text_after(key.edit, uri, text)
    value = (await _actions(editor, uri, 5))[0]
    assert value.title == "Use leave-last-two-out"
    mended = editor.text_after(value.edit, uri, mended)
    assert mended == text.replace("patientce", "patience").replace("leave-last", "leave-last-two-out")
    said = await editor.hover(uri, 7)
    assert "Expected one of device, eval" in said.contents.value.replace("\\", "")


async def test_of_a_dotted_name_the_wrong_part_alone_is_replaced(connect, repo):
    text = config() + '[data.colums]\nuser = "u"\n'
    (repo / "evolverec.toml").write_text(text)
    editor = await connect(EDITOR)
    uri = editor.open("evolverec.toml")
    await editor.wait(lambda: editor.shown(uri))
    (key,) = await _actions(editor, uri, 5)
    assert key.title == "Did you mean `columns`?"
    assert editor.text_after(key.edit, uri, text) == text.replace("colums", "columns")
    dotted = config() + "\n[training]\n"
    editor.change(uri, dotted.replace("[data]", "[data]\ncolums.user = 'u'"))
    await editor.wait(lambda: [one.range.end.character for one in editor.shown(uri)] == [6])


async def test_the_whole_of_a_long_error_is_in_the_hover_anywhere_on_its_line(connect, repo):
    text = config() + "\nmax_history 3 is no line of a table, nor is anything that is behind it # at all\n"
    (repo / "evolverec.toml").write_text(text)
    editor = await connect(EDITOR)
    uri = editor.open("evolverec.toml")
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert len(shown.message) <= 90
    said = await editor.hover(uri, shown.range.start.line, len(text.splitlines()[6]))
    assert "expected lines such as" in said.contents.value


async def test_the_extension_lets_the_log_be_picked(connect, repo):
    (repo / "evolverec.toml").write_text(config(source="nothing.csv"))
    editor = await connect(EDITOR, views=True)
    uri = editor.open("evolverec.toml")
    await editor.wait(lambda: editor.shown(uri))
    (pick,) = [one for one in await _actions(editor, uri, 4) if one.command]
    given = {"uri": uri, "line": 4, "start": 10, "end": 21, "text": "nothing.csv"}
    assert (pick.command.command, list(pick.command.arguments or ())) == ("evolverec.ui.pickLog", [given])


async def _actions(editor, uri: str, line: int) -> list[types.CodeAction]:
    place = types.Range(
        start=types.Position(line=line, character=0), end=types.Position(line=line, character=1)
    )
    params = types.CodeActionParams(
        text_document=types.TextDocumentIdentifier(uri=uri),
        range=place,
        context=types.CodeActionContext(diagnostics=[]),
    )
    found = await editor.client.text_document_code_action_async(params)
    return [action for action in found or [] if isinstance(action, types.CodeAction)]


async def test_set_up_drafts_through_the_server(connect, tmp_path):
    workspace = tmp_path / "own"
    workspace.mkdir()
    (workspace / "main.py").write_text("print('hello')\n")
    editor = await connect(EDITOR, folders=[workspace])
    told = await editor.command("init", folder=workspace.as_uri(), data="shop-micro")
    assert told["written"] == ["adapter.py", "evolverec_kit.py", "evolverec.toml"]
    assert json.dumps(told["missing"]).count("fill in") == 2
    uri = editor.open(str(workspace / "adapter.py"))
    shown = await editor.wait(lambda: editor.shown(uri))
    assert all("fill in" in one.message and len(one.message) <= LINE for one in shown)


async def test_a_training_that_failed_for_them_is_told_with_the_buttons_that_mend_them(connect, records):
    text = config(entry="modle:build", source="nothing.csv")
    (records.repo / "evolverec.toml").write_text(text)
    job = records.running_job()
    editor = await connect(EDITOR, views=True)
    await editor.until("overview", lambda told: told["repos"][0]["jobs"])
    error = "evolverec.toml:2: recommender.entry: there is no modle.py in this repo"
    records.end(job, state=JobState.FAILED, error=error)
    records.event(job, EventType.FINISHED, "failed", state="failed", exit_code=1)
    (told,) = await editor.wait(lambda: editor.told)
    create, pick, line = told.mends
    assert (create.kind, create.function) == ("create", "build")
    assert (pick.kind, pick.named.line, text.split("\n")[4][pick.named.start : pick.named.end]) == (
        "pick", 4, "nothing.csv",
    )  # fmt: skip
    assert line.kind == "open"
    made = await editor.command("createEntry")
    assert made["uri"] == editor.uri("modle.py")
    (applied,) = editor.applied
    file, edit = applied.edit.document_changes
    assert isinstance(file, types.CreateFile) and edit.edits[0].new_text.startswith(
        "def build(data, *, device, seed):"
    )
    assert edit.edits[0].new_text.split("\n")[made["line"]].startswith("def build")


async def test_a_function_is_made_below_what_the_file_has_and_only_where_one_is_missing(connect, repo):
    (repo / "evolverec.toml").write_text(config(entry="model:biuld"))
    editor = await connect(EDITOR, views=True)
    uri, before = editor.open("model.py"), (repo / "model.py").read_text()
    made = await editor.command("createEntry")
    after = editor.text_after(editor.applied[0].edit, uri, before)
    assert after.split("\n")[made["line"]].startswith("def biuld(") and after.startswith(before)
    (repo / "evolverec.toml").write_text(config())
    with pytest.raises(JsonRpcException, match="names no function that is missing"):
        await editor.command("createEntry")
