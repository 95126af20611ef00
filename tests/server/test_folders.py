"""Several folders in one editor, and several editors on one folder."""

import asyncio
import shutil
import subprocess
import sys

import pytest
from lsprotocol import types

from evolution.base.processes import identify


def folder(path):
    return types.WorkspaceFolder(uri=path.as_uri(), name=path.name)


def change(editor, added=(), removed=()):
    event = types.WorkspaceFoldersChangeEvent(
        added=[folder(path) for path in added], removed=[folder(path) for path in removed]
    )
    editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event=event))


@pytest.fixture
def other(tmp_path, repo):
    """A second repo beside the first, of which nothing is known."""
    root = tmp_path / "second"
    root.mkdir()
    for name in ("model.py", "evolverec.toml"):
        shutil.copy(repo / name, root / name)
    return root


async def test_each_of_two_folders_shows_its_own(connect, records, sample, repo, other):
    records.trial()
    records.feedback(records.finding())
    editor = await connect("visual-studio-code", folders=[repo, other])
    here, there = editor.open("model.py"), (other / "model.py").as_uri()
    editor.open("../second/model.py")
    await editor.wait(lambda: editor.shown(here))
    assert not editor.shown(there)
    for uri, root, title in ((here, repo, "NDCG@10 .142"), (there, other, "evolverec: not trained yet")):
        (first, *_) = await editor.lenses(uri)
        assert first.command.title.startswith(title)
        assert list(first.command.arguments) == [{"repo": str(root)}]


async def test_a_finding_in_a_nested_repo_is_the_inner_ones_alone(connect, records, sample, repo):
    records.trial()
    records.feedback(records.finding())
    inner = repo / "inner"
    inner.mkdir()
    for name in ("model.py", "evolverec.toml"):
        shutil.copy(repo / name, inner / name)
    editor = await connect("visual-studio-code", folders=[repo, inner])
    uri = editor.open("inner/model.py")
    await editor.wait(lambda: editor.shown(editor.uri("model.py")))
    assert not editor.shown(uri)
    change(editor, removed=[repo])
    await editor.wait(lambda: not editor.shown(editor.uri("model.py")))
    (first, *_) = await editor.lenses(uri)
    assert list(first.command.arguments) == [{"repo": str(inner)}]


async def test_a_folder_that_is_added_shows_what_its_store_knows(connect, records, repo, other):
    records.trial()
    records.feedback(records.finding())
    editor = await connect("visual-studio-code", folders=[other])
    change(editor, added=[repo])
    await editor.wait(lambda: editor.shown(editor.uri("model.py")))


async def test_a_folder_closed_while_a_job_runs_takes_its_findings_away_and_leaves_the_job(
    connect, records, repo, other
):
    def kinds():
        return [report.kind for found in editor.client.progress_reports.values() for report in found]

    records.trial()
    records.feedback(records.finding())
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as work:
        records.running_job(process=identify(work.pid))
        editor = await connect("visual-studio-code", folders=[repo, other])
        await editor.wait(lambda: editor.shown(editor.uri("model.py")) and "begin" in kinds())
        change(editor, removed=[repo])
        await editor.wait(lambda: not editor.shown(editor.uri("model.py")) and kinds()[-1] == "end")
        assert work.poll() is None
        assert [entry["repo"] for entry in (await editor.command("status", repo=""))["repos"]] == [str(other)]
        change(editor, added=[repo])
        await editor.wait(lambda: editor.shown(editor.uri("model.py")) and kinds()[-1] != "end")
        work.kill()
    assert not [message for message in editor.client.messages if "failed by a fault" in message.message]


async def test_the_copy_of_a_program_that_is_trained_is_no_repo_of_its_own(connect, records, repo):
    records.trial()
    editor = await connect("visual-studio-code")
    copy = repo / ".evolverec" / "jobs" / "j1" / "program"
    copy.mkdir(parents=True)
    for name in ("evolverec.toml", "model.py"):
        shutil.copy(repo / name, copy / name)
    made = types.FileEvent(uri=(copy / "evolverec.toml").as_uri(), type=types.FileChangeType.Created)
    editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[made]))
    assert not await editor.lenses(editor.open(".evolverec/jobs/j1/program/model.py"))
    assert [entry["repo"] for entry in (await editor.command("status", repo=""))["repos"]] == [str(repo)]


@pytest.mark.process
async def test_two_editors_with_servers_of_their_own_share_one_repo(connect_process, records, sample):
    records.trial()
    records.feedback(records.finding(), records.finding("overconfidence", sample.loss))
    records.proposal("p1", sample.patched)
    one, two = await asyncio.gather(connect_process("visual-studio-code"), connect_process("neovim@v0.7.0"))
    uri = one.open("model.py")
    two.open("model.py")
    for editor in (one, two):
        await editor.wait(lambda editor=editor: len(editor.shown(uri)) == 2)
    await one.command("dismiss", id="id-overconfidence")
    await two.wait(lambda: [found.code for found in two.shown(uri)] == ["embedding-collapse"])
    two.change(uri, sample.patched)
    await one.wait(lambda: records.store.proposal("p1").state == "applied")
    # what the other editor has typed is not in this one's text
    assert one.shown(uri)[0].severity == types.DiagnosticSeverity.Warning
    await asyncio.gather(
        *(editor.command("dismiss", id=f"id-{n}") for n, editor in enumerate((one, two) * 5))
    )
    assert len(records.store.dismissed()) == 11
