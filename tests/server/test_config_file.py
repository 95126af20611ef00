"""evolverec.toml in the editor, and repos that come and go."""

from lsprotocol import types


async def test_errors_show_in_it_as_the_user_types(connect, repo):
    editor = await connect("neovim@v0.7.0")
    uri = editor.open("evolverec.toml")
    text = (repo / "evolverec.toml").read_text()
    editor.change(uri, text + '\n[training]\nmax_epoch = 3\ndevice = "tpu"\n')
    shown = await editor.wait(lambda: editor.shown(uri))
    assert sorted((found.range.start.line, found.message.split(":")[0]) for found in shown) == [
        (7, "training.max_epoch"),
        (8, "training.device"),
    ]
    editor.change(uri, text)
    await editor.wait(lambda: not editor.shown(uri))


async def test_a_broken_config_on_disk_shows_without_being_open(connect, repo):
    (repo / "evolverec.toml").write_text("[recommender\n")
    editor = await connect("visual-studio-code")
    (shown,) = await editor.wait(lambda: editor.shown(editor.uri("evolverec.toml")))
    assert "is not valid TOML" in shown.message


async def test_a_config_that_appears_makes_its_folder_a_repo(connect, repo, sample):
    text = (repo / "evolverec.toml").read_text()
    (repo / "evolverec.toml").unlink()
    editor = await connect("visual-studio-code")
    uri = editor.open("model.py")
    assert await editor.lenses(uri) == []
    (repo / "evolverec.toml").write_text(text)
    change = types.FileEvent(uri=editor.uri("evolverec.toml"), type=types.FileChangeType.Created)
    editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[change]))
    (first, *_) = await editor.lenses(uri)
    assert first.command.title == "evolverec: not trained yet"


async def test_each_file_belongs_to_the_nearest_repo(connect, repo, sample):
    inner = repo / "inner"
    inner.mkdir()
    (inner / "evolverec.toml").write_text((repo / "evolverec.toml").read_text())
    (inner / "model.py").write_text(sample.model)
    editor = await connect("emacs", folders=[repo])
    lenses = await editor.lenses(editor.open("inner/model.py"))
    assert lenses[1].command.arguments[0]["repo"] == str(inner)


async def test_a_config_outside_the_workspace_folders_is_not_followed(connect, repo, sample):
    inner = repo / "inner"
    inner.mkdir()
    (inner / "model.py").write_text(sample.model)
    editor = await connect("emacs", folders=[inner])
    assert await editor.lenses(editor.open("inner/model.py")) == []


async def test_opening_a_repo_writes_nothing_into_it(connect, repo):
    before = sorted(path.name for path in repo.iterdir())
    editor = await connect("visual-studio-code")
    await editor.lenses(editor.open("model.py"))
    assert sorted(path.name for path in repo.iterdir()) == before
